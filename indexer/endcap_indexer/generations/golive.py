"""A generation goes live: nothing that was written meanwhile is lost.

Beside each generation `live.json` says where its index was when it went live, which of its rows
were gone, and what had been carried to it by then. So a rollback knows what was written to it
since.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch

from endcap_indexer.catalogue import Product
from endcap_indexer.encoder import Encoder
from endcap_indexer.generations.beside import followed_beside
from endcap_indexer.generations.carry import Carry
from endcap_indexer.generations.checkpoints import (
    Checkpoint,
    from_table,
    read_positions,
    settled_positions,
    to_table,
    write_checkpoint,
)
from endcap_indexer.generations.chunks import CHUNK_PRODUCTS, chunks
from endcap_indexer.generations.documents import scan_ids
from endcap_indexer.generations.generation import Embedded, Generation
from endcap_indexer.generations.handover import Handover, begin_handover, end_handover
from endcap_indexer.generations.indices import PATIENCE_SECONDS, swap_alias
from endcap_indexer.generations.manifest import generation_folder
from endcap_indexer.generations.notes import read_note, write_note
from endcap_indexer.generations.pursuit import Pursuit, is_embedded
from endcap_indexer.generations.removal import finished

LIVE = "live.json"
FORMAT = 1


@dataclass(frozen=True)
class Since:
    """A state of an index, from which changes are told: where its shards were, and its ids; what
    is not there any more of those has been deleted since. seen: more ids that it has held since.
    """

    index: str
    positions: Checkpoint
    ids: Sequence[str]
    seen: set[str] = field(default_factory=set)

    def watch(self, client: OpenSearch, products: Iterable[Product]) -> Iterator[Product]:
        """Products as they are read from a source. Those that are new in the index too are noted:
        when they are gone again nothing there would tell.
        """
        known = set(self.ids)
        for chunk in chunks(products, CHUNK_PRODUCTS):
            new = [product.id for product in chunk if product.id not in known]
            if new:
                answer = client.mget(index=self.index, body={"ids": new}, _source=False)
                self.seen.update(each["_id"] for each in answer["docs"] if each.get("found"))
            yield from chunk


def state_of(client: OpenSearch, index: str) -> Since:
    """The state of an index now. What is written while its ids are read counts as written since."""
    positions = settled_positions(client, index)
    client.indices.refresh(index=index, request_timeout=PATIENCE_SECONDS)
    return Since(index, positions, list(scan_ids(client, index)))


def _state(client: OpenSearch, generation: Generation) -> dict[str, Any]:
    """What is noted of a generation that is followed up to now."""
    rows = np.arange(len(generation))
    return {
        "shards": to_table(read_positions(client, generation.name)),
        "gone": np.setdiff1d(rows, generation.present_rows()).tolist(),
    }


def _write_live(generation: Generation, state: Mapping[str, Any], carry: Carry | None) -> None:
    """Say that this is the state in which it goes live. What was carried may be gone again before
    it has a row.
    """
    carried = sorted(carry.copied) if carry is not None else []
    write_note(generation.path / LIVE, FORMAT, {**state, "carried": carried})


def lived(store: Path, index: str) -> list[str]:
    """The generations that have gone live, by number; a dead build may have finished another."""
    names = finished(store, index)
    return [name for name in names if (generation_folder(store, name) / LIVE).exists()]


def read_live(generation: Generation) -> Since | None:
    """The state in which it went live, its ids with those of what is new since, also of what has
    gone again; None where an earlier version did not write it down.
    """
    try:
        positions, gone, carried = read_note(
            generation.path / LIVE,
            FORMAT,
            _read_live,
            otherwise="what was written since is not carried",
        )
    except FileNotFoundError:
        return None
    rows = np.setdiff1d(np.arange(len(generation)), gone)
    return Since(generation.name, positions, [*generation.ids(rows), *carried])


def _read_live(table: Any) -> tuple[Checkpoint, NDArray[np.int64], Sequence[str]]:
    """Where the shards were, the rows of what was gone, and the ids of what had been carried."""
    gone = np.array(table["gone"], np.int64)
    return from_table(table["shards"]), gone, table.get("carried", ())


def go_live(
    client: OpenSearch,
    store: Path,
    alias: str,
    old: str | None,
    generation: Generation,
    encoder: Encoder | None,
    since: Since | None,
    elsewhere: Sequence[Embedded] = (),
    *,
    beside: Pursuit | None = None,
    returns: bool = False,
) -> int:
    """Swap the alias from `old` to a finished generation, and carry what was written to `old`
    since; how many writes that were. The caller holds the lease.

    encoder: that of the generation; without it what is carried gets no vectors yet. elsewhere:
    vectors that need not be embedded again. beside: of `old`, which is followed until right before
    the swap. returns: whether it was live before; else it is as it was built, and nobody has
    written to its index.
    Where the process dies before the swap nothing has changed for anybody; where it dies right
    after it, whoever holds the lease next finishes.
    """
    state = None
    if not returns:
        write_checkpoint(generation.path, read_positions(client, generation.name))
        state = _state(client, generation)
    pursuit = None
    if encoder is not None or not is_embedded(generation.manifest):
        pursuit = Pursuit(
            client, store, generation.name, generation, encoder, elsewhere=elsewhere, resumes=False
        )
    carry = None
    with followed_beside(beside):
        if old is not None and since is not None:
            carry = Carry(client, old, generation, since.positions, since.ids, returns=returns)
            carry.catch_up()
        if pursuit is not None:
            pursuit.catch_up()
            generation = pursuit.generation
    if carry is not None and since is not None:
        carry.generation = generation
        carry.take_out(since.seen | (beside.seen if beside is not None else set()))
        carry.catch_up()
    state = state or _state(client, generation)
    _write_live(generation, state, carry)
    if carry is None or old is None:
        swap_alias(client, alias, old, generation.name)
        return 0
    before = settled_positions(client, generation.name)
    done = carry.copied, carry.deleted
    begin_handover(generation.path, Handover(old, carry.reached, before, returns, *done))
    swap_alias(client, alias, old, generation.name)
    carry.finish(before)
    _write_live(generation, state, carry)
    end_handover(generation.path)
    if pursuit is not None:
        pursuit.catch_up()
    return carry.carried
