"""benchmarks/filters.py on a tiny folder, where everything that is allowed can be found."""

import gzip
import json

import pytest
from rich.console import Console

KEPT = [0.5, 0.1, 0.01, 0.001]


@pytest.fixture
def priced(data):
    """The price of product number n is n."""
    file = data / "products.jsonl.gz"
    products = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    lines = (json.dumps({**each, "price": float(n)}) + "\n" for n, each in enumerate(products))
    file.write_bytes(gzip.compress("".join(lines).encode()))
    return data


def assert_complete(found):
    assert [row["kept"] for row in found] == KEPT
    assert [row["recall@100"] for row in found] == [1.0] * len(KEPT)
    assert all(set(row) == {"kept", "recall@100", "p50_ms"} and row["p50_ms"] > 0 for row in found)


def test_everything_is_found_in_a_small_catalogue(rows, priced):
    assert_complete(rows("filters", priced, "--embedded"))


def test_on_a_server_that_is_left_as_it_was(rows, judged, server):
    assert_complete(rows("filters", judged))
    assert not server.left_behind()


@pytest.mark.parametrize(("kept", "products"), [(0.5, 24), (0.1, 5), (0.001, 1)])
def test_a_condition_keeps_the_share_it_says(priced, benchmark, model, kept, products):
    filters, shop = benchmark("filters"), benchmark("shop")
    opened = shop.open_shop(priced, None, model, Console(quiet=True))
    with filters.open_filtered(opened, Console(quiet=True), embedded=True) as filtered:
        condition = filters.condition_of(opened, filtered.generation, kept)
        assert "price" in condition["range"]
        assert filtered.allowed(condition).tolist() == list(range(products))


def test_what_is_missed_lowers_the_recall(priced, benchmark, model, monkeypatch):
    filters, shop = benchmark("filters"), benchmark("shop")
    opened = shop.open_shop(priced, None, model, Console(quiet=True))
    with filters.open_filtered(opened, Console(quiet=True), embedded=True) as filtered:
        condition = {"range": {"price": {"lt": 12}}}  # sofas, lamps and coats, four of each
        allowed = filtered.allowed(condition)
        search = filters.Filtered.search
        text = next(text for text in filtered.vectors if "sofa" in text)
        assert filtered.recall(text, condition, allowed) == 1

        def forget_the_best(*asked, **options):
            answer = search(*asked, **options)
            del answer["hits"]["hits"][:3]
            return answer

        monkeypatch.setattr(filters.Filtered, "search", forget_the_best)
        assert filtered.recall(text, condition, allowed) == 9 / 12
