"""What the commands do, apart from the terminal that they do it on."""

import datetime
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from endcap.client import SearchClient
from endcap.configuration import Configuration
from endcap.event_sources import read_files, read_interactions
from endcap.exceptions import ConfigurationError
from endcap.registry import Registry
from endcap_indexer.catalogue import (
    BadRows,
    CatalogueFields,
    OnBadRow,
    digest_of,
    read_rows,
)
from endcap_indexer.encoder import DEFAULT_MODEL, Encoder, open_encoder
from endcap_indexer.generations import (
    Catalogue,
    Manifest,
    Progress,
    Reindexed,
    generation_folder,
    list_generations,
    reindex,
)
from endcap_reranker import Cooccurrence, Interactions

SAMPLE = 500  # rows that a guess looks at

Say = Callable[[str], None]


class Counted(NamedTuple):
    """A promoted artefact, and the events that it counts."""

    name: str
    interactions: Interactions


def build_generation(
    client: SearchClient,
    store: Path,
    index: str,
    catalogue: Path,
    configuration: Configuration,
    *,
    on_bad_row: OnBadRow,
    say: Say,
    progress: Progress,
    force: bool = False,
) -> Reindexed:
    """The next generation of a file, by what endcap.toml says of fields, encoder and index.

    say: told which fields are guessed and where the encoder comes from, a line at a time.
    """
    fields = configuration.catalogue or _guess(catalogue, say)
    encoder = _open_encoder(configuration, store, fields, say)
    source = Catalogue([catalogue], fields, on_bad_row)
    return reindex(
        client,
        store,
        index,
        source,
        encoder,
        settings=configuration.index,
        progress=progress,
        force=force,
    )


def live_generation(client: SearchClient, store: Path, index: str) -> Manifest:
    """What the store says of the live generation; ConfigurationError where there is none."""
    for each in list_generations(client, store, index):
        if each.live:
            return Manifest.read(generation_folder(store, each.name))
    raise ConfigurationError(
        f"{index} has no live generation in {store}; run: endcap reindex CATALOGUE"
        f" --index {index} --store {store}"
    )


def count_events(store: Path, index: str, events: Path, on_bad_row: OnBadRow) -> Counted:
    """Count which products are chosen together, and promote what was counted."""
    interactions = read_interactions(read_files([events], on_bad_row), on_bad_row)
    facts = {"interactions": len(interactions), "shoppers": interactions.n_users}
    registry = Registry(store, index)
    name = registry.save_cooccurrence(
        Cooccurrence.count(interactions), {**facts, **made_of(events=events)}
    )
    registry.promote(name)
    return Counted(name, interactions)


def made_of(**files: Path | None) -> dict[str, Any]:
    """What an artefact says of the files that made it, by their parts, and of the time (UTC)."""
    said: dict[str, Any] = {
        part: {"file": path.name, "digest": digest_of([path])}
        for part, path in files.items()
        if path is not None
    }
    now = datetime.datetime.now(datetime.UTC)
    return {**said, "created": now.isoformat(timespec="seconds")}


def _guess(catalogue: Path, say: Say) -> CatalogueFields:
    rows = islice(read_rows(catalogue, on_bad_row=BadRows()), SAMPLE)
    fields = CatalogueFields.guess([row.values for row in rows])
    say("endcap.toml names no fields, so these are guessed:")
    for line in fields.describe():
        say(f"  {line}")
    return fields


def _open_encoder(
    configuration: Configuration, store: Path, fields: CatalogueFields, say: Say
) -> Encoder | None:
    """None where the shop brings its own vectors and names no model to encode queries with."""
    settings = configuration.encoder
    if fields.vector is not None and settings.model is None:
        return None
    model = settings.model or DEFAULT_MODEL
    return open_encoder(model, store, prompts=settings.prompts, say=say)
