"""`endcap search` and `endcap record`."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from endcap.cli.options import (
    ConfigurationFile,
    Engine,
    Index,
    Store,
    open_client,
    read_unhurried,
)
from endcap.cli.terminal import open_console, say
from endcap.configuration import Configuration
from endcap.operations import live_generation
from endcap_indexer.catalogue import values_at

LEAST_SHOWN = 0.005  # a smaller contribution would be written as 0.00

Shopper = Annotated[str | None, typer.Option("--user", "-u", help="The shopper's id.")]


def search(
    text: Annotated[str, typer.Argument(help="What the shopper types.")],
    index: Index = "products",
    user: Shopper = None,
    size: Annotated[int, typer.Option(min=1, help="Hits to show.")] = 10,
    plain: Annotated[bool, typer.Option("--plain", help="The engine's own order.")] = False,
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Search the catalogue, for a shopper or for nobody, and say why a hit stands where it does."""
    with open_client(engine, store, read_unhurried(config)) as (client, folder):
        title = live_generation(client, folder, index).catalogue["title"]
        body: dict[str, Any] = {"query": client.text_query(text, index=index), "size": size}
        if not plain:
            body["ext"] = {"endcap": {"explain": True}}
        answer = client.search(body, index, user=user, endcap=not plain)
    print_hits(open_console(), answer, title)


def record(
    item: Annotated[str, typer.Argument(help="The product's id.")],
    user: Annotated[str, typer.Option("--user", "-u", help="The shopper's id.")],
    action: Annotated[str, typer.Option(help="view, click, add_to_cart, purchase …")] = "view",
    query: Annotated[str | None, typer.Option(help="What the shopper had typed.")] = None,
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Keep an event of a shopper: it counts in the very next search."""
    with open_client(engine, store, Configuration.read(config)) as (client, _):
        client.record(item=item, user=user, action=action, query=query)
    say(open_console(), f"{action} of {item} is kept")


def print_hits(console: Console, answer: Mapping[str, Any], title: str) -> None:
    """Two lines a hit: what it is, and what its score is made of; then what happened.

    title: the catalogue's field that holds a product's title.
    """
    extension = answer.get("ext", {}).get("endcap", {})
    parts = {each["_id"]: each["contributions"] for each in extension.get("explanations", ())}
    for place, hit in enumerate(answer["hits"]["hits"], start=1):
        said = next(values_at(hit["_source"], title), None)
        named = f"{said}  {hit['_id']}  {hit['_score']:.2f}"
        say(console, named, label=f"{place:>3}", style="bold")
        if reasons := _sum_of(parts.get(hit["_id"], {})):
            say(console, f"    {reasons}")
    total = answer["hits"]["total"]
    at_least = "at least " if total["relation"] == "gte" else ""
    say(console, f"{at_least}{total['value']:,} products")
    if extension.get("reason"):
        say(console, extension["reason"], label="but", style="yellow")


def _sum_of(contributions: Mapping[str, float]) -> str:
    """`lexical 0.60 + text 0.38`; what is too small to show is left out."""
    shown = [
        f"{name} {part:.2f}" for name, part in contributions.items() if abs(part) >= LEAST_SHOWN
    ]
    return " + ".join(shown)
