"""benchmarks/soak.py for a moment: a row of everything on each engine, with every field."""

import json

import pytest

FIELDS = ["what", "count", "errors", "empty", "lost", "p99_ms", "rss_mb_start", "rss_mb_end"]
DOES = ("search", "upsert", "reindex", "rollback")


@pytest.mark.parametrize("engine", ["embedded", "server"])
def test_everything_at_once(benchmark, model, server, tmp_path, engine):
    target = tmp_path / "rows.json"
    options = ["--seconds", "4", "--products", "60", "--model", model, "--engines", engine]
    benchmark("soak").main([*options, "--json", str(target)])
    rows = json.loads(target.read_text())
    assert [row["what"] for row in rows] == [f"{engine}.{does}" for does in DOES]
    for row in rows:
        assert list(row) == FIELDS
        assert row["count"] > 0
        assert row["errors"] == row["empty"] == row["lost"] == 0
        assert row["p99_ms"] > 0
        assert 20 < row["rss_mb_start"] < 2000 > row["rss_mb_end"] > 20
