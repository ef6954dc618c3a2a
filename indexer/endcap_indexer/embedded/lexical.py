"""The searchable index of one index: a tantivy folder, brought up to date from the documents.

``state.json`` says which folder is current, what it holds and by which mapping; it is replaced
atomically after tantivy's commit, and readers watch it. Everything here can be thrown away.
"""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import tantivy
from filelock import FileLock

from endcap_indexer.files import write_file

from .ballast import needed_ballast, write_ballast
from .columns import (
    ID,
    Column,
    build_document,
    build_schema,
    columns_of,
    register_tokenizer,
)
from .documents import Change, Documents
from .errors import RequestError
from .mappings import Mapping
from .snapshots import Snapshot

STATE = "state.json"
LOCK = "refresh.lock"
BATCH = 1000
WRITER_BYTES = 200_000_000
SMALL_WRITER_BYTES = 15_000_000  # the least that tantivy takes
FEW = 1000  # changes that a small writer is enough for
MAX_DELETED = 0.3  # of the documents in the segments; beyond it the index is built anew
MAX_BALLAST_ROUNDS = 3


class RefreshFailed(RequestError):
    """The searchable index cannot be brought up to date: a full disk, say."""

    def __init__(self, index: str, error: Exception) -> None:
        reason = f"Refresh failed: {error}"
        super().__init__(500, "refresh_failed_engine_exception", reason, details={"index": index})


class State(NamedTuple):
    generation: int
    seq_no: int  # the index holds every change up to it
    mapping: dict[str, Any]


class LexicalIndex:
    """Refreshed by one process at a time, searched by many; thread-safe."""

    def __init__(self, folder: Path, index: str, documents: Documents) -> None:
        self.index = index
        self.documents = documents
        self._folder = folder
        self._snapshot: Snapshot | None = None
        self._seen: tuple[int, int] | None = None

    def refresh(self) -> None:
        """Makes every write up to now searchable."""
        self._catch_up(self.documents.last_seq_no)

    def rewrite(self) -> None:
        """Builds the index anew, and purges what it does not show: nothing deleted is left."""
        self.refresh()
        with FileLock(self._folder / LOCK):
            self.documents.purge_at_once(self.index)
            state = self._read_state()
            mapping = Mapping.from_json(self.documents.mapping(self.index))
            self._rebuild(state, mapping, self.documents.refreshed(self.index))

    def snapshot(self) -> Snapshot:
        """The index as of the last refresh, by whatever process."""
        try:
            status = os.stat(self._folder / STATE)
        except FileNotFoundError:
            self._catch_up(self.documents.refreshed)
            status = os.stat(self._folder / STATE)
        seen = (status.st_mtime_ns, status.st_ino)
        snapshot = self._snapshot
        if snapshot is None or seen != self._seen:
            snapshot = self._snapshot = self._load()
            self._seen = seen
        return snapshot

    def close(self) -> None:
        self._snapshot = self._seen = None

    def reload(self) -> Snapshot:
        """The latest snapshot: another process may have purged what an old one finds."""
        self._seen = None
        return self.snapshot()

    def _catch_up(self, read_target: Callable[[str], int]) -> None:
        """Raises RefreshFailed where the folder cannot be written; what it held it still holds."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._folder / LOCK):
                self._bring_up_to(read_target(self.index))
        except (OSError, ValueError, sqlite3.Error) as error:  # tantivy's are ValueErrors
            raise RefreshFailed(self.index, error) from error

    def _bring_up_to(self, target: int) -> None:
        """A seq_no; the mapping is read after it, so it has every field of every document."""
        mapping = Mapping.from_json(self.documents.mapping(self.index))
        state = self._read_state()
        if state is None or columns_of(Mapping.from_json(state.mapping)) != columns_of(mapping):
            self._rebuild(state, mapping, target)
        elif state.seq_no < target:
            self._update(state, mapping, target)
        self.documents.set_refreshed(self.index, target)

    def _load(self) -> Snapshot:
        while True:
            state = self._read_state()
            if state is None:
                self._catch_up(self.documents.refreshed)
                continue
            index = self._open(state)
            if index is None:  # built anew between the two reads, or damaged
                self._forget(state)
                continue
            mapping = Mapping.from_json(state.mapping)
            return Snapshot(self.index, self.documents, mapping, columns_of(mapping), index)

    def _open(self, state: State) -> tantivy.Index | None:
        """None where there is no whole index in the folder."""
        try:
            index = tantivy.Index.open(str(self._path(state.generation)))
            index.config_reader("manual")
        except ValueError:
            return None
        register_tokenizer(index)
        return index

    def _forget(self, state: State) -> None:
        """The documents have everything, so what cannot be opened is built anew."""
        with FileLock(self._folder / LOCK):
            if self._read_state() == state and self._open(state) is None:
                (self._folder / STATE).unlink()

    def _rebuild(self, state: State | None, mapping: Mapping, target: int) -> None:
        self._remove_folders(keep=state.generation if state else 0)
        generation = 1 + (state.generation if state else 0)
        folder = self._path(generation)
        folder.mkdir()
        columns = columns_of(mapping)
        index = tantivy.Index(build_schema(columns), path=str(folder))
        register_tokenizer(index)
        superseded = {one.replaces for one in self._changes(-1, target)} if state else set()
        current = (one for one in self._changes(-1, target) if one.seq_no not in superseded)
        self._apply(index, mapping, columns, current, target + 1 <= FEW, fresh=True)
        self._write_state(State(generation, target, mapping.to_json()))
        self._remove_folders(keep=generation)

    def _update(self, state: State, mapping: Mapping, target: int) -> None:
        index = self._open(state)
        if index is None or self.snapshot().deleted_share() > MAX_DELETED:
            self._rebuild(state, mapping, target)
            return
        changes = self._changes(state.seq_no, target)
        few = target - state.seq_no <= FEW
        self._apply(index, mapping, columns_of(mapping), changes, few, fresh=False)
        self._write_state(State(state.generation, target, mapping.to_json()))

    def _apply(
        self,
        index: tantivy.Index,
        mapping: Mapping,
        columns: dict[str, Column],
        changes: Iterable[Change],
        few: bool,
        *,
        fresh: bool,
    ) -> None:
        """Idempotent: a document takes the place of what has its id."""
        writer = index.writer(SMALL_WRITER_BYTES if few else WRITER_BYTES, 1)
        for change in changes:
            if not fresh or change.replaces is not None:
                writer.delete_documents_by_term(ID, change.id)
            if change.source is not None:
                values = mapping.values(change.source)
                writer.add_document(build_document(columns, change.seq_no, change.id, values))
        writer.commit()
        writer.wait_merging_threads()
        self._balance(index, columns)

    def _balance(self, index: tantivy.Index, columns: dict[str, Column]) -> None:
        for _ in range(MAX_BALLAST_ROUNDS):
            index.reload()
            ballast = needed_ballast(index.searcher(), index.schema, columns.values())
            if ballast is None:
                return
            writer = index.writer(SMALL_WRITER_BYTES, 1)
            write_ballast(writer, ballast)
            writer.commit()
            writer.wait_merging_threads()

    def _changes(self, after: int, target: int) -> Iterator[Change]:
        while after < target:
            batch = self.documents.changes(self.index, after, BATCH)
            if not batch:
                return
            yield from (change for change in batch if change.seq_no <= target)
            after = batch[-1].seq_no

    def _path(self, generation: int) -> Path:
        return self._folder / f"{generation:06d}"

    def _remove_folders(self, keep: int) -> None:
        for folder in self._folder.glob("[0-9]*"):
            if folder != self._path(keep):
                shutil.rmtree(folder)

    def _read_state(self) -> State | None:
        try:
            return State(**json.loads((self._folder / STATE).read_bytes()))
        except FileNotFoundError:
            return None

    def _write_state(self, state: State) -> None:
        write_file(self._folder / STATE, json.dumps(state._asdict()).encode())
        self.snapshot()
