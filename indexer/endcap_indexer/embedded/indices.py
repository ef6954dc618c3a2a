"""The indices of an engine: their rows, their names, and what a name in a request means."""

import sqlite3
import time
import uuid
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

import orjson

from .documents import copies_table, create_copies
from .errors import RequestError, already_exists, illegal_argument, index_not_found
from .settings import DEFAULTS

FORBIDDEN = set('\\/*?"<>| ,#:')
COLUMNS = "number, name, uuid, created, settings, mapping, last_seq_no, refreshed, refresh_due"


class Index(NamedTuple):
    number: int
    name: str
    uuid: str
    created: int  # milliseconds since the epoch
    settings: dict[str, str]  # flat, without the prefix "index."
    mapping: bytes  # JSON
    last_seq_no: int
    refreshed: int
    refresh_due: int

    @property
    def shards(self) -> dict[str, int]:
        """``_shards`` of a write: the copies there should be, and the one there is."""
        return {"total": 1 + int(self.settings["number_of_replicas"]), "successful": 1, "failed": 0}


def find_index(connection: sqlite3.Connection, name: str) -> Index | None:
    """The index of exactly this name."""
    row = connection.execute(f"SELECT {COLUMNS} FROM indices WHERE name = ?", (name,)).fetchone()
    return None if row is None else _read(row)


def all_indices(connection: sqlite3.Connection) -> list[Index]:
    rows = connection.execute(f"SELECT {COLUMNS} FROM indices ORDER BY name").fetchall()
    return [_read(row) for row in rows]


def aliased(connection: sqlite3.Connection, alias: str) -> list[tuple[Index, bool | None]]:
    """The indices of an alias, each with what was said of ``is_write_index``."""
    rows = connection.execute(
        f"SELECT {', '.join('i.' + column for column in COLUMNS.split(', '))}, a.is_write_index "
        "FROM aliases a JOIN indices i USING (number) WHERE a.name = ? ORDER BY i.name",
        (alias,),
    ).fetchall()
    return [(_read(row[:-1]), None if row[-1] is None else bool(row[-1])) for row in rows]


def resolve(
    connection: sqlite3.Connection,
    expression: str,
    *,
    ignore_unavailable: bool = False,
    allow_no_indices: bool = True,
    aliases: bool = True,
) -> list[Index]:
    """The indices named by ``a,b*,-bc,alias`` or ``_all``, each once, in order of name.

    A plain name that is missing answers 404 unless ``ignore_unavailable``; wildcards may match
    nothing unless ``allow_no_indices`` is false.
    """
    found: dict[str, Index] = {}
    for name in expression.split(","):
        if name.startswith("-") and found:
            for excluded in [key for key in found if fnmatchcase(key, name[1:])]:
                del found[excluded]
        elif name in ("", "_all", "*") or "*" in name:
            found.update({i.name: i for i in _matching(connection, name, aliases)})
        else:
            if name.startswith("_"):
                raise invalid_index_name(name, "must not start with '_'.")
            indices = _named(connection, name, aliases)
            if not indices and not ignore_unavailable:
                raise index_not_found(name)
            found.update({index.name: index for index in indices})
    if not found and not allow_no_indices:
        raise index_not_found(expression or "_all")
    return [found[name] for name in sorted(found)]


def single_index(connection: sqlite3.Connection, name: str) -> Index:
    """The one index that an index name or an alias stands for; 400 for an alias of several."""
    indices = _named(connection, name, aliases=True)
    if not indices:
        raise index_not_found(name)
    if len(indices) > 1:
        listed = ", ".join(index.name for index in indices)
        raise illegal_argument(
            f"alias [{name}] has more than one index associated with it [{listed}], "
            "can't execute a single index op"
        )
    return indices[0]


def write_index(connection: sqlite3.Connection, name: str) -> Index | None:
    """Where a write to this name goes: the index, or the write index of the alias."""
    index = find_index(connection, name)
    if index is not None:
        return index
    members = aliased(connection, name)
    if not members:
        return None
    if len(members) == 1 and members[0][1] is not False:
        return members[0][0]
    for member, writes in members:
        if writes:
            return member
    raise illegal_argument(
        f"no write index is defined for alias [{name}]. The write index may be explicitly disabled "
        "using is_write_index=false or the alias points to multiple indices without one being "
        "designated as a write index"
    )


def create_index(
    connection: sqlite3.Connection,
    name: str,
    settings: Mapping[str, str],
    mapping: Mapping[str, Any],
) -> Index:
    check_name(name)
    existing = find_index(connection, name)
    if existing is not None:
        raise already_exists(name, existing.uuid)
    if aliased(connection, name):
        raise invalid_index_name(name, "already exists as alias")
    connection.execute(
        "INSERT INTO indices (name, uuid, created, settings, mapping) VALUES (?, ?, ?, ?, ?)",
        (
            name,
            uuid.uuid4().hex,
            time.time_ns() // 1_000_000,
            orjson.dumps({**DEFAULTS, **settings}),
            orjson.dumps(mapping),
        ),
    )
    index = find_index(connection, name)
    assert index is not None
    create_copies(connection, index.number)
    return index


def delete_indices(connection: sqlite3.Connection, indices: Iterable[Index]) -> None:
    for index in indices:
        connection.execute("DELETE FROM indices WHERE number = ?", (index.number,))
        connection.execute(f"DROP TABLE {copies_table(index.number)}")


def check_name(name: str) -> None:
    """Raises 400 on a name that OpenSearch forbids, with its reason."""
    if name.lower() != name:
        raise invalid_index_name(name, "must be lowercase")
    if name in (".", ".."):
        raise invalid_index_name(name, "must not be '.' or '..'")
    if name.startswith(("_", "-", "+")):
        raise invalid_index_name(name, "must not start with '_', '-', or '+'")
    if ":" in name:
        raise invalid_index_name(name, "must not contain ':'")
    if "#" in name:
        raise invalid_index_name(name, "must not contain '#'")
    if FORBIDDEN & set(name):
        listed = ", ".join(sorted(FORBIDDEN - {"#", ":"}))
        raise invalid_index_name(name, f"must not contain the following characters [{listed}]")
    if len(name.encode()) > 255:
        raise invalid_index_name(name, f"index name is too long, ({len(name.encode())} > 255)")


def invalid_index_name(name: str, reason: str) -> RequestError:
    return RequestError(
        400,
        "invalid_index_name_exception",
        f"Invalid index name [{name}], {reason}",
        details={"index": name, "index_uuid": "_na_"},
    )


def _named(connection: sqlite3.Connection, name: str, aliases: bool) -> list[Index]:
    index = find_index(connection, name)
    if index is not None:
        return [index]
    members = [index for index, _ in aliased(connection, name)]
    if members and not aliases:
        raise illegal_argument(
            f"The provided expression [{name}] matches an alias, specify the corresponding "
            "concrete indices instead."
        )
    return members


def _matching(connection: sqlite3.Connection, pattern: str, aliases: bool) -> list[Index]:
    everything = all_indices(connection)
    if pattern in ("", "_all", "*"):
        return everything
    matching = [index for index in everything if fnmatchcase(index.name, pattern)]
    if aliases:
        for (name,) in connection.execute("SELECT DISTINCT name FROM aliases").fetchall():
            if fnmatchcase(name, pattern):
                matching += [index for index, _ in aliased(connection, name)]
    return matching


def _read(row: tuple[Any, ...]) -> Index:
    return Index._make((*row[:4], orjson.loads(row[4]), *row[5:]))
