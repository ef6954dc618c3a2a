"""What the commands do, apart from the terminal that they do it on."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from endcap.client import SearchClient
from endcap.configuration import Configuration
from endcap.exceptions import ArtefactError, ConfigurationError
from endcap.item_tables import open_table, require_fit
from endcap.opening import CANNOT_BE_USED
from endcap.registry import MODEL, Registry
from endcap.text_vectors import text_reader
from endcap.transports import share
from endcap_indexer.catalogue import (
    BadRows,
    CatalogueFields,
    OnBadRow,
    RowSource,
    check_fields,
    digest_of,
    guess_fields,
)
from endcap_indexer.encoder import DEFAULT_MODEL, Encoder, find_encoder, open_encoder
from endcap_indexer.generations import (
    Attached,
    Catalogue,
    Generation,
    Manifest,
    Progress,
    Rehearsed,
    Reindexed,
    attach,
    generation_folder,
    list_generations,
    rehearse,
    reindex,
    sample_sources,
    single_index,
)
from endcap_reranker import Cooccurrence, Interactions

SAMPLE = 500  # rows that a guess looks at

Say = Callable[[str], None]


def build_generation(
    client: SearchClient,
    store: Path,
    index: str,
    source: RowSource,
    configuration: Configuration,
    *,
    on_bad_row: OnBadRow,
    say: Say,
    progress: Progress,
    force: bool = False,
) -> Reindexed:
    """The next generation of a catalogue, by what endcap.toml says of fields, encoder and index.

    say: told which fields are guessed and where the encoder comes from, a line at a time.
    """
    fields = configuration.catalogue or _guess(source, say)
    encoder = _open_encoder(configuration, store, fields, say)
    return reindex(
        client,
        store,
        index,
        Catalogue(source, fields, on_bad_row),
        encoder,
        settings=configuration.index,
        gates=configuration.gates,
        progress=progress,
        prepare=partial(_prepare_model, client, store, index, say),
        force=force,
    )


def rehearse_generation(
    client: SearchClient,
    store: Path,
    index: str,
    source: RowSource,
    configuration: Configuration,
    *,
    on_bad_row: OnBadRow,
    say: Say,
    progress: Progress,
) -> Rehearsed:
    """What `build_generation` would do; nothing is written, and no encoder is opened."""
    fields = configuration.catalogue or _guess(source, say)
    catalogue = Catalogue(source, fields, on_bad_row)
    model, prompts = _model(configuration, fields), configuration.encoder.prompts
    encoder = None if model is None else find_encoder(model, store, prompts=prompts)
    common = (client, store, index, catalogue, encoder, configuration.index)
    return rehearse(*common, gates=configuration.gates, progress=progress)


def attach_index(
    client: SearchClient,
    store: Path,
    name: str,
    configuration: Configuration,
    *,
    rows: bool | None,
    say: Say,
    progress: Progress,
) -> Attached:
    """The next generation of an index that the shop fills itself; see `build_generation`."""
    if configuration.index.vectors != "folder":
        raise ConfigurationError(
            f'index.vectors is "{configuration.index.vectors}", but the documents of an attached'
            ' index get no vectors; write "folder"'
        )
    index, body = single_index(client, name)
    properties = body["mappings"].get("properties", {})
    if configuration.catalogue is None:
        fields = guess_fields(properties, sample_sources(client, index, SAMPLE))
        _say_guessed(fields, say)
    else:
        fields = check_fields(properties, configuration.catalogue)
    encoder = open_encoder(
        configuration.encoder.model or DEFAULT_MODEL,
        store,
        prompts=configuration.encoder.prompts,
        say=say,
    )
    return attach(client, store, index, fields, encoder, rows=rows, progress=progress)


def live_generation(client: SearchClient, store: Path, index: str) -> Manifest:
    """What the store says of the live generation; ConfigurationError where there is none."""
    for each in list_generations(client, store, index):
        if each.live:
            return Manifest.read(generation_folder(store, each.name))
    raise ConfigurationError(
        f"{index} has no live generation in {store}; run: endcap reindex CATALOGUE"
        f" --index {index} --store {store}"
    )


def misfit(store: Path, index: str, generation: str) -> str | None:
    """Why the promoted model is left out of searches of a generation; None where it is not."""
    registry = Registry(store, index)
    try:
        name = registry.promoted().get(MODEL)
        if name is None:
            return None
        manifest = Manifest.read(generation_folder(store, generation))
        require_fit(name, registry.model(name), registry.facts(name), manifest)
    except ArtefactError as error:
        return str(error)
    return None


def count_interactions(
    store: Path, index: str, interactions: Interactions, facts: Mapping[str, Any]
) -> str:
    """Count which products are chosen together, and promote what was counted; its name."""
    registry = Registry(store, index)
    name = registry.save_cooccurrence(Cooccurrence.count(interactions), facts)
    registry.promote(name)
    return name


def describe(interactions: Interactions, bad_rows: BadRows) -> dict[str, Any]:
    """What an artefact says of the events that made it, and of what made it of them. until: the
    time of the last one, where events have times.
    """
    times = interactions.times
    return {
        **({} if times is None else {"until": _iso(float(times.max()))}),
        "interactions": len(interactions),
        "shoppers": interactions.n_users,
        "products": len(interactions.item_ids),
        "bad_rows": bad_rows.count,
        "left_out": dict(interactions.report),
        "version": version("endcap"),
        "created": _now(),
    }


def made_of(**parts: Path | Sequence[Path] | None) -> dict[str, Any]:
    """What an artefact says of the files that made it, by their parts."""
    said: dict[str, Any] = {}
    for part, given in parts.items():
        paths = [given] if isinstance(given, Path) else list(given or ())
        if paths:
            names = ", ".join(path.name for path in paths)
            said[part] = {"file": names, "digest": digest_of(paths)}
    return {**said, "created": _now()}


def _iso(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="milliseconds")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _prepare_model(
    client: SearchClient, store: Path, index: str, say: Say, generation: Generation
) -> None:
    """Compute the products of a new generation as the promoted model sees them, so that no client
    has to. A generation goes live without a model rather than not at all.
    """
    registry = Registry(store, index)
    try:
        name = registry.promoted().get(MODEL)
        if name is None:
            return
        model, facts = registry.model(name), registry.facts(name)
        read_text = text_reader(share(client.transport), generation)
        open_table(store, name, model, facts, generation, read_text)
    except CANNOT_BE_USED as error:
        say(f"searches go without the model: {error}")


def _guess(source: RowSource, say: Say) -> CatalogueFields:
    rows = islice(source.rows(BadRows()), SAMPLE)
    fields = CatalogueFields.guess([row.values for row in rows])
    _say_guessed(fields, say)
    return fields


def _say_guessed(fields: CatalogueFields, say: Say) -> None:
    say("endcap.toml names no fields, so these are guessed:")
    for line in fields.describe():
        say(f"  {line}")


def _open_encoder(
    configuration: Configuration, store: Path, fields: CatalogueFields, say: Say
) -> Encoder | None:
    model, prompts = _model(configuration, fields), configuration.encoder.prompts
    return None if model is None else open_encoder(model, store, prompts=prompts, say=say)


def _model(configuration: Configuration, fields: CatalogueFields) -> str | None:
    """None where the shop brings its own vectors and names no model to encode queries with."""
    named = configuration.encoder.model
    return named if named or fields.vector is not None else DEFAULT_MODEL
