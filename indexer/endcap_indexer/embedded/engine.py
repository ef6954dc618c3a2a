"""The engine of one folder: documents in SQLite, searchable indices beside them."""

import logging
import os
import shutil
import threading
import time
from collections.abc import Hashable
from pathlib import Path

from .database import Database
from .documents import Documents
from .indices import Index, all_indices
from .lexical import LexicalIndex, RefreshFailed
from .scrolls import Scrolls
from .settings import read_seconds

DATABASE = "engine.sqlite3"
SEARCHABLE = "lexical"
REFRESH_INTERVAL = "1s"

logger = logging.getLogger(__name__)


class Engine:
    """What several connections of a process share; thread-safe.

    A searchable index is opened at its first search, so an index nobody searches is never built.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(folder / DATABASE)
        self.documents = Documents(self.database)
        self.scrolls = Scrolls()
        self.users: set[Hashable] = set()  # a set, so that registering twice does no harm
        self._lock = threading.Lock()
        self._searchable: dict[str, LexicalIndex] = {}  # by uuid: a name may be used again
        self._refreshed_at: dict[str, float] = {}
        self.sweep()

    def searchable(self, index: Index) -> LexicalIndex:
        """The searchable index, refreshed first where that is due.

        It is due when a caller asked for it (``refresh=true``), and when there are unseen writes
        and the last refresh is longer ago than ``refresh_interval``. One that nobody asked for may
        fail, as on a full disk: then searches see the last one, and it is tried again later.
        """
        lexical = self._open(index)
        if index.refreshed < min(index.refresh_due, index.last_seq_no):
            self._refresh(index, lexical)
        elif self._is_due(index):
            try:
                self._refresh(index, lexical)
            except RefreshFailed as failure:
                logger.warning("%s is searched as of its last refresh: %s", index.name, failure)
        return lexical

    def refresh(self, index: Index) -> None:
        self._refresh(index, self._open(index))

    def count_documents(self, index: Index) -> dict[str, int]:
        """How many documents a search sees, and how many are deleted but not yet out of the way."""
        if index.refreshed < 0:
            return {"count": 0, "deleted": 0}
        snapshot = self._open(index).snapshot()
        return {
            "count": snapshot.size,
            "deleted": snapshot.statistics.documents - snapshot.size,
        }

    def rewrite(self, index: Index) -> None:
        """Without a trace of what was deleted; a search that is running may miss what it found."""
        self._open(index).rewrite()

    def sweep(self) -> None:
        """Removes the searchable indices whose index is gone."""
        folders = list((self.folder / SEARCHABLE).glob("*"))
        with self.database.read() as connection:
            known = {index.uuid for index in all_indices(connection)}
        for folder in folders:
            if folder.name not in known:
                with self._lock:
                    lexical = self._searchable.pop(folder.name, None)
                if lexical is not None:
                    lexical.close()
                shutil.rmtree(folder, ignore_errors=True)  # another process may be sweeping too

    def close(self) -> None:
        with self._lock:
            for lexical in self._searchable.values():
                lexical.close()
            self._searchable.clear()
        self.database.close()

    def _open(self, index: Index) -> LexicalIndex:
        with self._lock:
            lexical = self._searchable.get(index.uuid)
            if lexical is None:
                folder = self.folder / SEARCHABLE / index.uuid
                lexical = LexicalIndex(folder, index.name, self.documents)
                self._searchable[index.uuid] = lexical
            return lexical

    def _is_due(self, index: Index) -> bool:
        if index.last_seq_no <= index.refreshed:
            return False
        interval = index.settings.get("refresh_interval", REFRESH_INTERVAL)
        seconds = read_seconds(interval, "index.refresh_interval")
        last = self._refreshed_at.get(index.uuid)
        return seconds >= 0 and (last is None or time.monotonic() - last >= seconds)

    def _refresh(self, index: Index, lexical: LexicalIndex) -> None:
        try:
            lexical.refresh()
        finally:
            self._refreshed_at[index.uuid] = time.monotonic()


_engines: dict[Path, Engine] = {}
_engines_lock = threading.Lock()
_inherited: list[Engine] = []


def acquire_engine(folder: Path, user: Hashable) -> Engine:
    """The process's engine of a folder, until the user gives it back by ``release_engine``."""
    folder = folder.resolve()
    with _engines_lock:
        engine = _engines.get(folder)
        if engine is None:
            engine = _engines[folder] = Engine(folder)
        engine.users.add(user)
        return engine


def release_engine(engine: Engine, user: Hashable) -> None:
    """Closes the engine when its last user gives it back."""
    with _engines_lock:
        engine.users.discard(user)
        if not engine.users and _engines.get(engine.folder) is engine:
            del _engines[engine.folder]
            engine.close()


def _forget_inherited() -> None:
    """After a fork the child opens its own; SQLite forbids even closing what was inherited."""
    global _engines_lock
    _engines_lock = threading.Lock()
    _inherited.extend(_engines.values())
    _engines.clear()


os.register_at_fork(after_in_child=_forget_inherited)
