"""benchmarks/opensearch.py on a tiny folder: every system has its row, and nothing stays behind."""

import numpy as np
import pytest

SYSTEMS = [
    "plain",
    *("hybrid-min_max-10", "hybrid-min_max-depth100", "hybrid-min_max-depth200"),
    *("hybrid-l2-10", "hybrid-l2-depth100", "hybrid-l2-depth200"),
    *("endcap", "endcap-new", "endcap-shopper", "endcap-shopper-new"),
]  # fmt: skip
KEYS = ["system", "ndcg@10_oof", "p50_ms", "p99_ms", "added_p50_ms", "added_p99_ms"]


def test_every_system_has_its_row(rows, judged, server, benchmark, monkeypatch):
    monkeypatch.setattr(benchmark("native"), "WEIGHTS", (0.0, 0.5, 1.0))
    found = rows("opensearch", judged, "--repetitions", "1")
    assert [row["system"] for row in found] == SYSTEMS
    assert all(list(row) == KEYS and 0 < row["p50_ms"] <= row["p99_ms"] for row in found)
    by_name = {row["system"]: row for row in found}
    assert by_name["plain"]["added_p50_ms"] == by_name["plain"]["added_p99_ms"] == 0
    assert by_name["endcap"]["ndcg@10_oof"] == by_name["endcap-new"]["ndcg@10_oof"] == 1
    assert not server.left_behind()


def test_a_weight_is_chosen_on_the_training_queries_alone(benchmark, monkeypatch):
    """Of two queries, each is answered right by one weight only."""
    native, judgments = benchmark("native"), benchmark("opensearch").Judgments
    graded = judgments({"one": {"a": 1}, "two": {"b": 1}}, {"one": "", "two": ""})
    right = {0.2: "one", 0.7: "two"}

    def search(self, variant, weight, fields, text, *, source):
        shown = "a" if text == "one" else "b"
        return {"hits": {"hits": [{"_id": shown if right.get(weight) == text else "c"}]}}

    monkeypatch.setattr(native.Native, "search", search)
    tuned = native.Native(None, "index", {})
    chosen = [
        tuned.tune(native.VARIANTS[0], graded, graded.among([text]), ("title^1",))
        for text in ("one", "two")
    ]
    assert chosen == [0.2, 0.7]


def test_differences_are_those_of_one_turn(benchmark):
    took = {"plain": [1.0, 10.0, 2.0], "ours": [2.0, 9.0, 4.0]}
    row = benchmark("opensearch").make_row("ours", took, np.ones(3))
    assert (row["p50_ms"], row["added_p50_ms"]) == (4.0, 1.0)
    assert row["added_p99_ms"] == pytest.approx(1.98)
