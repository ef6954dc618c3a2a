"""`endcap reindex` and `endcap generations`."""

from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from endcap.cli.options import ConfigurationFile, Engine, Index, Store, open_client
from endcap.cli.progress import TerminalProgress
from endcap.client import SearchClient
from endcap.configuration import Configuration
from endcap_indexer.catalogue import (
    BadRows,
    CatalogueFields,
    read_rows,
    stop_at_bad_row,
)
from endcap_indexer.encoder import Encoder, open_encoder
from endcap_indexer.generations import Catalogue, list_generations
from endcap_indexer.generations import reindex as build

SAMPLE = 500  # rows that a guess looks at


def reindex(
    catalogue: Annotated[Path, typer.Argument(help="Products: .jsonl, .csv or .tsv, also .gz.")],
    index: Index = "products",
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
    strict: Annotated[bool, typer.Option(help="Stop at the first bad row.")] = False,
    force: Annotated[bool, typer.Option(help="Build even an unchanged catalogue.")] = False,
) -> None:
    """Build the next generation of a catalogue and swap the alias to it."""
    configuration = Configuration.read(config)
    client, folder = open_client(engine, store, configuration)
    build_generation(Console(), client, folder, index, catalogue, configuration, strict, force)


def build_generation(
    console: Console,
    client: SearchClient,
    store: Path,
    index: str,
    catalogue: Path,
    configuration: Configuration,
    strict: bool = False,
    force: bool = False,
) -> None:
    """Reindex with progress on the console, and say there what was done and what was skipped."""
    fields = configuration.catalogue or _guess(catalogue, console)
    encoder = _encoder(configuration, store, fields, console)
    bad_rows = BadRows()
    source = Catalogue([catalogue], fields, stop_at_bad_row if strict else bad_rows)
    with TerminalProgress(console) as progress:
        done = build(client, store, index, source, encoder, progress=progress, force=force)
    for bad in bad_rows.first:
        console.print(f"[yellow]skipped[/yellow] {bad}", highlight=False, soft_wrap=True)
    if done.unchanged:
        console.print(f"{catalogue} is unchanged: {done.generation} stays live", soft_wrap=True)
        return
    console.print(
        f"[bold]{done.generation}[/bold] is live: {done.products:,} products,"
        f" {done.embedded:,} embedded, {done.reused:,} vectors reused,"
        f" {done.bad_rows:,} bad rows skipped, {done.seconds:.1f} s",
        highlight=False,
    )


def generations(
    index: Index = "products",
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """List the generations of an index, oldest first."""
    client, folder = open_client(engine, store, Configuration.read(config))
    table = Table("generation", "created", "products", "size", "encoder", "")
    for each in list_generations(client, folder, index):
        size = f"{each.bytes / 1e6:,.1f} MB"
        live = "[green]live[/green]" if each.live else ""
        encoder = each.encoder or "the shop's own"
        table.add_row(each.name, each.created, f"{each.products:,}", size, encoder, live)
    Console().print(table)


def _guess(catalogue: Path, console: Console) -> CatalogueFields:
    rows = islice(read_rows(catalogue, on_bad_row=BadRows()), SAMPLE)
    fields = CatalogueFields.guess([row.values for row in rows])
    console.print("endcap.toml names no fields, so these are guessed:")
    for line in fields.describe():
        console.print(f"  {line}", highlight=False)
    return fields


def _encoder(
    configuration: Configuration, store: Path, fields: CatalogueFields, console: Console
) -> Encoder | None:
    """None where the shop brings its own vectors and names no model to encode queries with."""
    if fields.vector is not None and configuration.encoder.model is None:
        return None
    return open_encoder(
        configuration.encoder.model,
        store,
        say=lambda line: console.print(line, highlight=False, soft_wrap=True),
    )
