"""benchmarks/vectors.py on a tiny folder: both places, on the server that the tests share."""

from uuid import uuid4

import pytest
from opensearchpy import OpenSearch

KEPT = [1.0, 0.5, 0.1, 0.01, 0.001]


@pytest.fixture
def server(opensearch_url, monkeypatch):
    monkeypatch.setenv("OPENSEARCH_URL", opensearch_url)
    with OpenSearch([opensearch_url]) as client:
        yield client


@pytest.mark.parametrize("made_up", [(), ("--size", "60")])
def test_both_places_have_a_row_of_every_condition(
    server, rows, benchmark, monkeypatch, judged, tmp_path, made_up
):
    store, name = tmp_path / "store", uuid4()
    monkeypatch.setattr(benchmark("vectors"), "uuid4", lambda: name)
    found = rows("vectors", judged, "--store", str(store), *made_up)
    assert [row["kept"] for row in found[::2]] == [row["kept"] for row in found[1::2]] == KEPT
    assert [row["vectors"] for row in found[:2]] == ["folder", "opensearch"]
    for row in found:
        assert row["recall@100"] == 1.0
        assert row["leg_p50_ms"] > 0 < row["search_p50_ms"]
        if row["vectors"] == "folder":
            assert row["leg_ratio"] == row["search_ratio"] == 1.0
    folder, cluster = found[:2]
    assert folder["store_bytes"] > cluster["store_bytes"]
    assert folder["engine_bytes"] < cluster["engine_bytes"]
    assert not list(store.glob("generations/benchmark-*"))
    assert server.indices.get(index=f"benchmark-vectors-{name.hex[:8]}*") == {}
