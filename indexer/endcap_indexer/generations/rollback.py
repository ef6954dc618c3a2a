"""Back to a generation that is still there, by the same swap that a build ends with."""

import logging
from pathlib import Path
from typing import NamedTuple

from opensearchpy import OpenSearch

from endcap_indexer.encoder import Encoder
from endcap_indexer.exceptions import EncoderError, GenerationError, VectorsError
from endcap_indexer.generations.generation import Generation
from endcap_indexer.generations.golive import Since, go_live, read_live
from endcap_indexer.generations.handover import finish_handover
from endcap_indexer.generations.indices import (
    list_indices,
    live_index,
    named_generation,
    single_index,
)
from endcap_indexer.generations.lease import WAIT_SECONDS, hold_lease
from endcap_indexer.generations.manifest import generation_folder, number_of
from endcap_indexer.generations.pursuit import encoder_of
from endcap_indexer.generations.removal import finished

logger = logging.getLogger(__name__)


class RolledBack(NamedTuple):
    """What is live now, and what was."""

    generation: str
    before: str
    carried: int = 0  # writes to what was live, since it went live


def roll_back(client: OpenSearch, store: Path, index: str, to: str | None = None) -> RolledBack:
    """Let the alias `index` name an earlier generation, unless told the one that was live when the
    live one was built; a later one may be told too. What was written to the live one since it went
    live is carried, so no upsert is lost.

    GenerationError says what there is, or why it cannot be used; nothing is changed then.
    """
    with hold_lease(store, WAIT_SECONDS):
        live = live_index(client, index)
        if live is None:
            raise GenerationError(f"{index} has no live generation; run: endcap reindex CATALOGUE")
        chosen = to or _before(client, store, index, live)
        if chosen == live:
            raise GenerationError(f"{chosen} is live already")
        generation = _check(client, store, index, chosen)
        since, encoder = _since(client, store, live), _encoder(store, generation)
        carried = go_live(client, store, index, live, generation, encoder, since, returns=True)
    return RolledBack(chosen, live, carried)


def _since(client: OpenSearch, store: Path, live: str) -> Since | None:
    """The state in which the live one went live; None where nobody can say: to go back is what the
    operator wants, so that is told and no reason to stay.
    """
    try:
        generation = Generation.open(generation_folder(store, live))
        finish_handover(client, store, generation)
        since = read_live(generation)
    except (GenerationError, VectorsError) as error:
        logger.warning("what was written to %s is not carried: %s", live, error)
        return None
    if since is None:
        logger.warning(
            "what was written to %s is not carried: an earlier version built it, and did not note"
            " where it went live",
            live,
        )
    return since


def _encoder(store: Path, generation: Generation) -> Encoder | None:
    try:
        return encoder_of(store, generation.manifest)
    except EncoderError as error:
        logger.warning("what is carried has no vectors yet: %s", error)
        return None


def _before(client: OpenSearch, store: Path, index: str, live: str) -> str:
    there = _there(client, store, index)
    states = {state.name: state for state in list_indices(client, index)}
    if live in states and states[live].before in there:  # not one that was gone back from
        return str(states[live].before)
    last = number_of(index, live) or 0
    earlier = [name for name in there if (number_of(index, name) or 0) < last]
    if not earlier:
        raise GenerationError(f"there is no generation of {index} before {live}")
    return earlier[-1]


def _there(client: OpenSearch, store: Path, index: str) -> list[str]:
    """Generations with a finished folder and an index of ours, by number."""
    ours = {state.name for state in list_indices(client, index) if state.ours}
    return [name for name in finished(store, index) if name in ours]


def _check(client: OpenSearch, store: Path, index: str, name: str) -> Generation:
    """The generation; raise where folder or index is not there, damaged, or not of one build."""
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
    return generation
