"""What is left to do right after a swap, for whoever finds that a process died there.

`handover.json` beside the new generation says from which index it took over and how far that one's
writes had come along. It is written before the swap and removed once the rest has come along too.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from opensearchpy import OpenSearch

from endcap_indexer import files
from endcap_indexer.exceptions import GenerationError, VectorsError
from endcap_indexer.files import sync_folder
from endcap_indexer.generations.carry import Carry
from endcap_indexer.generations.checkpoints import Checkpoint, from_table, to_table
from endcap_indexer.generations.generation import Generation
from endcap_indexer.generations.manifest import generation_folder
from endcap_indexer.generations.notes import read_note, write_note

HANDOVER = "handover.json"
FORMAT = 1

logger = logging.getLogger(__name__)


class Handover(NamedTuple):
    """reached: up to where the old index was carried. before: where the new one was at the swap.
    returns, copied, deleted: as `Carry` has them.
    """

    old: str
    reached: Checkpoint
    before: Checkpoint
    returns: bool
    copied: Collection[str]
    deleted: Mapping[str, int]


def begin_handover(generation: Path, handover: Handover) -> None:
    """Note it; what was noted of an earlier swap counts no longer."""
    table = {
        "old": handover.old,
        "reached": to_table(handover.reached),
        "before": to_table(handover.before),
        "returns": handover.returns,
        "copied": sorted(handover.copied),
        "deleted": dict(handover.deleted),
    }
    write_note(generation / HANDOVER, FORMAT, table)


def end_handover(generation: Path) -> None:
    files.DISK.unlink(generation / HANDOVER)
    sync_folder(generation)


def is_unfinished(generation: Path) -> bool:
    """Whether a process died at the swap, or is at it now: who holds the lease can tell."""
    return (generation / HANDOVER).exists()


def finish_handover(client: OpenSearch, store: Path, generation: Generation) -> None:
    """Carry what was on its way when a process died at the swap to this generation, which is live.
    The caller holds the lease.
    """
    if not is_unfinished(generation.path):
        return
    handover = _read(generation.path / HANDOVER)
    if client.indices.exists(index=handover.old):
        known = _ids_of(store, handover.old)
        carry = Carry(
            client,
            handover.old,
            generation,
            handover.reached,
            known,
            returns=handover.returns,
            copied=handover.copied,
            deleted=handover.deleted,
        )
        carry.finish(handover.before)
    end_handover(generation.path)


def _read(path: Path) -> Handover:
    def read(table: Any) -> Handover:
        reached, before = from_table(table["reached"]), from_table(table["before"])
        returns = table.get("returns", True)  # an earlier version did not note the rest
        done = table.get("copied", ()), table.get("deleted", {})
        return Handover(table["old"], reached, before, returns, *done)

    otherwise = "a write that was made at the moment of the swap may be missing"
    return read_note(path, FORMAT, read, otherwise=otherwise)


def _ids_of(store: Path, old: str) -> Sequence[str]:
    """The ids that the old generation knew; without them deletions cannot be told."""
    try:
        generation = Generation.open(generation_folder(store, old))
    except (GenerationError, VectorsError) as error:
        logger.warning("what was deleted from %s at the swap is not told: %s", old, error)
        return ()
    return generation.ids(generation.present_rows())
