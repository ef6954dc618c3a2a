"""`endcap demo`: a made-up shop, three queries, two shoppers, and why each of them sees what."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from endcap.cli.catalogue import build_generation
from endcap.cli.training import count_events
from endcap.client import SearchClient
from endcap.configuration import Configuration
from endcap.connections import connect
from endcap.demo import QUERIES, SHOPPERS, SHOWN, write_demo
from endcap.demo.comparison import compare, show_comparison

INDEX = "products"


def demo(
    store: Annotated[Path, typer.Option(help="A folder for the demo's shop.")] = Path("data/demo"),
) -> None:
    """Build a small shop and show the plain, the fused and the personal order side by side."""
    console = Console()
    files = write_demo(store / "shop")
    with connect(store) as client:
        console.rule("1  the catalogue")
        build_generation(console, client, store, INDEX, files.catalogue, Configuration())
        console.rule("2  what shoppers did")
        count_events(console, client, store, INDEX, files.events)
        _record(client, files.events)
        shoppers = [shopper for shopper in SHOPPERS if shopper.id in SHOWN]
        for shopper in shoppers:
            console.print(f"[bold]{shopper.id}[/bold] {shopper.about}", highlight=False)
        console.rule("3  what they see")
        for query in QUERIES:
            show_comparison(console, compare(client, INDEX, query, shoppers))
    _say_what_next(console, store)


def _record(client: SearchClient, events: Path) -> None:
    """Give the shown shoppers the profile of their events, as if they had just browsed."""
    for user in SHOWN:
        client.forget(user=user)
    for line in events.read_bytes().splitlines():
        event = orjson.loads(line)
        if event["user"] in SHOWN:
            client.record(
                user=event["user"],
                item=event["item"],
                action=event["action"],
                query=event.get("query"),
            )


def _say_what_next(console: Console, store: Path) -> None:
    console.rule("try next")
    for line in (
        f'endcap search "warm gloves" --user ines --store {store}',
        f'endcap search "warm gloves" --store {store}',
        f"endcap record PRODUCT-ID --user you --action purchase --store {store}",
        f"endcap generations --store {store}",
        "endcap reindex YOUR-CATALOGUE.jsonl --store ./data",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
