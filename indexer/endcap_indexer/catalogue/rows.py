"""Files in, rows out: JSON lines, CSV and TSV, each also gzipped, and Parquet, read as a stream.

Catalogues and event files are read here. A row that cannot be read is reported and skipped; only a
file that cannot be read at all raises.
"""

import csv
import gzip
import hashlib
import json
import os
import zlib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

import orjson

from endcap_indexer.catalogue.formats import Broken, Found, Reader
from endcap_indexer.catalogue.parquet import read_parquet
from endcap_indexer.exceptions import CatalogueError

StrPath = str | os.PathLike[str]


class Row(NamedTuple):
    """One row as the file has it; `line` counts from 1 and is the row's first line.

    Where there are no lines, in Parquet or a database, `line` is the row's number.
    """

    file: str
    line: int
    values: dict[str, Any]


class BadRow(NamedTuple):
    """A row that was not accepted, or one value of it; `field` None: the whole row is broken."""

    file: str
    line: int
    field: str | None
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}"
        return f"{place}: {self.field}: {self.reason}" if self.field else f"{place}: {self.reason}"


OnBadRow = Callable[[BadRow], None]


class BadRows:
    """An `on_bad_row` that counts, and keeps the first few for a report."""

    def __init__(self, keep: int = 10) -> None:
        self.count = 0
        self.first: list[BadRow] = []
        self._keep = keep

    def __call__(self, bad: BadRow) -> None:
        self.count += 1
        if len(self.first) < self._keep:
            self.first.append(bad)


def stop_at_bad_row(bad: BadRow) -> NoReturn:
    """An `on_bad_row` for strict reading: raises CatalogueError."""
    raise CatalogueError(str(bad))


def read_rows(path: StrPath, *, on_bad_row: OnBadRow) -> Iterator[Row]:
    """Stream the rows of one file; CatalogueError when it is no catalogue, damaged or empty."""
    read = _format_of(Path(path))
    return _read(Path(path), read, on_bad_row)


def digest_of(paths: Iterable[StrPath]) -> str:
    """SHA-256 (hexadecimal) of the files' uncompressed bytes, in the order given."""
    whole = hashlib.sha256()
    for path in map(Path, paths):
        with _opened(path) as file:
            whole.update(hashlib.file_digest(file, hashlib.sha256).digest())  # type: ignore[arg-type]
    return whole.hexdigest()


def _read(path: Path, read: Reader, on_bad_row: OnBadRow) -> Iterator[Row]:
    empty = True
    with _opened(path) as file:
        for line, found in read(file, path):
            empty = False
            if isinstance(found, dict):
                yield Row(str(path), line, found)
            else:
                on_bad_row(BadRow(str(path), line, found.field, found.reason))
    if empty:
        raise CatalogueError(f"{path} holds no rows; expected {_EXPECTED[read]}")


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines without a byte order mark."""
    return chain([file.readline().removeprefix(BOM_UTF8)], file)


def _text_lines(file: IO[bytes]) -> Iterator[str]:
    """The lines as text; a byte that is not UTF-8 becomes half a surrogate, to be found later."""
    return (line.decode(errors="surrogateescape") for line in _lines(file))


def _read_json_lines(file: IO[bytes], path: Path) -> Iterator[tuple[int, Found]]:
    for number, line in enumerate(_lines(file), start=1):
        if number == 1 and line.lstrip().startswith(b"["):
            raise CatalogueError(
                f"{path} is one JSON array; expected one object per line (jq -c '.[]' makes it)"
            )
        if line.isspace() or not line:
            continue
        try:
            values = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            values = _explain(line, error)
        if isinstance(values, dict | Broken):
            yield number, values
        else:
            yield number, Broken(None, "is no JSON object; write {…} on each line")


def _explain(line: bytes, error: orjson.JSONDecodeError) -> Found:
    """What is wrong with a line, or its values if that is a NaN: then its field can be named."""
    try:
        text = line.decode()
    except UnicodeDecodeError as broken:
        field = _field_with_replacement(line)
        return Broken(field, f"byte {broken.start + 1} is not UTF-8; save the file as UTF-8")
    if "NaN" in text or "Infinity" in text:
        try:
            values = json.loads(text)
            orjson.dumps(values)  # refuses what only json.loads accepts, such as half a surrogate
        except (ValueError, TypeError, RecursionError):
            return Broken(None, f"is not JSON: {error.msg}")
        return values if isinstance(values, dict) else Broken(None, "is no JSON object")
    return Broken(None, f"is not JSON: {error.msg} (character {error.pos + 1})")


def _field_with_replacement(line: bytes) -> str | None:
    try:
        values = orjson.loads(line.decode(errors="replace"))
    except orjson.JSONDecodeError:
        return None
    items = values.items() if isinstance(values, dict) else ()
    return next((name for name, value in items if "\ufffd" in str(value)), None)


def _read_csv(file: IO[bytes], path: Path) -> Iterator[tuple[int, Found]]:
    """RFC 4180: quoted cells may hold commas, quotes and line breaks."""
    return _read_cells(csv.reader(_text_lines(file), strict=True), path)


def _read_tsv(file: IO[bytes], path: Path) -> Iterator[tuple[int, Found]]:
    """IANA text/tab-separated-values: no quoting, so an inch sign is an inch sign."""
    cells = csv.reader(_text_lines(file), delimiter="\t", quoting=csv.QUOTE_NONE)
    return _read_cells(cells, path)


def _read_cells(cells: Any, path: Path) -> Iterator[tuple[int, Found]]:
    """Rows of a `csv.reader`; an empty cell is a missing value."""
    header = _header(cells, path)
    while True:
        line = cells.line_num + 1
        try:
            row = next(cells)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, Broken(None, f"cannot be split into cells: {error}")
            continue
        if len(row) == len(header):
            broken = _not_utf8(header, row)
            filled = {name: cell for name, cell in zip(header, row, strict=True) if cell}
            yield line, broken or filled
        elif row:
            reason = f"has {len(row)} cells, the header {len(header)}; quote cells with a separator"
            yield line, Broken(None, reason)


def _header(cells: Any, path: Path) -> list[str]:
    try:
        header = [name.strip() for name in next(cells, [])]
    except csv.Error as error:
        raise CatalogueError(f"{path}: the header cannot be split into cells: {error}") from error
    if _not_utf8(header, header):
        raise CatalogueError(f"{path}: the header is not UTF-8; save the file as UTF-8")
    for name in header:
        if not name or header.count(name) > 1:
            raise CatalogueError(
                f"{path}: column {header.index(name) + 1} of the header is "
                + (f"named {name!r} like another; rename one" if name else "empty; name it")
            )
    return header


def _not_utf8(header: list[str], row: list[str]) -> Broken | None:
    if "".join(row).isascii():
        return None
    for name, cell in zip(header, row, strict=True):
        try:
            cell.encode()
        except UnicodeEncodeError as broken:
            reason = f"character {broken.start + 1} is not UTF-8; save the file as UTF-8"
            return Broken(name, reason)
    return None


_FORMATS: dict[str, Reader] = {
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
    ".json": _read_json_lines,
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".parquet": read_parquet,
}
_EXPECTED: dict[Reader, str] = {
    _read_json_lines: "one JSON object per line",
    _read_csv: "a header line with the columns' names, then one line per row",
    _read_tsv: "a header line with the columns' names, then one line per row",
    read_parquet: "one row per product",
}
_LINES = ", ".join(suffix for suffix, read in _FORMATS.items() if read is not read_parquet)
EXPECTED_SUFFIXES = f"{_LINES}, each also .gz, or .parquet"


def has_format(path: Path) -> bool:
    """Whether the name is one of a file that `read_rows` can read."""
    return _suffix(path) in _FORMATS


def _suffix(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def _format_of(path: Path) -> Reader:
    suffix = _suffix(path)
    if suffix not in _FORMATS:
        raise CatalogueError(f"{path}: unknown format {suffix!r}; expected {EXPECTED_SUFFIXES}")
    if _FORMATS[suffix] is read_parquet and path.suffix == ".gz":
        raise CatalogueError(f"{path}: Parquet is compressed within; unpack it: gunzip {path}")
    return _FORMATS[suffix]


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's uncompressed bytes; what goes wrong while reading them raises CatalogueError."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield file  # type: ignore[misc]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise CatalogueError(f"{path} is a damaged gzip file ({error}); copy it again") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise CatalogueError(f"{path} cannot be read: {reason}") from error
