"""`endcap train`: events in, a promoted artefact out."""

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from endcap.cli.options import ConfigurationFile, Engine, Index, Store, open_client
from endcap.client import SearchClient
from endcap.configuration import Configuration
from endcap.exceptions import ArtefactError
from endcap.registry import COOCCURRENCE, Registry
from endcap_indexer.catalogue import BadRow, BadRows, digest_of, read_rows
from endcap_indexer.generations import list_generations
from endcap_reranker import BadEvent, Cooccurrence, Interactions


def train(
    events: Annotated[Path, typer.Argument(help="Events: .jsonl, .csv or .tsv, also .gz.")],
    index: Index = "products",
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Count which products are chosen together, and make searches use it from now on."""
    client, folder = open_client(engine, store, Configuration.read(config))
    count_events(Console(), client, folder, index, events)


def count_events(
    console: Console, client: SearchClient, store: Path, index: str, events: Path
) -> None:
    """Count co-occurrence and promote it, and say on the console what was counted and skipped."""
    if not any(each.live for each in list_generations(client, store, index)):
        raise ArtefactError(f"{index} has no live generation; run: endcap reindex CATALOGUE")
    bad_rows = BadRows()
    interactions = read_interactions(events, bad_rows)
    with console.status(f"counting {len(interactions):,} events"):
        counted = Cooccurrence.count(interactions)
    registry = Registry(store, index)
    name = registry.save_cooccurrence(counted, _facts(events, interactions))
    registry.promote(COOCCURRENCE, name)
    for bad in bad_rows.first:
        console.print(f"[yellow]skipped[/yellow] {bad}", highlight=False, soft_wrap=True)
    console.print(
        f"[bold]{name}[/bold] is promoted: {len(interactions):,} events of"
        f" {interactions.n_users:,} shoppers on {len(interactions.item_ids):,} products,"
        f" {bad_rows.count:,} bad rows skipped",
        highlight=False,
    )


def read_interactions(events: Path, bad_rows: BadRows) -> Interactions:
    """The events of a file; what is wrong with a row goes to `bad_rows` with its file and line."""

    def rows() -> Iterator[tuple[str, Mapping[str, Any]]]:
        for row in read_rows(events, on_bad_row=bad_rows):
            yield f"{row.file}:{row.line}", row.values

    def on_bad_event(bad: BadEvent) -> None:
        file, _, line = bad.place.rpartition(":")
        bad_rows(BadRow(file, int(line), bad.field, bad.reason))

    return Interactions.from_rows(rows(), on_bad_row=on_bad_event)


def _facts(events: Path, interactions: Interactions) -> dict[str, Any]:
    """What made the artefact."""
    return {
        "events": events.name,
        "digest": digest_of([events]),
        "interactions": len(interactions),
        "shoppers": interactions.n_users,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
