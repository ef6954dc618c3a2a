"""Where rows come from: files, or whatever else a shop keeps its products in."""

import glob
import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from endcap_indexer.catalogue.formats import Broken, Found
from endcap_indexer.catalogue.plain import plain_row
from endcap_indexer.catalogue.rows import (
    EXPECTED_SUFFIXES,
    BadRow,
    OnBadRow,
    Row,
    StrPath,
    digest_of,
    has_format,
    read_rows,
)
from endcap_indexer.exceptions import CatalogueError


class RowSource(Protocol):
    """Rows that can be read again and again: each time all of them, in the same order."""

    @property
    def name(self) -> str:
        """What an error calls it."""

    def rows(self, on_bad_row: OnBadRow) -> Iterator[Row]:
        """Stream the rows; CatalogueError when there are none, or none that can be read."""

    def count(self) -> int:
        """How many rows can be read: what the time left is told by."""

    def digest(self) -> str:
        """SHA-256 (hexadecimal) of what the rows say and of their order, not of any name."""


class Files:
    """The rows of files, one file after the other."""

    def __init__(self, *paths: StrPath) -> None:
        self.paths = tuple(map(Path, paths))

    @property
    def name(self) -> str:
        first, more = " and ".join(map(str, self.paths[:3])), len(self.paths) - 3
        return f"{first} and {more:,} more" if more > 0 else first

    def rows(self, on_bad_row: OnBadRow) -> Iterator[Row]:
        for path in self.paths:
            yield from read_rows(path, on_bad_row=on_bad_row)

    def count(self) -> int:
        return sum(1 for _ in self.rows(_ignore))

    def digest(self) -> str:
        return digest_of(self.paths)


class Rows:
    """The rows of a function: a shop's database, an interface of its shop system.

    read: called for each reading; gives mappings, each a product, the same ones in the same order.
    Values may be what JSON has, dates, times, decimals, UUIDs and UTF-8 bytes. What it raises
    reaches the caller as it is. An error names a row by `name` and its number, from 1.
    """

    def __init__(self, name: str, read: Callable[[], Iterable[Any]]) -> None:
        self._name, self._read = name, read

    @property
    def name(self) -> str:
        return self._name

    def rows(self, on_bad_row: OnBadRow) -> Iterator[Row]:
        empty = True
        for number, found in self._found():
            empty = False
            if isinstance(found, Broken):
                on_bad_row(BadRow(self.name, number, found.field, found.reason))
            else:
                yield Row(self.name, number, found)
        if empty:
            raise CatalogueError(f"{self.name} holds no rows; expected one mapping per product")

    def count(self) -> int:
        return sum(1 for _ in self.rows(_ignore))

    def digest(self) -> str:
        whole = hashlib.sha256()
        for _, found in self._found():
            whole.update(json.dumps(found, sort_keys=True).encode() + b"\n")
        return whole.hexdigest()

    def _found(self) -> Iterator[tuple[int, Found]]:
        rows = self._read()
        if inspect.isgenerator(rows) and inspect.getgeneratorstate(rows) != inspect.GEN_CREATED:
            raise CatalogueError(
                f"{self.name}: a generator that was read before; make a new one at each call"
            )
        for number, values in enumerate(rows, start=1):
            if hasattr(values, "keys"):  # of a mapping, and of a sqlite3.Row, which is none
                yield number, plain_row(dict(values))
            else:
                kind = type(values).__name__
                yield number, Broken(None, f"is a {kind}; give a mapping of fields to values")


class FoundFiles(NamedTuple):
    """Files of a catalogue, and what lies beside them in a folder and is none."""

    paths: list[Path]
    left_out: list[Path]


def find_files(places: Iterable[StrPath]) -> FoundFiles:
    """The files at the places, each a file, a folder or a pattern such as `parts/*.parquet`.

    Places in their order, within a place by name; a file counts once. Of a folder, files of known
    formats that lie in it and begin with neither a dot nor an underscore. CatalogueError for a
    place without any.
    """
    paths: dict[Path, None] = {}
    left_out: dict[Path, None] = {}
    for place in map(Path, places):
        found = _at(place)
        paths |= dict.fromkeys(found.paths)
        left_out |= dict.fromkeys(found.left_out)
    return FoundFiles(list(paths), list(left_out))


def _at(place: Path) -> FoundFiles:
    if place.is_dir():
        found = _sorted_out(place.iterdir())
    elif glob.has_magic(str(place)) and not place.exists():
        found = _sorted_out(map(Path, glob.iglob(str(place), recursive=True)))
    else:
        return FoundFiles([place], [])
    if not found.paths:
        beside = f" but {', '.join(map(str, found.left_out))}" if found.left_out else ""
        raise CatalogueError(
            f"{place}: no catalogue file lies there{beside}; expected {EXPECTED_SUFFIXES}"
        )
    return found


def _sorted_out(paths: Iterable[Path]) -> FoundFiles:
    seen = sorted(path for path in paths if not path.name.startswith((".", "_")))
    files = [path for path in seen if path.is_file() and has_format(path)]
    return FoundFiles(files, [path for path in seen if path not in set(files)])


def _ignore(bad: BadRow) -> None: ...
