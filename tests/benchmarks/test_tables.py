"""benchmarks/tables.py on a tiny folder."""

import numpy as np
import pytest


@pytest.mark.torch
def test_each_kind_of_table_is_measured(rows, visited):
    found = rows("tables", visited, "--epochs", "2")
    assert [row["table"] for row in found] == ["float32", "float16", "int8"]
    assert [row["bytes_of_product"] for row in found] == [256, 128, 68]
    assert found[0]["overlap@10"] == 1
    for row in found:
        assert 0 <= row["ndcg@10"] <= row["hr@10"] <= 1
        assert row["p50_ms_200"] > 0
        assert row["overlap@10"] > 0.5


@pytest.mark.parametrize(("name", "worst"), [("Float32", 0), ("Float16", 1e-3), ("Int8", 1e-2)])
def test_a_table_holds_what_it_was_made_of(benchmark, name, worst):
    vectors = np.random.default_rng(0).standard_normal((50, 16)).astype(np.float32)
    vectors[7] = np.nan
    table = getattr(benchmark("tables"), name).of(vectors)
    found = table.vectors(np.array([7, 3, 40]))
    assert np.isnan(found[0]).all()
    lengths = np.abs(vectors[[3, 40]]).max()
    np.testing.assert_allclose(found[1:], vectors[[3, 40]], atol=2 * worst * lengths)
