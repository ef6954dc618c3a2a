"""`endcap search` and `endcap record`."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from endcap.cli.options import ConfigurationFile, Engine, Index, Store, open_client
from endcap.configuration import Configuration

Shopper = Annotated[str | None, typer.Option("--user", "-u", help="The shopper's id.")]


def search(
    text: Annotated[str, typer.Argument(help="What the shopper types.")],
    index: Index = "products",
    user: Shopper = None,
    size: Annotated[int, typer.Option(help="Hits to show.")] = 10,
    plain: Annotated[bool, typer.Option(help="The engine's own order.")] = False,
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Search the catalogue, for a shopper or for nobody, and say why a hit stands where it does."""
    client, _ = open_client(engine, store, Configuration.read(config))
    query = client.text_query(text, index=index)
    body: dict[str, Any] = {"query": query, "size": size, "ext": {"endcap": {"explain": True}}}
    answer = client.search(body, index, user=user, endcap=not plain)
    print_hits(Console(), answer)


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
    client, _ = open_client(engine, store, Configuration.read(config))
    client.record(item=item, user=user, action=action, query=query)
    Console().print(f"{action} of {item} is kept")


def print_hits(console: Console, answer: dict[str, Any]) -> None:
    """A table of hits with what each column added, and what happened."""
    extension = answer.get("ext", {}).get("endcap", {})
    parts = {each["_id"]: each["contributions"] for each in extension.get("explanations", ())}
    columns = list(dict.fromkeys(name for each in parts.values() for name in each))
    table = Table("", "id", "product", "score", *columns)
    for place, hit in enumerate(answer["hits"]["hits"], start=1):
        said = parts.get(hit["_id"], {})
        cells = [f"{said[name]:.3f}" if said.get(name) else "" for name in columns]
        title = title_of(hit["_source"])
        table.add_row(str(place), hit["_id"], title, f"{hit['_score']:.3f}", *cells)
    console.print(table)
    total = answer["hits"]["total"]
    at_least = "at least " if total["relation"] == "gte" else ""
    console.print(f"{at_least}{total['value']:,} products in {answer['took']} ms", highlight=False)
    if extension.get("reason"):
        console.print(f"[yellow]{extension['reason']}[/yellow]", highlight=False)


def title_of(product: dict[str, Any]) -> str:
    """What a person calls a product: its title, else its first text."""
    for name in ("title", "name", "product_title"):
        if isinstance(product.get(name), str):
            return str(product[name])
    return next((value for value in product.values() if isinstance(value, str)), "")
