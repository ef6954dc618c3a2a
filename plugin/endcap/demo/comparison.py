"""One query, seen by nobody and by each shopper: the orders side by side, and the reason for each
move.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from endcap.client import SearchClient
from endcap.demo.shoppers import Shopper

SHOWN_HITS = 5
SHOWN_MOVES = 3
DEPTH = 100
REASONS = {
    "history": "like what {name} looked at",
    "cooccurrence": "often chosen with what {name} chose",
}


class Move(NamedTuple):
    """A product that a shopper sees on the first places, where nobody sees it (None: not at all),
    and why.
    """

    title: str
    place: int
    before: int | None
    reasons: tuple[str, ...]


class Comparison(NamedTuple):
    """The titles in each order, best first, by the name of the order; the moves by shopper."""

    query: str
    orders: Mapping[str, Sequence[str]]
    moves: Mapping[str, Sequence[Move]]


def compare(
    client: SearchClient, index: str, query: str, shoppers: Sequence[Shopper]
) -> Comparison:
    """Search four times: the engine alone, both legs for nobody, and once for each shopper."""
    body = {"query": client.text_query(query, index=index), "size": DEPTH}
    explained = {**body, "ext": {"endcap": {"explain": True}}}
    nobody = client.search(body, index)
    orders = {"plain": client.search(body, index, endcap=False), "fused": nobody}
    moves = {}
    for shopper in shoppers:
        name = f"for {shopper.id}"
        orders[name] = client.search(explained, index, user=shopper.id)
        moves[name] = _moves(shopper, orders[name], _places(nobody))
    titles = {name: _titles(answer) for name, answer in orders.items()}
    return Comparison(query, titles, moves)


def show_comparison(console: Console, comparison: Comparison) -> None:
    """A table of the first places, then what moved and why."""
    table = Table(
        "", *comparison.orders, show_lines=True, title=f"“{comparison.query}”", title_justify="left"
    )
    for place in range(SHOWN_HITS):
        cells = [
            titles[place] if place < len(titles) else "" for titles in comparison.orders.values()
        ]
        table.add_row(str(place + 1), *cells)
    console.print(table)
    for name, moves in comparison.moves.items():
        for move in moves[:SHOWN_MOVES]:
            before = "not found" if move.before is None else f"{move.before}"
            why = ", ".join(move.reasons)
            console.print(f"  {name}: {before} → {move.place}  {move.title}", highlight=False)
            console.print(f"    [dim]{why}[/dim]", highlight=False)
    console.print()


def _moves(shopper: Shopper, answer: Mapping[str, Any], before: Mapping[str, int]) -> list[Move]:
    explained = {each["_id"]: each for each in answer["ext"]["endcap"]["explanations"]}
    moves = []
    for place, hit in enumerate(answer["hits"]["hits"][:SHOWN_HITS], start=1):
        earlier = before.get(hit["_id"])
        if earlier is not None and earlier <= place:
            continue
        parts = explained[hit["_id"]]["contributions"]
        reasons = [
            f"{said.format(name=shopper.id)} (+{parts[column]:.2f})"
            for column, said in REASONS.items()
            if parts.get(column, 0) >= 0.005
        ]
        moves.append(Move(_title(hit), place, earlier, tuple(reasons)))
    return moves


def _places(answer: Mapping[str, Any]) -> dict[str, int]:
    return {hit["_id"]: place for place, hit in enumerate(answer["hits"]["hits"], start=1)}


def _titles(answer: Mapping[str, Any]) -> list[str]:
    return [_title(hit) for hit in answer["hits"]["hits"]]


def _title(hit: Mapping[str, Any]) -> str:
    """The colour, which stands behind a comma, is left out: four columns must fit a terminal."""
    title = hit["_source"]["title"].partition(",")[0]
    return f"{title} ({hit['_source']['price']:.0f})"
