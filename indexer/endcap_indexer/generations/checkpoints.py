"""How far the changes of an index are known: per shard, by sequence number.

A shard numbers its operations. All up to its *global checkpoint* are on every copy of the shard and
are never taken back, whichever copy becomes the primary. The number is good within one *history*; a
restored or forcibly emptied shard begins another one.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from opensearchpy import OpenSearch

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.generations.notes import read_note, write_note

CHECKPOINT = "checkpoint.json"
FORMAT = 1
NOTHING = -1
PATIENCE_SECONDS = 30.0  # for replicas, where the last writes are still on their way to them

Number = Literal["global_checkpoint", "max_seq_no"]


class Position(NamedTuple):
    """Every operation of a shard up to seq_no, in one history."""

    history: str
    seq_no: int


Checkpoint = Mapping[int, Position]  # by shard


def read_positions(
    client: OpenSearch, index: str, number: Number = "global_checkpoint"
) -> dict[int, Position]:
    """Where each shard of an index is now; GenerationError where one is not there."""
    stats = client.indices.stats(index=index, metric="docs", level="shards")
    found = {}
    for shard, copies in stats["indices"].get(index, {}).get("shards", {}).items():
        for copy in copies:
            if copy["routing"]["primary"]:
                history = copy["commit"]["user_data"]["history_uuid"]
                found[int(shard)] = Position(history, copy["seq_no"][number])
    settings = client.indices.get_settings(index=index)[index]["settings"]["index"]
    missing = sorted(set(range(int(settings["number_of_shards"]))) - set(found))
    if missing:
        raise GenerationError(
            f"{index}: no primary of the shards {missing} is there; try again when the index is"
            " yellow or green"
        )
    return found


def settled_positions(client: OpenSearch, index: str) -> dict[int, Position]:
    """As read_positions, once every write that was answered before is on all copies."""
    answered = read_positions(client, index, "max_seq_no")
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        now = read_positions(client, index)
        if all(shard in now and now[shard].seq_no >= answered[shard].seq_no for shard in answered):
            return now
        if time.monotonic() > ends:
            raise GenerationError(
                f"{index}: a copy of a shard has not followed its primary for {PATIENCE_SECONDS:g}"
                " s; try again when the index is green"
            )
        time.sleep(0.02)


def read_checkpoint(generation: Path) -> dict[int, Position]:
    """What is known already; nothing where nobody has written it down."""
    try:
        return read_note(
            generation / CHECKPOINT,
            FORMAT,
            lambda table: from_table(table["shards"]),
            otherwise="endcap follow reads everything again",
        )
    except FileNotFoundError:
        return {}


def write_checkpoint(generation: Path, checkpoint: Checkpoint) -> None:
    """Replace what is known, atomically."""
    write_note(generation / CHECKPOINT, FORMAT, {"shards": to_table(checkpoint)})


def to_table(checkpoint: Checkpoint) -> dict[str, Position]:
    """As JSON can hold it."""
    return {str(shard): position for shard, position in checkpoint.items()}


def from_table(table: Any) -> dict[int, Position]:
    """What `to_table` made, read from JSON."""
    return {int(shard): Position(*position) for shard, position in table.items()}


def known_until(checkpoint: Checkpoint, shard: int, now: Position) -> int:
    """The sequence number behind which changes are to be read: of another history, all."""
    known = checkpoint.get(shard)
    same = known is not None and known.history == now.history and known.seq_no <= now.seq_no
    return known.seq_no if known is not None and same else NOTHING
