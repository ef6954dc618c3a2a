"""The SQLite file of an engine folder: connections and transactions."""

import sqlite3
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY_SECONDS = 60.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS indices (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    uuid TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,               -- milliseconds since the epoch
    settings BLOB NOT NULL,
    mapping BLOB NOT NULL,
    last_seq_no INTEGER NOT NULL DEFAULT -1,
    refreshed INTEGER NOT NULL DEFAULT -1,  -- up to here the searchable index is current
    refresh_due INTEGER NOT NULL DEFAULT -1 -- up to here the next search has to see
) STRICT;
CREATE TABLE IF NOT EXISTS aliases (
    name TEXT NOT NULL,
    number INTEGER NOT NULL REFERENCES indices (number) ON DELETE CASCADE,
    is_write_index INTEGER,                 -- NULL: not said
    PRIMARY KEY (name, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pins (          -- nothing of the index is purged while one is valid
    number INTEGER NOT NULL REFERENCES indices (number) ON DELETE CASCADE,
    expires REAL NOT NULL
) STRICT;
"""


class Database:
    """One SQLite file, written by several threads and processes.

    Write-ahead log with full sync: a transaction that has returned survives a power cut.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: deque[sqlite3.Connection] = deque()
        self._writer = threading.Lock()  # waiting here costs nothing, SQLite would sleep and poll
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.write() as connection:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one committed state from its first statement to its last."""
        with self._borrow() as connection, _transaction(connection, "BEGIN"):
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that excludes other writers; rolled back when the block raises."""
        with (
            self._writer,
            self._borrow() as connection,
            _transaction(connection, "BEGIN IMMEDIATE"),
        ):
            yield connection

    def vacuum(self) -> None:
        """Rewrites the file, so that nothing deleted is left in it or in its log.

        Raises OperationalError where a reader does not end within `BUSY_SECONDS`.
        """
        with self._writer, self._borrow() as connection:
            connection.execute("VACUUM")
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("the log is read by another process; try again")

    def close(self) -> None:
        """Closes the idle connections, which are all of them once no request is running."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _borrow(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        finally:
            self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection


@contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:  # an interrupt too must not leave the transaction open
        if connection.in_transaction:  # SQLite has ended it itself when the disk is full
            connection.execute("ROLLBACK")
        raise
