"""`endcap reindex` and `endcap generations`."""

import functools
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.markup import escape
from rich.table import Table

from endcap.cli.options import ConfigurationFile, Engine, Index, Store, open_client
from endcap.cli.progress import TerminalProgress
from endcap.cli.terminal import open_console, say, say_bad_rows, say_reindexed
from endcap.configuration import Configuration
from endcap.operations import build_generation
from endcap_indexer.catalogue import BadRows, stop_at_bad_row
from endcap_indexer.generations import GenerationInfo, Place, list_generations


def reindex(
    catalogue: Annotated[Path, typer.Argument(help="Products: .jsonl, .csv or .tsv, also .gz.")],
    index: Index = "products",
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
    vectors: Annotated[
        Place | None, typer.Option(help="Where vectors lie; else endcap.toml, else folder.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad row.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Build even an unchanged catalogue.")
    ] = False,
) -> None:
    """Build the next generation of a catalogue and swap the alias to it."""
    console = open_console()
    configuration = Configuration.read(config)
    if vectors is not None:
        chosen = replace(configuration.index, vectors=vectors)
        configuration = replace(configuration, index=chosen)
    bad_rows = BadRows()
    with (
        open_client(engine, store, configuration, building=True) as (client, folder),
        TerminalProgress(console) as progress,
    ):
        done = build_generation(
            client,
            folder,
            index,
            catalogue,
            configuration,
            on_bad_row=stop_at_bad_row if strict else bad_rows,
            say=functools.partial(say, console),
            progress=progress,
            force=force,
        )
    say_bad_rows(console, bad_rows)
    say_reindexed(console, str(catalogue), done)


def generations(
    index: Index = "products",
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """List the generations of an index, oldest first."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("generation", no_wrap=True)
    table.add_column("built (UTC)", no_wrap=True)
    table.add_column("products", justify="right")
    table.add_column("size", justify="right")
    table.add_column("encoder", overflow="fold")
    table.add_column("")
    with open_client(engine, store, Configuration.read(config)) as (client, folder):
        for each in list_generations(client, folder, index):
            table.add_row(
                escape(each.name),
                each.created[:16].replace("T", " "),
                f"{each.products:,}",
                f"{each.bytes / 1e6:,.1f} MB",
                escape(each.encoder or "shop's own"),
                _state(each),
            )
    open_console().print(table)


def _state(each: GenerationInfo) -> str:
    live = ["[green]live[/green]"] if each.live else []
    return ", ".join([*live, f"{each.segments:,} segments"] if each.segments else live)
