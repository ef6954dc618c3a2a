"""benchmarks/parity.py on a tiny folder: both engines give the same hits in the same order."""


def test_all_queries_have_the_same_hits(rows, judged, opensearch_url, monkeypatch):
    monkeypatch.setenv("OPENSEARCH_URL", opensearch_url)
    found = rows("parity", judged)
    kinds = ["match", "best_fields", "most_fields", "cross_fields"]
    assert [(row["analyzer"], row["index"], row["query"]) for row in found] == [
        (analyzer, index, kind)
        for analyzer in ("english", "standard")
        for index in ("fresh", "changed")
        for kind in kinds
    ]
    for row in found:
        assert row["queries"] == 12
        assert row["overlap@10"] >= 0.99
        if row["index"] == "fresh":
            assert row["same"] == 12
            assert row["score_difference"] < 1e-5


def test_what_is_compared(benchmark):
    parity = benchmark("parity")
    one, other = {"a": 2.0, "b": 1.0, "c": 1.0}, {"b": 2.0, "a": 2.0, "d": 1.0}
    assert parity.overlap(one, other, 2) == 1.0
    assert parity.overlap(one, other, 3) == 2 / 3
    assert parity.overlap({}, {}, 10) == 1.0
    assert parity.overlap({}, one, 10) == 0.0
    assert parity.difference(one, other) == 1.0
