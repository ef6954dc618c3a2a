"""Cold products and shoppers: benchmarks/cold.py on a tiny folder."""

import gzip

import numpy as np
import pytest
from rich.console import Console


@pytest.mark.torch
def test_cold_products_are_hidden_from_training(rows, visited):
    found = rows("personal", visited, "--protocol", "A", "--cold", "0.2", "--epochs", "2")
    assert [(row["slice"], row["pool"], row["calibrated"]) for row in found] == [
        (*asked, calibrated)
        for calibrated in (False, True)
        for asked in (("cold", "full"), ("cold", "cold"), ("warm", "full"), ("shopper", "full"))
    ]
    searches = {row["slice"]: row["searches"] for row in found}
    assert 0 < searches["cold"] < searches["warm"]
    for row in found:
        assert row["low"] <= row["recall@20"] <= row["high"]


@pytest.mark.torch
def test_a_hidden_product_that_the_catalogue_lacks_makes_no_other_one_cold(
    visited, benchmark, model
):
    with gzip.open(visited / "products.jsonl.gz", "at") as file:
        file.write('{"id": "last", "title": "red sofa"}\n')
    with gzip.open(visited / "interactions.tsv.gz", "at") as file:
        file.writelines(f"u{user}\t-1\tgone\n" for user in range(9))
    quiet = Console(quiet=True)
    shop = benchmark("shop").open_shop(visited, None, model, quiet)
    trainer = benchmark("recommendation").open_experiment(shop, 1, None, quiet).trainer
    hidden = benchmark("cold").Hidden.draw(trainer, 1.0)
    asked = set(trainer.interactions.item_ids.tolist())
    cold = {id.encode() for id in trainer.generation.ids(np.flatnonzero(hidden.products))}
    assert b"gone" in asked and cold == asked - {b"gone"}


def test_an_interval_is_the_formula_of_wilson(benchmark):
    interval = benchmark("cold").interval
    low, high = interval(10, 100)
    for bound in (low, high):
        deviation = np.sqrt(bound * (1 - bound) / 100)
        assert abs(0.1 - bound) == pytest.approx(1.96 * deviation, abs=1e-4)
    assert interval(0, 0) == (0.0, 1.0)
