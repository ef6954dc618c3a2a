"""`endcap models`, `endcap promote` and `endcap rollback`."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich import box
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
from endcap.cli.terminal import open_console, say
from endcap.configuration import Configuration
from endcap.registry import KINDS, MODEL, Artefact, Registry, kind_of
from endcap_indexer.generations import roll_back

GENERATION = "generation"


def models(
    index: Index = "products",
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """List what was trained and tuned for an index, oldest first, and which of it searches use."""
    registry = _open_registry(index, store, engine, config)
    forced = {each.name for each in registry.pointer().history if each.forced}
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("artefact", "made (UTC)", "size", "what", "worth", ""):
        table.add_column(heading, no_wrap=heading not in ("what", "worth"))
    for each in registry.artefacts():
        promoted = "[green]promoted[/green]" if each.promoted else ""
        if each.promoted and each.name in forced:
            promoted = "[yellow]promoted by force[/yellow]"
        table.add_row(
            escape(each.name),
            str(each.facts.get("created", ""))[:16].replace("T", " "),
            f"{each.bytes / 1e6:,.1f} MB",
            escape(_what(each)),
            escape(_worth(each.facts)),
            promoted,
        )
    open_console().print(table)


def promote(
    name: Annotated[str, typer.Argument(help="An artefact, such as model-000003.")],
    index: Index = "products",
    force: Annotated[
        bool, typer.Option("--force", help="Even if it is no better than its run's baselines.")
    ] = False,
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Make searches use an artefact from now on; running clients take it over by themselves."""
    registry = _open_registry(index, store, engine, config)
    registry.promote(name, force=force)
    last = registry.pointer().history[-1]
    console = open_console()
    say(console, "is promoted" + (" by force" if last.forced else ""), label=name, style="bold")
    if last.reason is not None:
        say(console, last.reason, label="although", style="yellow")


def rollback(
    what: Annotated[
        str,
        typer.Argument(
            help=f"One of {', '.join(KINDS)}, or generation, or one's name: products-000003."
        ),
    ] = MODEL,
    index: Index = "products",
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Undo the last promotion of a kind, or let searches see an earlier generation."""
    if what == GENERATION or what.startswith(f"{index}-"):
        to = None if what == GENERATION else what
        with open_client(engine, store, Configuration.read(config)) as (client, folder):
            done = roll_back(client, folder, index, to)
        carried = f"; {done.carried:,} later writes are carried along" if done.carried else ""
        line = f"is live instead of {done.before}{carried}"
        say(open_console(), line, label=done.generation)
        return
    before = _open_registry(index, store, engine, config).roll_back(what)
    said = f"no {what} is promoted now" if before is None else f"{before} is promoted again"
    say(open_console(), said)


def _open_registry(index: str, store: Store, engine: Engine, config: ConfigurationFile) -> Registry:
    _, folder = find_places(engine, store, Configuration.read(config))
    return Registry(folder, index)


def _what(artefact: Artefact) -> str:
    """What it was made of, in a few words."""
    if "damaged" in artefact.facts:
        return str(artefact.facts["damaged"])
    parts = [str(artefact.facts[name]) for name in ("encoder", "loss") if name in artefact.facts]
    if "interactions" in artefact.facts:
        parts.append(f"{artefact.facts['interactions']:,} events")
    if kind_of(artefact.name) != MODEL and (judged := artefact.facts.get("judgments")):
        parts.append(str(judged["file"]))
    return ", ".join(parts)


def _worth(facts: Mapping[str, Any]) -> str:
    """The model's figure, and the best of its run's baselines."""
    metrics = facts.get("metrics")
    if metrics is None:
        return ""
    said = f"{metrics['metric']} {metrics['model']:.4f}"
    if not metrics["baselines"]:
        return said
    name, value = max(metrics["baselines"].items(), key=lambda each: float(each[1]))
    return f"{said}; {name} {value:.4f}"
