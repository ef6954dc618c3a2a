"""Writes to the documents of one index, inside one transaction: versions, conflicts, results."""

import sqlite3
import time
import uuid
from collections.abc import Mapping as Object
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from .documents import (
    DELETED_SECONDS,
    PRIMARY_TERM,
    SUPERSEDED_SECONDS,
    Copy,
    copies_table,
    current_copy,
    purge,
)
from .errors import (
    RequestError,
    alias_required,
    illegal_argument,
    index_not_found,
    invalid_request,
    unsupported,
    version_conflict,
)
from .indices import Index, create_index, write_index
from .mappings import Mapping

UPDATE_KEYS = {"doc", "doc_as_upsert", "upsert", "detect_noop"}
NO_SHARDS = {"total": 0, "successful": 0, "failed": 0}
MAX_ID_BYTES = 512
PURGE_EVERY = 1000  # writes; an index that nobody searches is purged by its writers alone


class Expected(NamedTuple):
    """What a conditional write demands of the current copy."""

    seq_no: int
    primary_term: int


class Written(NamedTuple):
    status: int
    body: dict[str, Any]  # as OpenSearch answers a write, without forced_refresh


class Transaction:
    """The writes of one request: each index is read once and its counter stored once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._writers: dict[str, IndexWriter] = {}

    def writer(
        self, name: str, *, create: bool = True, require_alias: bool = False
    ) -> "IndexWriter":
        """The writer of an index or of an alias's write index; creates a missing index."""
        writer = self._writers.get(name)
        if writer is None or require_alias:
            index = write_index(self._connection, name)
            if require_alias and (index is None or index.name == name):
                raise alias_required(name)
            if index is None and not create:
                raise index_not_found(name)
            if index is None:
                index = create_index(self._connection, name, {}, {})
            writer = self._writers.setdefault(index.name, IndexWriter(self._connection, index))
            self._writers[name] = writer
        return writer

    def finish(self, *, refresh: bool) -> None:
        """Stores what the writers counted; ``refresh`` makes the next search see it all."""
        for writer in set(self._writers.values()):
            writer.finish(refresh=refresh)


class IndexWriter:
    """Writes to one index. A write that is refused has changed nothing."""

    def __init__(self, connection: sqlite3.Connection, index: Index) -> None:
        self.index = index
        self._connection = connection
        self._table = copies_table(index.number)
        self._mapping = _parse_mapping(index.mapping)
        self._mapped = self._mapping
        self._last_seq_no = index.last_seq_no

    def put(
        self,
        id: str | None,
        source: bytes,
        *,
        create: bool = False,
        expected: Expected | None = None,
        version: int | None = None,
    ) -> Written:
        """Indexes a document; with ``create`` only where there is none, with ``version`` only over
        a lower one, which a deletion has too."""
        document = parse_source(source)
        if id is None:
            id, current = _new_id(), None
        else:
            _check_id(id)
            current = self.current(id)
        exists = current is not None and current.source is not None
        if create and current is not None and exists:
            raise self._conflict(
                id,
                f"version conflict, document already exists (current version [{current.version}])",
            )
        self._check(id, current, expected)
        self._check_version(id, current, version)
        self._mapping = self._mapping.extend(document, id)
        copy = self._append(id, source, current, version)
        if exists:
            return Written(200, self._result(id, copy, "updated"))
        return Written(201, self._result(id, copy, "created"))

    def delete(self, id: str, *, expected: Expected | None = None) -> Written:
        """Deletes a document; one that is not there counts as a write too, as on the server."""
        current = self.current(id)
        self._check(id, current, expected)
        copy = self._append(id, None, current)
        if current is not None and current.source is not None:
            return Written(200, self._result(id, copy, "deleted"))
        return Written(404, self._result(id, copy, "not_found"))

    def update(
        self, id: str, body: Object[str, Any], *, expected: Expected | None = None
    ) -> Written:
        """Merges a partial document into the current one; ``upsert`` where there is none."""
        _check_update(body)
        current = self.current(id)
        if current is None or current.source is None:
            if expected is not None:
                self._check(id, current, expected)
            upsert = body["doc"] if body.get("doc_as_upsert") else body.get("upsert")
            if upsert is None:
                raise self._missing(id)
            return self.put(id, orjson.dumps(upsert))
        self._check(id, current, expected)
        before = orjson.loads(current.source)
        after = merge(before, body.get("doc", {}))
        if body.get("detect_noop", True) and after == before:
            return Written(200, {**self._result(id, current, "noop"), "_shards": NO_SHARDS})
        return self.put(id, orjson.dumps(after))

    def current(self, id: str) -> Copy | None:
        return current_copy(self._connection, self.index.number, id)

    def finish(self, *, refresh: bool) -> None:
        due = self._last_seq_no if refresh else self.index.refresh_due
        self._connection.execute(
            "UPDATE indices SET last_seq_no = ?, refresh_due = ? WHERE number = ?",
            (self._last_seq_no, due, self.index.number),
        )
        if self._last_seq_no // PURGE_EVERY > self.index.last_seq_no // PURGE_EVERY:
            purge(self._connection, self._table, self.index.refreshed)
        if self._mapping is not self._mapped:
            self._connection.execute(
                "UPDATE indices SET mapping = ? WHERE number = ?",
                (orjson.dumps(self._mapping.to_json()), self.index.number),
            )

    def _append(
        self, id: str, source: bytes | None, current: Copy | None, version: int | None = None
    ) -> Copy:
        self._last_seq_no += 1
        if version is None:
            version = 1 if current is None else current.version + 1
        copy = Copy(self._last_seq_no, version, source)
        now = time.time()
        if current is not None:
            self._supersede(current.seq_no, copy.seq_no, now)
        self._connection.execute(
            f"INSERT INTO {self._table} (seq_no, id, version, source, replaces, expires) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (
                copy.seq_no,
                id,
                copy.version,
                source,
                None if current is None else current.seq_no,
                now + DELETED_SECONDS if source is None else None,
            ),
        )
        return copy

    def _supersede(self, old: int, new: int, now: float) -> None:
        """Of an index that was never searched the old copy is of no use to anybody."""
        if self.index.refreshed < 0:
            self._connection.execute(f"DELETE FROM {self._table} WHERE seq_no = ?", (old,))
            return
        self._connection.execute(
            f"UPDATE {self._table} SET superseded = ?, expires = ? WHERE seq_no = ?",
            (new, now + SUPERSEDED_SECONDS, old),
        )

    def _result(self, id: str, copy: Copy, result: str) -> dict[str, Any]:
        return {
            "_index": self.index.name,
            "_id": id,
            "_version": copy.version,
            "result": result,
            "_shards": self.index.shards,
            "_seq_no": copy.seq_no,
            "_primary_term": PRIMARY_TERM,
        }

    def _check(self, id: str, current: Copy | None, expected: Expected | None) -> None:
        if expected is None:
            return
        demanded = (
            f"version conflict, required seqNo [{expected.seq_no}], "
            f"primary term [{expected.primary_term}]."
        )
        if current is None or current.source is None:
            raise self._conflict(id, f"{demanded} but no document was found")
        if expected != (current.seq_no, PRIMARY_TERM):
            raise self._conflict(
                id,
                f"{demanded} current document has seqNo [{current.seq_no}] "
                f"and primary term [{PRIMARY_TERM}]",
            )

    def _check_version(self, id: str, current: Copy | None, version: int | None) -> None:
        if version is not None and current is not None and current.version >= version:
            raise self._conflict(
                id,
                f"version conflict, current version [{current.version}] is higher or equal to"
                f" the one provided [{version}]",
            )

    def _conflict(self, id: str, reason: str) -> RequestError:
        return version_conflict(self.index.name, self.index.uuid, id, reason)

    def _missing(self, id: str) -> RequestError:
        details = {"index": self.index.name, "shard": "0", "index_uuid": self.index.uuid}
        return RequestError(
            404, "document_missing_exception", f"[{id}]: document missing", details=details
        )


def merge(document: Object[str, Any], changes: Object[str, Any]) -> dict[str, Any]:
    """A partial update: objects are merged key by key, everything else is replaced."""
    merged = dict(document)
    for key, value in changes.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = merge(old, value) if both and isinstance(old, dict) else value
    return merged


def parse_source(source: bytes) -> dict[str, Any]:
    """The document; raises mapper_parsing_exception where it is no JSON object."""
    try:
        document = orjson.loads(source)
    except orjson.JSONDecodeError as error:
        cause = {"type": "json_parse_exception", "reason": str(error)}
        raise RequestError(
            400, "mapper_parsing_exception", "failed to parse", caused_by=cause
        ) from error
    if not isinstance(document, dict):
        cause = {"type": "not_x_content_exception", "reason": "a document is a JSON object"}
        raise RequestError(400, "mapper_parsing_exception", "failed to parse", caused_by=cause)
    return document


@lru_cache(maxsize=256)
def _parse_mapping(mapping: bytes) -> Mapping:
    return Mapping.from_json(orjson.loads(mapping))


def _new_id() -> str:
    return uuid.uuid4().hex[:20]


def _check_id(id: str) -> None:
    size = len(id.encode("utf-8", "surrogatepass"))
    if size > MAX_ID_BYTES:
        raise illegal_argument(
            f"id is too long, must be no longer than {MAX_ID_BYTES} bytes but was: {size}"
        )


def _check_update(body: Object[str, Any]) -> None:
    for key in body:
        if key in ("script", "scripted_upsert", "_source"):
            raise unsupported(key)
        if key not in UPDATE_KEYS:
            raise RequestError(
                400, "x_content_parse_exception", f"[UpdateRequest] unknown field [{key}]"
            )
    if "doc" not in body and "upsert" not in body:
        raise invalid_request("script or doc is missing")
