"""A file of changes into the index that is live, by `SearchClient.upsert`."""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from opensearchpy import OpenSearch

from endcap.client import SearchClient
from endcap_indexer.catalogue import BadRow, OnBadRow, Row, RowSource
from endcap_indexer.encoder import open_stored
from endcap_indexer.exceptions import LeaseError
from endcap_indexer.generations import Followed, Follower, Progress

CHUNK = 500  # rows


class Updated(NamedTuple):
    """What a file of changes did. waits_for: who adds the vectors, where that is another process;
    followed: else what was done about them.
    """

    written: int
    removed: int
    refused: int
    seconds: float
    followed: Followed | None
    waits_for: str | None


def update_index(
    client: SearchClient,
    store: Path,
    index: str,
    changes: RowSource,
    *,
    on_bad_row: OnBadRow,
    progress: Progress,
) -> Updated:
    """Write the products of a file, remove those that it says are deleted, and see to the vectors
    unless another process does. What is refused is told like a bad row.
    """
    started = time.monotonic()
    total = changes.count()
    written = removed = refused = done = 0
    for chunk in _chunks(changes.rows(on_bad_row)):
        told = client.upsert(index=index, products=chunk, follow=False)
        for each in told.refused:
            row = chunk[each.place]
            on_bad_row(BadRow(row.file, row.line, each.field, each.reason))
        written, removed = written + told.written, removed + told.removed
        refused += len(told.refused)
        done += len(chunk)
        progress.advance("products", done, total)
    followed, waits_for = _follow(client, store, index, progress)
    seconds = time.monotonic() - started
    return Updated(written, removed, refused, seconds, followed, waits_for)


def _follow(
    client: OpenSearch, store: Path, index: str, progress: Progress
) -> tuple[Followed | None, str | None]:
    follower = Follower(client, store, index, lambda name: open_stored(store, name), progress)
    try:
        return follower.run(), None
    except LeaseError as error:
        return None, str(error)


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk
