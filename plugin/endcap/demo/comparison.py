"""One query, seen by nobody and by each shopper: the orders side by side, and the reason for each
rise.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from endcap.client import SearchClient
from endcap.demo.shoppers import Shopper

PLAIN, FUSED = "plain", "fused"
SHOWN_HITS = 3
DEPTH = 100
LEAST_SHOWN = 0.005  # a smaller contribution would be written as +0.00
REASONS = {"history": "alike", "cooccurrence": "together"}  # column → what it is called here
MEANINGS = {
    "history": "added to the score for being like what the shopper looked at last",
    "cooccurrence": "added for being chosen by others who chose the same",
}
ORDERS = {
    PLAIN: "the engine alone: products with the words of the query",
    FUSED: "words and meaning together, for nobody in particular",
}


class Product(NamedTuple):
    """A hit as the demo writes it."""

    id: str
    title: str
    price: float


class Rise(NamedTuple):
    """A product that a shopper sees further up than nobody does.

    before: its place for nobody, None behind the first 100. reasons: what the columns that know the
    shopper added to its score, where that is enough to be shown.
    """

    product: Product
    before: int | None
    place: int
    reasons: Mapping[str, float]


class Comparison(NamedTuple):
    """The products in each order, best first, by the name of the order; the rises by shopper."""

    query: str
    orders: Mapping[str, Sequence[Product]]
    rises: Mapping[str, Sequence[Rise]]


def compare(
    client: SearchClient, index: str, query: str, shoppers: Sequence[Shopper]
) -> Comparison:
    """Search four times: the engine alone, both legs for nobody, and once for each shopper."""
    body = {"query": client.text_query(query, index=index), "size": DEPTH}
    explained = {**body, "ext": {"endcap": {"explain": True}}}
    orders = {
        PLAIN: _products(client.search(body, index, endcap=False)),
        FUSED: _products(client.search(body, index)),
    }
    rises = {}
    for shopper in shoppers:
        answer = client.search(explained, index, user=shopper.id)
        orders[_name_order(shopper)] = _products(answer)
        rises[shopper.id] = _rises(answer, orders[FUSED])
    return Comparison(query, orders, rises)


def show_legend(console: Console, shoppers: Sequence[Shopper]) -> None:
    """What the columns of the tables mean, and who the shoppers are."""
    _print_meanings(console, ORDERS | {_name_order(each): f"who {each.about}" for each in shoppers})
    console.print("Each shopper's order is the fused one, re-ranked. Below it, what rose and why:")
    _print_meanings(console, {REASONS[column]: meaning for column, meaning in MEANINGS.items()})


def show_comparison(console: Console, comparison: Comparison) -> None:
    """A table of the first places, then what rose and why."""
    console.print(f"\n[bold]“{escape(comparison.query)}”[/bold]")
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", justify="right")
    for name in comparison.orders:
        table.add_column(escape(name), ratio=1)
    for place in range(SHOWN_HITS):
        titles = (_name_at(products, place) for products in comparison.orders.values())
        table.add_row(str(place + 1), *titles)
    console.print(table)
    _show_rises(console, comparison)


def _show_rises(console: Console, comparison: Comparison) -> None:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("rose for")
    table.add_column("place", justify="right")
    table.add_column("", ratio=1)
    for said in REASONS.values():
        table.add_column(said, justify="right")
    for shopper, rises in comparison.rises.items():
        for rise in rises:
            before = f"{DEPTH}+" if rise.before is None else f"{rise.before}"
            parts = [f"+{rise.reasons[c]:.2f}" if c in rise.reasons else "" for c in REASONS]
            title = escape(rise.product.title)
            table.add_row(escape(shopper), f"{before} → {rise.place}", title, *parts)
    console.print(table)


def _print_meanings(console: Console, meanings: Mapping[str, str]) -> None:
    grid = Table.grid(padding=(0, 2))
    for name, meaning in meanings.items():
        grid.add_row(f"[bold]{escape(name)}[/bold]", escape(meaning))
    console.print(grid)


def _rises(answer: Mapping[str, Any], nobody: Sequence[Product]) -> list[Rise]:
    explained = {each["_id"]: each for each in answer["ext"]["endcap"]["explanations"]}
    before = {product.id: place for place, product in enumerate(nobody, start=1)}
    rises = []
    for place, product in enumerate(_products(answer)[:SHOWN_HITS], start=1):
        if before.get(product.id, DEPTH + 1) > place:
            parts = explained[product.id]["contributions"]
            reasons = {c: parts[c] for c in REASONS if parts.get(c, 0.0) >= LEAST_SHOWN}
            rises.append(Rise(product, before.get(product.id), place, reasons))
    return rises


def _products(answer: Mapping[str, Any]) -> list[Product]:
    """The colour, which stands behind a comma, is left out: four columns must fit a terminal."""
    found = [(hit["_id"], hit["_source"]) for hit in answer["hits"]["hits"]]
    return [Product(id, source["title"].partition(",")[0], source["price"]) for id, source in found]


def _name_at(products: Sequence[Product], place: int) -> str:
    if place >= len(products):
        return ""
    return escape(f"{products[place].title} ({products[place].price:.0f})")


def _name_order(shopper: Shopper) -> str:
    return f"for {shopper.id}"
