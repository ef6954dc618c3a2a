"""Leaving no trace of shoppers who were forgotten: `endcap expunge`.

`forget` removes a shopper's profile and events from what searches see. Here they leave the disk:
the rows that models hold, the note itself that the shopper was forgotten, the segments and the log
of the engine. A run that was interrupted is repeated whole.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from opensearchpy import OpenSearch

from endcap.exceptions import ProfileError
from endcap.profiles import EVENTS, FORGOTTEN, PROFILES
from endcap.registry import registries

BATCH = 1000  # shoppers whose rows are dropped at once
HELD_S = 120.0  # a server lets go of deleted documents within 30 s: so often it renews its leases
EXPUNGE = {
    "index.merge.policy.expunge_deletes_allowed": 0,  # otherwise segments of few deletions stay
    "index.soft_deletes.retention_lease.period": "1s",  # otherwise they are kept for 12 hours
}

Say = Callable[[str], None]


class Expunged(NamedTuple):
    """shoppers: how many were forgotten. models: the new names by the old ones."""

    shoppers: int
    models: dict[str, str]


def expunge(client: OpenSearch, store: Path, say: Say) -> Expunged:
    """Remove every trace of forgotten shoppers from the store and from the engine.

    Raises `ProfileError` where the engine does not let go of what was deleted.
    """
    shoppers, models = 0, dict[str, str]()
    for notes in _forgotten(client):
        keys = [note["_id"].encode() for note in notes]
        for registry in registries(store):
            models |= registry.drop_shoppers(keys)
        _remove_notes(client, notes)
        shoppers += len(keys)
    shutil.rmtree(checkpoints(store), ignore_errors=True)  # of trainings that were interrupted
    present = [name for name in (PROFILES, EVENTS, FORGOTTEN) if client.indices.exists(index=name)]
    if present:
        _expunge_deletes(client, present, say)
    return Expunged(shoppers, models)


def checkpoints(store: Path) -> Path:
    """Where trainings that may go on are kept; their rows are those of shoppers too."""
    return store / "training"


def _forgotten(client: OpenSearch) -> Iterator[list[dict[str, Any]]]:
    """The notes, some at a time; those that were handled must be gone before the next are asked."""
    body = {"size": BATCH, "_source": False, "seq_no_primary_term": True}
    while client.indices.exists(index=FORGOTTEN):
        client.indices.refresh(index=FORGOTTEN)
        notes: list[dict[str, Any]] = client.search(index=FORGOTTEN, body=body)["hits"]["hits"]
        if not notes:
            return
        yield notes


def _remove_notes(client: OpenSearch, notes: list[dict[str, Any]]) -> None:
    """One that was renewed since stays: its shopper was forgotten again."""
    lines = [
        {
            "delete": {
                "_index": FORGOTTEN,
                "_id": note["_id"],
                "if_seq_no": note["_seq_no"],
                "if_primary_term": note["_primary_term"],
            }
        }
        for note in notes
    ]
    refused = [
        item["delete"]["error"]["reason"]
        for item in client.bulk(body=lines)["items"]
        if "error" in item["delete"] and item["delete"]["status"] != 409
    ]
    if refused:
        raise ProfileError(f"{len(refused)} notes not removed in {FORGOTTEN}: {refused[0]}")


def _expunge_deletes(client: OpenSearch, indices: list[str], say: Say) -> None:
    """Merge what was deleted away, and wait until no file holds it any more."""
    if client.info()["version"].get("build_type") == "embedded":
        client.indices.forcemerge(index=indices, only_expunge_deletes=True)
        return
    client.indices.put_settings(index=indices, body=EXPUNGE)
    try:
        client.indices.flush(index=indices, force=True)
        say("waiting until the engine lets go of what was deleted, up to 30 s")
        _await_leases(client, indices)
        client.indices.forcemerge(index=indices, only_expunge_deletes=True)
        client.indices.refresh(index=indices)  # the searcher before it holds the old segments
        client.indices.flush(index=indices, force=True)
    finally:
        client.indices.put_settings(index=indices, body=dict.fromkeys(EXPUNGE))


def _await_leases(client: OpenSearch, indices: list[str]) -> None:
    """A server keeps deleted documents for replicas that may come back; a lease says from where."""
    wanted = {shard: last for shard, (_, last) in _shards(client, indices).items()}
    end = time.monotonic() + HELD_S
    while True:
        held = _shards(client, indices)
        if all(kept_from > wanted.get(shard, -1) for shard, (kept_from, _) in held.items()):
            return
        if time.monotonic() > end:
            raise ProfileError(
                f"the engine still holds deleted documents after {HELD_S:g} s; expunge again"
            )
        time.sleep(1)


def _shards(client: OpenSearch, indices: list[str]) -> dict[tuple[str, str, str], tuple[int, int]]:
    """By index, shard and node: from which sequence number deletions are kept, and the last one."""
    found = client.indices.stats(index=indices, params={"level": "shards"})
    return {
        (index, number, copy["routing"]["node"]): (
            min(
                (lease["retaining_seq_no"] for lease in copy["retention_leases"]["leases"]),
                default=copy["seq_no"]["max_seq_no"] + 1,
            ),
            copy["seq_no"]["max_seq_no"],
        )
        for index, stats in found["indices"].items()
        for number, copies in stats["shards"].items()
        for copy in copies
    }
