"""Back to a generation that is still there, by the same swap that a build ends with."""

from pathlib import Path
from typing import NamedTuple

from opensearchpy import OpenSearch

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.generations.generation import Generation
from endcap_indexer.generations.indices import (
    list_indices,
    live_index,
    named_generation,
    single_index,
    swap_alias,
)
from endcap_indexer.generations.lease import hold_lease
from endcap_indexer.generations.manifest import generation_folder, number_of
from endcap_indexer.generations.removal import finished


class RolledBack(NamedTuple):
    """What is live now, and what was."""

    generation: str
    before: str


def roll_back(client: OpenSearch, store: Path, index: str, to: str | None = None) -> RolledBack:
    """Let the alias `index` name an earlier generation, the last one before the live one unless
    told; a later one may be told too.

    GenerationError says what there is, or why it cannot be used; nothing is changed then.
    """
    with hold_lease(store):
        live = live_index(client, index)
        if live is None:
            raise GenerationError(f"{index} has no live generation; run: endcap reindex CATALOGUE")
        chosen = to or _before(client, store, index, live)
        if chosen == live:
            raise GenerationError(f"{chosen} is live already")
        _check(client, store, index, chosen)
        swap_alias(client, index, live, chosen)
    return RolledBack(chosen, live)


def _before(client: OpenSearch, store: Path, index: str, live: str) -> str:
    there = _there(client, store, index)
    last = number_of(index, live) or 0
    earlier = [name for name in there if (number_of(index, name) or 0) < last]
    if not earlier:
        raise GenerationError(f"there is no generation of {index} before {live}")
    return earlier[-1]


def _there(client: OpenSearch, store: Path, index: str) -> list[str]:
    """Generations with a finished folder and an index of ours, by number."""
    ours = {state.name for state in list_indices(client, index) if state.ours}
    return [name for name in finished(store, index) if name in ours]


def _check(client: OpenSearch, store: Path, index: str, name: str) -> None:
    """Raise where folder or index is not there, damaged, or not of one build."""
    there = _there(client, store, index)
    if name not in there:
        raise GenerationError(
            f"{name} is no generation of {index} that is whole; there are {', '.join(there)}"
        )
    generation = Generation.open(generation_folder(store, name))
    _, body = single_index(client, name)
    meta = named_generation(body)
    if meta is None or meta["created"] != generation.manifest.created:
        raise GenerationError(
            f"the index {name} is not of {generation.path}, which was built at"
            f" {generation.manifest.created}: the store is not the one it was built in"
        )
