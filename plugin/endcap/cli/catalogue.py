"""`endcap reindex` and `endcap generations`."""

import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from endcap.cli.options import (
    ConfigurationFile,
    Engine,
    Index,
    Store,
    find_places,
    open_client,
)
from endcap.cli.progress import TerminalProgress
from endcap.cli.terminal import (
    open_console,
    say,
    say_bad_rows,
    say_rehearsed,
    say_reindexed,
    say_updated,
)
from endcap.client import SearchClient
from endcap.configuration import Configuration, is_url
from endcap.exceptions import ConfigurationError
from endcap.operations import build_generation, misfit, rehearse_generation
from endcap.updating import update_index
from endcap_indexer.catalogue import BadRows, Files, find_files, stop_at_bad_row
from endcap_indexer.generations import (
    GenerationInfo,
    Place,
    Rehearsed,
    Reindexed,
    list_generations,
)


def reindex(
    catalogue: Annotated[
        list[Path],
        typer.Argument(help="Products: .jsonl, .csv, .tsv, also .gz, .parquet; folders, patterns."),
    ],
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
    least_share: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Of the live products that there must be; else 0.5."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and check everything, write nothing.")
    ] = False,
    update: Annotated[
        bool,
        typer.Option("--update", help="Write the file's products to the live index: no build."),
    ] = False,
) -> None:
    """Build the next generation of a catalogue and swap the alias to it."""
    if update:
        _check_update(vectors=vectors, force=force, least_share=least_share, dry_run=dry_run)
    console = open_console()
    configuration = _configure(Configuration.read(config), vectors, least_share)
    bad_rows = BadRows()
    found = find_files(catalogue)
    for path in found.left_out:
        say(console, f"{path} is no catalogue file", label="left out", style="yellow")
    if update:
        _update(console, engine, store, configuration, index, Files(*found.paths), strict=strict)
        return
    with (
        _open(engine, store, configuration, dry_run) as (client, folder),
        TerminalProgress(console) as progress,
    ):
        common: dict[str, Any] = {
            "on_bad_row": stop_at_bad_row if strict else bad_rows,
            "say": functools.partial(say, console),
            "progress": progress,
        }
        arguments = (client, folder, index, Files(*found.paths), configuration)
        done: Reindexed | Rehearsed
        if dry_run:
            done = rehearse_generation(*arguments, **common)
        else:
            done = build_generation(*arguments, **common, force=force)
    say_bad_rows(console, bad_rows)
    if isinstance(done, Reindexed):
        say_reindexed(console, catalogue, done)
    else:
        say_rehearsed(console, catalogue, done)


def _check_update(**options: Place | float | bool | None) -> None:
    """An update builds nothing: what is said of a build would be passed over, a dry run even."""
    said = [name for name, value in options.items() if value is not None and value is not False]
    if said:
        named = ", ".join(f"--{name.replace('_', '-')}" for name in said)
        raise ConfigurationError(f"--update writes at once and builds nothing: leave out {named}")


@contextmanager
def _open(
    engine: str | None, store: Path | None, configuration: Configuration, dry_run: bool
) -> Iterator[tuple[SearchClient, Path]]:
    """A dry run makes no embedded engine where there is none: an empty one is as good."""
    place, _ = find_places(engine, store, configuration)
    with ExitStack() as opened:
        if dry_run and not (is_url(place) or Path(place).is_dir()):
            engine = opened.enter_context(TemporaryDirectory(prefix="endcap-"))
            store = Path(engine)
        yield opened.enter_context(open_client(engine, store, configuration, building=True))


def _update(
    console: Console,
    engine: str | None,
    store: Path | None,
    configuration: Configuration,
    index: str,
    changes: Files,
    *,
    strict: bool,
) -> None:
    bad_rows = BadRows()
    with (
        open_client(engine, store, configuration) as (client, folder),
        TerminalProgress(console) as progress,
    ):
        done = update_index(
            client,
            folder,
            index,
            changes,
            on_bad_row=stop_at_bad_row if strict else bad_rows,
            progress=progress,
        )
    say_bad_rows(console, bad_rows)
    say_updated(console, index, done)


def _configure(
    configuration: Configuration, vectors: Place | None, least_share: float | None
) -> Configuration:
    if vectors is not None:
        chosen = replace(configuration.index, vectors=vectors)
        configuration = replace(configuration, index=chosen)
    if least_share is not None:
        gates = replace(configuration.gates, least_share=least_share)
        configuration = replace(configuration, gates=gates)
    return configuration


def generations(
    index: Index = "products",
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """List the generations of an index, oldest first."""
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("generation", "built"):
        table.add_column(heading, no_wrap=True)
    for heading in ("age", "products", "size"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("encoder", overflow="fold")
    table.add_column("")
    misfits = []
    with open_client(engine, store, Configuration.read(config)) as (client, folder):
        for each in list_generations(client, folder, index):
            misfits.append(misfit(folder, index, each.name))
            table.add_row(
                escape(each.name),
                each.created[:10],
                _age(each.created),
                f"{each.products:,}",
                f"{each.bytes / 1e6:,.1f} MB",
                escape(each.encoder or "shop's own"),
                _state(each),
            )
    console = open_console()
    console.print(table)
    for reason in dict.fromkeys(filter(None, misfits)):
        say(console, reason, label="but", style="yellow")


def _age(created: str) -> str:
    """Of an ISO 8601 time, in its largest unit."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _state(each: GenerationInfo) -> str:
    live = ["[green]live[/green]"] if each.live else []
    return ", ".join([*live, f"{each.segments:,} segments"] if each.segments else live)
