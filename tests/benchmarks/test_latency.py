"""benchmarks/latency.py on a tiny folder: every stage, and no column that is empty."""

import numpy as np
import pytest
from rich.console import Console

STAGES = [
    ("lexical", 200),
    ("faiss", 200),
    ("rerank", 100),
    ("rerank", 200),
    ("rerank", 500),
    *(
        (f"{stage}{library}", n)
        for stage, n in (("state gru", 50), ("state attention", 50), ("step gru", 1))
        for library in ("", ", torch")
    ),
    *(
        (f"score {interaction}{library}", n)
        for interaction in ("dot", "mlp")
        for n in (200, 500)
        for library in ("", ", torch")
    ),
    ("search-new", 200),
    ("search-known", 200),
    ("record", 1),
]


@pytest.mark.torch
def test_every_stage_has_its_row(rows, judged):
    *timed, memory = rows("latency", judged)
    assert [(row["stage"], row["n"]) for row in timed] == STAGES
    assert all(0 < row["p50_ms"] <= row["p99_ms"] for row in timed)
    assert memory["stage"] == "memory"
    assert 50 < memory["mb"] < 1000


@pytest.fixture
def made(data, benchmark, model):
    shop = benchmark("shop").open_shop(data, None, model, Console(quiet=True))
    with benchmark("latency").make_bench(shop) as bench:
        yield bench


def test_queries_are_made_of_titles_where_nobody_judged(made):
    assert made.queries[:2] == ("red sofa", "red lamp")
    assert len(set(made.queries)) == len(made.queries)


def test_no_column_is_empty(made, benchmark):
    latency = benchmark("latency")
    with made.shop.open() as client:
        for item in made.history:
            client.record(user=latency.USER, item=item)
        body = {
            "query": client.text_query("red sofa", index="products"),
            "ext": {"endcap": {"explain": True}},
        }
        answer = client.search(body, "products", user=latency.USER)
    explained = answer["ext"]["endcap"]["explanations"]
    assert len(made.history) == 50
    for name in ("lexical", "text", "history", "cooccurrence", "popularity"):
        assert any(each["columns"][name] for each in explained), name


def test_the_events_are_always_the_same_200_000(benchmark):
    synthetic = benchmark("synthetic")
    ids = [f"p{number}" for number in range(500)]
    one, other = (synthetic.make_interactions(ids) for _ in range(2))
    assert len(one) == 200_000
    assert np.array_equal(one.items, other.items)
    assert not np.array_equal(one.items, synthetic.make_interactions(ids, seed=1).items)


def test_the_shop_is_left_without_events_and_artefacts(made, data, tmp_path):
    (store,) = (tmp_path / ".cache" / "benchmarks").iterdir()
    assert made.shop.store != store
    assert not (store / "artefacts").exists()


def test_percentiles_are_of_every_call(benchmark):
    row = benchmark("latency").timed("sleep", 3, lambda each: None, range(50))
    assert set(row) == {"stage", "n", "p50_ms", "p99_ms"}
    assert 0 <= row["p50_ms"] <= row["p99_ms"] < 1
