"""`endcap demo`: a made-up shop, three queries, two shoppers, and why each of them sees what."""

import functools
import shutil
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from endcap.cli.options import Index
from endcap.cli.progress import TerminalProgress
from endcap.cli.terminal import (
    open_console,
    say,
    say_bad_rows,
    say_counted,
    say_reindexed,
)
from endcap.client import SearchClient
from endcap.configuration import Configuration, EncoderSettings
from endcap.connections import connect
from endcap.demo import QUERIES, SHOPPERS, SHOWN, DemoFiles, write_demo
from endcap.demo.comparison import FUSED, Comparison, compare, show_comparison, show_legend
from endcap.event_sources import read_files, read_interactions
from endcap.exceptions import ConfigurationError
from endcap.operations import (
    build_generation,
    count_interactions,
    describe,
    live_generation,
    made_of,
)
from endcap_indexer.catalogue import BadRows, Files
from endcap_indexer.generations import list_generations

INDEX = "products"


class Part(StrEnum):
    """A half of the demo: what an indexer does, and what an application does."""

    BUILD = "build"
    SHOW = "show"


@dataclass(frozen=True)
class Shop:
    """Where the demo's shop is built and searched."""

    client: SearchClient
    store: Path
    index: str


def demo(
    store: Annotated[Path, typer.Option(help="A folder for the demo's shop.")] = Path("data/demo"),
    engine: Annotated[
        str | None, typer.Option(help="A server's URL; else the embedded engine, in the store.")
    ] = None,
    index: Index = INDEX,
    model: Annotated[
        str | None, typer.Option(help="The encoder: a name on the hub, or a folder.")
    ] = None,
    only: Annotated[Part | None, typer.Option(help="One half: build the shop, or show it.")] = None,
) -> None:
    """Build a small shop and show the plain, the fused and the personal order side by side."""
    console = open_console()
    with connect(engine or store, store=store) as client:
        shop = Shop(client, store, index)
        if only is not Part.SHOW:
            _build(console, shop, model)
        if only is not Part.BUILD:
            last = _show(console, shop)
    if only is None:
        console.rule("try next")
        _say_what_next(console, shop, engine, last.query, last.orders[FUSED][9].id)


def _build(console: Console, shop: Shop, model: str | None) -> None:
    _refuse_index_of_others(shop)
    files = write_demo(shop.store / "shop")
    console.rule("1  the catalogue")
    _reindex(console, shop, files.catalogue, model)
    console.rule("2  what shoppers did")
    _learn(console, shop, files)


def _refuse_index_of_others(shop: Shop) -> None:
    """Who tries the demo on a server of its own must not find an alias moved to the demo."""
    built = any(each.live for each in list_generations(shop.client, shop.store, shop.index))
    if not built and shop.client.indices.exists(index=shop.index):
        raise ConfigurationError(
            f"{shop.index!r} is there already and was not built from {shop.store}:"
            " choose another --index"
        )


def _reindex(console: Console, shop: Shop, catalogue: Path, model: str | None) -> None:
    bad_rows = BadRows()
    with TerminalProgress(console) as progress:
        done = build_generation(
            shop.client,
            shop.store,
            shop.index,
            Files(catalogue),
            Configuration(encoder=EncoderSettings(model)),
            on_bad_row=bad_rows,
            say=functools.partial(say, console),
            progress=progress,
        )
    say_bad_rows(console, bad_rows)
    say_reindexed(console, [catalogue], done)


def _learn(console: Console, shop: Shop, files: DemoFiles) -> None:
    """Count all events, and give the shown shoppers the profile of theirs, as if they had just
    browsed.
    """
    bad_rows = BadRows()
    interactions = read_interactions(read_files([files.events], bad_rows), bad_rows)
    facts = {**made_of(events=files.events), **describe(interactions, bad_rows)}
    name = count_interactions(shop.store, shop.index, interactions, facts)
    say_counted(console, name, interactions, bad_rows.count)
    for user in SHOWN:
        shop.client.forget(user=user)
    for line in files.events.read_bytes().splitlines():
        event = orjson.loads(line)
        if event["user"] in SHOWN:
            shop.client.record(
                user=event["user"],
                item=event["item"],
                action=event["action"],
                query=event.get("query"),
            )


def _show(console: Console, shop: Shop) -> Comparison:
    """Show every query, and return what the last one found."""
    live_generation(shop.client, shop.store, shop.index)
    shoppers = [shopper for shopper in SHOPPERS if shopper.id in SHOWN]
    console.rule("3  what they see")
    show_legend(console, shoppers)
    for query in QUERIES:
        comparison = compare(shop.client, shop.index, query, shoppers)
        show_comparison(console, comparison)
    return comparison


def _say_what_next(console: Console, shop: Shop, engine: str | None, query: str, item: str) -> None:
    """Commands that work as they stand; `item` is a product that nobody sees first."""
    here = Path(sys.argv[0])
    endcap = str(here) if here.name == "endcap" and shutil.which("endcap") is None else "endcap"
    place = f"--store {shop.store}" + (f" --engine {engine}" if engine else "")
    index = "" if shop.index == INDEX else f" --index {shop.index}"
    for line in (
        f'{endcap} search "warm jacket for winter" --user ines {place}{index}',
        f"{endcap} record {item} --user you --action purchase {place}",
        f'{endcap} search "{query}" --user you {place}{index}',
        f"{endcap} reindex YOUR-CATALOGUE.jsonl --store ./data",
    ):
        say(console, f"  {line}")
