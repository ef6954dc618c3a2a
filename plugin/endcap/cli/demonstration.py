"""`endcap demo`: a made-up shop, three queries, two shoppers, and why each of them sees what."""

import functools
import shutil
import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

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
from endcap.demo.comparison import FUSED, compare, show_comparison, show_legend
from endcap.operations import build_generation, count_events
from endcap_indexer.catalogue import BadRows

INDEX = "products"


def demo(
    store: Annotated[Path, typer.Option(help="A folder for the demo's shop.")] = Path("data/demo"),
    model: Annotated[
        str | None, typer.Option(help="The encoder: a name on the hub, or a folder.")
    ] = None,
) -> None:
    """Build a small shop and show the plain, the fused and the personal order side by side."""
    console = open_console()
    files = write_demo(store / "shop")
    shoppers = [shopper for shopper in SHOPPERS if shopper.id in SHOWN]
    with connect(store, store=store) as client:
        console.rule("1  the catalogue")
        _build(console, client, store, files.catalogue, model)
        console.rule("2  what shoppers did")
        _learn(console, client, store, files)
        console.rule("3  what they see")
        show_legend(console, shoppers)
        for query in QUERIES:
            comparison = compare(client, INDEX, query, shoppers)
            show_comparison(console, comparison)
    console.rule("try next")
    _say_what_next(console, store, query, comparison.orders[FUSED][9].id)


def _build(
    console: Console, client: SearchClient, store: Path, catalogue: Path, model: str | None
) -> None:
    bad_rows = BadRows()
    with TerminalProgress(console) as progress:
        done = build_generation(
            client,
            store,
            INDEX,
            catalogue,
            Configuration(encoder=EncoderSettings(model)),
            on_bad_row=bad_rows,
            say=functools.partial(say, console),
            progress=progress,
        )
    say_bad_rows(console, bad_rows)
    say_reindexed(console, str(catalogue), done)


def _learn(console: Console, client: SearchClient, store: Path, files: DemoFiles) -> None:
    """Count all events, and give the shown shoppers the profile of theirs, as if they had just
    browsed.
    """
    bad_rows = BadRows()
    say_counted(console, count_events(store, INDEX, files.events, bad_rows), bad_rows)
    for user in SHOWN:
        client.forget(user=user)
    for line in files.events.read_bytes().splitlines():
        event = orjson.loads(line)
        if event["user"] in SHOWN:
            client.record(
                user=event["user"],
                item=event["item"],
                action=event["action"],
                query=event.get("query"),
            )


def _say_what_next(console: Console, store: Path, query: str, item: str) -> None:
    """Commands that work as they stand; `item` is a product that nobody sees first."""
    here = Path(sys.argv[0])
    endcap = str(here) if here.name == "endcap" and shutil.which("endcap") is None else "endcap"
    for line in (
        f'{endcap} search "warm jacket for winter" --user ines --store {store}',
        f"{endcap} record {item} --user you --action purchase --store {store}",
        f'{endcap} search "{query}" --user you --store {store}',
        f"{endcap} reindex YOUR-CATALOGUE.jsonl --store ./data",
    ):
        say(console, f"  {line}")
