"""Products in, documents of the live index out: at once, whoever holds the store's lease.

The request goes to the alias, so that it lands in the index that is live and never makes a new one.
When it is answered the alias is looked at again: a write that a swap has overtaken is repeated in
the new index, so none is lost. A document gets the row that the open generation knows, so a changed
price keeps its vector meanwhile; a row is of one generation, so what landed in another index is
written again too.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import orjson

from endcap.exceptions import ConfigurationError, RequestError
from endcap.opening import Snapshot
from endcap.snapshots import Snapshots
from endcap.steps import Call, Computation, Steps
from endcap_indexer.catalogue import (
    BadRow,
    CatalogueFields,
    ChangeReader,
    Product,
    Removal,
    Row,
    as_document,
)
from endcap_indexer.generations import index_of

ACTIONS = 500
BYTES = 10 * 2**20
TOO_BUSY = 429
RETRIES = 5
PAUSE_S = 0.2  # before the first retry of what the engine was too busy for; then twice as long
SWAPS = 10  # that may overtake one call

Refresh: TypeAlias = bool | str
Change: TypeAlias = Product | Removal


class Refused(NamedTuple):
    """A product of which nothing was written: `place` among those given, from 0."""

    place: int
    field: str | None  # None: the whole product, or what the engine says of it
    reason: str


class Upserted(NamedTuple):
    """What a call did: documents that were written and taken out, and what was refused."""

    written: int
    removed: int
    refused: tuple[Refused, ...]


class _Read(NamedTuple):
    """The last change of each id by its place, and what is no change."""

    changes: dict[int, Change]
    refused: list[Refused]


def upsert(
    snapshots: Snapshots, index: str, rows: Sequence[Row], refresh: Refresh
) -> Steps[Upserted]:
    """Write products and take out those that are deleted; bad rows cost nobody else anything."""
    snapshot = yield from _pinned(snapshots, index)
    read = yield Computation(lambda: _read_changes(snapshot, rows))
    pending, refused = dict(read.changes), dict[int, Refused]()
    for _ in range(SWAPS):
        landed = yield from _write(snapshot, pending, refresh, refused)
        live = yield from _live(snapshots, index, snapshot)
        right = (snapshot.index, live.index)  # in the live index, with its rows
        overtaken = [place for place in landed if right != (landed[place], landed[place])]
        pending, snapshot = {place: read.changes[place] for place in overtaken}, live
        if not pending:
            return _told(read, refused)
    raise RequestError(f"{index} was swapped {SWAPS} times while products were written: try again")


def _pinned(snapshots: Snapshots, index: str, *, again: bool = False) -> Steps[Snapshot]:
    resolved = yield from snapshots.resolve_now(index, again=again)
    if not isinstance(resolved, Snapshot):
        raise ConfigurationError(f"{index}: {resolved.reason}")
    if resolved.generation.name != resolved.index:
        raise ConfigurationError(
            f"{resolved.index} is filled by the shop's own programs: write to it as they do, and"
            f" endcap follow {index} sees to the vectors"
        )
    return resolved


def _live(snapshots: Snapshots, index: str, known: Snapshot) -> Steps[Snapshot]:
    """What the alias names now; the snapshot that is known, if it is that."""
    names = yield Call("indices.get_alias", {"name": index_of(known.index)})
    if list(names) == [known.index]:
        return known
    return (yield from _pinned(snapshots, index, again=True))


def _read_changes(snapshot: Snapshot, rows: Sequence[Row]) -> _Read:
    manifest = snapshot.generation.manifest
    reader = ChangeReader(CatalogueFields.from_table(manifest.catalogue), manifest.dimension)
    last: dict[str, int] = {}
    read = _Read({}, [])
    for place, row in enumerate(rows):
        found = reader.read(row)
        if isinstance(found, BadRow):
            read.refused.append(Refused(place, found.field, found.reason))
            continue
        earlier = last.pop(found.id, None)
        if earlier is not None:
            del read.changes[earlier]
        last[found.id] = place
        read.changes[place] = found
    return read


def _write(
    snapshot: Snapshot,
    changes: Mapping[int, Change],
    refresh: Refresh,
    refused: dict[int, Refused],
) -> Steps[dict[int, str]]:
    """The index that each change landed in; those that the engine refuses are told apart."""
    landed: dict[int, str] = {}
    lines = yield Computation(lambda: _lines(snapshot, changes))
    for chunk in _chunks(lines):
        for attempt in range(RETRIES + 1):
            busy: dict[int, str] = {}
            answer = yield _bulk(snapshot, chunk.values(), refresh)
            for place, item in zip(chunk, answer["items"], strict=True):
                (result,) = item.values()
                if result["status"] == TOO_BUSY and attempt < RETRIES:
                    busy[place] = chunk[place]
                elif "error" in result:
                    error = result["error"]
                    reason = f"{changes[place].id}: {error.get('type')}: {error.get('reason')}"
                    refused[place] = Refused(place, None, reason)
                else:
                    landed[place] = result["_index"]
                    refused.pop(place, None)
            if not busy:
                break
            chunk = busy
            yield Computation(partial(time.sleep, PAUSE_S * 2**attempt))
    return landed


def _bulk(snapshot: Snapshot, lines: Any, refresh: Refresh) -> Call:
    params = {"require_alias": "true"}
    if refresh:
        params["refresh"] = str(refresh).lower()
    alias = index_of(snapshot.index)
    return Call("bulk", {"index": alias, "body": "".join(lines), "params": params})


def _lines(snapshot: Snapshot, changes: Mapping[int, Change]) -> dict[int, str]:
    """Of each change its lines of a bulk. A gone product's row is the one it would come back to."""
    generation = snapshot.generation
    rows = generation.given_rows([change.id for change in changes.values()]).tolist()
    lines = {}
    for (place, change), row in zip(changes.items(), rows, strict=True):
        if isinstance(change, Removal):
            said: list[Any] = [{"delete": {"_id": change.id}}]
        else:
            document = as_document(change, None if row < 0 else row, change.vector)
            said = [{"index": {"_id": change.id}}, document]
        dumped = (orjson.dumps(each, option=orjson.OPT_SERIALIZE_NUMPY) for each in said)
        lines[place] = "".join(each.decode() + "\n" for each in dumped)
    return lines


def _chunks(lines: Mapping[int, str]) -> Iterator[dict[int, str]]:
    chunk: dict[int, str] = {}
    size = 0
    for place, text in lines.items():
        if chunk and (len(chunk) == ACTIONS or size + len(text) > BYTES):
            yield chunk
            chunk, size = {}, 0
        chunk[place] = text
        size += len(text)
    if chunk:
        yield chunk


def _told(read: _Read, refused: Mapping[int, Refused]) -> Upserted:
    done = [change for place, change in read.changes.items() if place not in refused]
    removed = sum(isinstance(change, Removal) for change in done)
    said = sorted([*read.refused, *refused.values()])
    return Upserted(len(done) - removed, removed, tuple(said))
