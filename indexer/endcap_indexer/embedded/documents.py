"""The documents of every index: the truth from which the searchable index is brought up to date.

Each index has a table of *copies*, one per write, keyed by sequence number. The current copy of an
id is the one that no other supersedes; a deletion is a copy without a source. A superseded copy
that a search may still find stays readable until the searchable index has caught up, and a while
longer for the searches that are running.
"""

import sqlite3
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from .database import Database
from .errors import index_not_found

DELETED_SECONDS = 60.0  # index.gc_deletes of a server: how long a deleted id keeps its version
SUPERSEDED_SECONDS = 10.0  # how long a search may run and still read what it has found
PRIMARY_TERM = 1  # a primary that never moves


class StoredDocument(NamedTuple):
    id: str
    seq_no: int
    version: int
    primary_term: int
    source: dict[str, Any]


class Change(NamedTuple):
    seq_no: int
    id: str
    source: dict[str, Any] | None  # None: deleted
    replaces: int | None  # seq_no of the copy that this one supersedes


class Copy(NamedTuple):
    """The current copy of an id."""

    seq_no: int
    version: int
    source: bytes | None  # None: deleted


class Documents:
    """The documents of an index by its name, and its mapping; 404 where there is none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def changes(self, index: str, after: int, limit: int) -> list[Change]:
        """At most ``limit`` changes with a seq_no greater than ``after``, in order of seq_no."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT seq_no, id, source, replaces FROM {self._table(connection, index)} "
                "WHERE seq_no > ? ORDER BY seq_no LIMIT ?",
                (after, limit),
            ).fetchall()
        return [
            Change(seq_no, id, None if source is None else orjson.loads(source), replaces)
            for seq_no, id, source, replaces in rows
        ]

    def fetch(self, index: str, seq_nos: Sequence[int]) -> dict[int, StoredDocument]:
        """The copies with these sequence numbers; purged ones and deletions are left out."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT seq_no, id, version, source FROM {self._table(connection, index)} "
                "WHERE seq_no IN (SELECT value FROM json_each(?)) AND source IS NOT NULL",
                (orjson.dumps(list(seq_nos)),),
            ).fetchall()
        return {
            seq_no: StoredDocument(id, seq_no, version, PRIMARY_TERM, orjson.loads(source))
            for seq_no, id, version, source in rows
        }

    def last_seq_no(self, index: str) -> int:
        """The seq_no of the newest write, -1 before the first."""
        return int(self._column("last_seq_no", index))

    def refreshed(self, index: str) -> int:
        """The seq_no up to which the searchable index on disk is current, -1 before the first."""
        return int(self._column("refreshed", index))

    def mapping(self, index: str) -> dict[str, Any]:
        mapping: dict[str, Any] = orjson.loads(self._column("mapping", index))
        return mapping

    def set_refreshed(self, index: str, seq_no: int) -> None:
        """Records a refresh and purges what no searcher needs any more."""
        with self._database.write() as connection:
            table = self._table(connection, index)
            connection.execute("UPDATE indices SET refreshed = ? WHERE name = ?", (seq_no, index))
            purge(connection, table, seq_no)

    def purge_at_once(self, index: str) -> None:
        """Purges what would be purged later; a pin, as of an open scroll, keeps it even so."""
        with self._database.write() as connection:
            table = self._table(connection, index)
            connection.execute(f"UPDATE {table} SET expires = 0 WHERE expires IS NOT NULL")
            row = connection.execute("SELECT refreshed FROM indices WHERE name = ?", (index,))
            purge(connection, table, int(row.fetchone()[0]))

    def pin(self, index: str, seconds: float) -> None:
        """Keeps every copy readable for so long: a scroll shows what was there when it began."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO pins SELECT number, ? FROM indices WHERE name = ?",
                (time.time() + seconds, index),
            )

    def _column(self, column: str, index: str) -> Any:
        with self._database.read() as connection:
            row = connection.execute(
                f"SELECT {column} FROM indices WHERE name = ?", (index,)
            ).fetchone()
        if row is None:
            raise index_not_found(index)
        return row[0]

    def _table(self, connection: sqlite3.Connection, index: str) -> str:
        row = connection.execute("SELECT number FROM indices WHERE name = ?", (index,)).fetchone()
        if row is None:
            raise index_not_found(index)
        return copies_table(row[0])


def copies_table(number: int) -> str:
    return f"copies_{number:d}"


def current_copy(connection: sqlite3.Connection, number: int, id: str) -> Copy | None:
    row = connection.execute(
        f"SELECT seq_no, version, source FROM {copies_table(number)} "
        "WHERE id = ? AND superseded IS NULL",
        (id,),
    ).fetchone()
    return None if row is None else Copy(*row)


def create_copies(connection: sqlite3.Connection, number: int) -> None:
    """The table of a new index."""
    table = copies_table(number)
    connection.execute(
        f"CREATE TABLE {table} ("
        "seq_no INTEGER PRIMARY KEY, id TEXT NOT NULL, version INTEGER NOT NULL, source BLOB, "
        "replaces INTEGER, superseded INTEGER, expires REAL) STRICT"
    )
    connection.execute(f"CREATE UNIQUE INDEX {table}_id ON {table} (id) WHERE superseded IS NULL")
    connection.execute(
        f"CREATE INDEX {table}_expires ON {table} (expires) WHERE expires IS NOT NULL"
    )


def purge(connection: sqlite3.Connection, table: str, refreshed: int) -> None:
    """Deletes the expired copies that the searchable index does not show: those it has replaced
    or deleted, and those superseded before it saw them. A pin keeps them all.
    """
    now = time.time()
    connection.execute("DELETE FROM pins WHERE expires < ?", (now,))
    connection.execute(
        f"DELETE FROM {table} WHERE expires < ? AND "
        "(coalesce(superseded, seq_no) <= ? OR (superseded IS NOT NULL AND seq_no > ?)) "
        "AND NOT EXISTS (SELECT 1 FROM pins WHERE 'copies_' || number = ?)",
        (now, refreshed, refreshed, table),
    )
