from io import StringIO

import pytest
from rich.console import Console

from endcap.demo import SHOPPERS
from endcap.demo.comparison import Product, Rise, compare, show_comparison, show_legend

INES = SHOPPERS[0]
CONTRIBUTIONS = {
    "c": {"lexical": 0.5, "history": 0.2, "cooccurrence": 0.1},
    "a": {"lexical": 0.6, "history": 0.004},
    "d": {"lexical": 0.1, "history": 0.3, "cooccurrence": 0.0},
}


class Shop:
    """Answers as the client does: nobody sees a before b before c, ines c before a before d."""

    def text_query(self, text, *, index):
        return {"match": {"title": text}}

    def search(self, body, index, *, user=None, endcap=True):
        order = "ba" if not endcap else "abc" if user is None else "cad"
        source = {"title": "Mug [/b], Red", "price": 4.9}
        answer = {"hits": {"hits": [{"_id": id, "_source": source} for id in order]}}
        if user is not None:
            assert body["ext"]["endcap"]["explain"]
            said = [{"_id": id, "contributions": CONTRIBUTIONS[id]} for id in order]
            answer["ext"] = {"endcap": {"explanations": said}}
        return answer


@pytest.fixture
def comparison():
    return compare(Shop(), "products", "mug", [INES])


def written(show) -> str:
    console = Console(file=StringIO(), width=80, emoji=False, highlight=False)
    show(console)
    return console.file.getvalue()


def test_orders_side_by_side(comparison):
    ids = {name: [each.id for each in products] for name, products in comparison.orders.items()}
    assert ids == {"plain": ["b", "a"], "fused": ["a", "b", "c"], "for ines": ["c", "a", "d"]}


def test_what_rose_is_what_stands_further_up_than_for_nobody(comparison):
    title = "Mug [/b]"
    assert comparison.rises["ines"] == [
        Rise(Product("c", title, 4.9), 3, 1, {"history": 0.2, "cooccurrence": 0.1}),
        Rise(Product("d", title, 4.9), None, 3, {"history": 0.3}),
    ]


def test_the_table_and_the_reasons(comparison):
    lines = written(lambda console: show_comparison(console, comparison)).splitlines()
    cells = [" ".join(line.split()) for line in lines]
    assert cells[1:] == [
        "“mug”",
        "plain fused for ines",
        "1 Mug [/b] (5) Mug [/b] (5) Mug [/b] (5)",
        "2 Mug [/b] (5) Mug [/b] (5) Mug [/b] (5)",
        "3 Mug [/b] (5) Mug [/b] (5)",
        "rose for place alike together",
        "ines 3 → 1 Mug [/b] +0.20 +0.10",
        "ines 100+ → 3 Mug [/b] +0.30",
    ]


def test_the_legend_says_who_a_shopper_is():
    said = written(lambda console: show_legend(console, [INES]))
    assert f"for ines who {INES.about}" in " ".join(said.split())
