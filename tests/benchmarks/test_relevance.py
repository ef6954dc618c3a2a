"""benchmarks/relevance.py on a tiny folder: every row that is promised, with every number."""

import math

import pytest

COLUMNS = {"ndcg@10", "judged@10", "recall@100", "mrr", "rerank_ndcg@10"}
SYSTEMS = {"lexical", "vector", "fused", "reranked"}


def test_rows_of_every_system_and_split(rows, judged):
    found = rows("relevance", judged)
    measured = [row for row in found if row["system"] in SYSTEMS]
    assert {(row["system"], row["split"]) for row in measured} == {
        (system, split) for system in SYSTEMS for split in ("oof", "test", "all")
    }
    for row in measured:
        assert all(0 <= row[name] <= 1 and math.isfinite(row[name]) for name in COLUMNS)
    assert all(row["ndcg@10"] == 1 for row in measured if row["system"] == "fused")
    differences = {row["split"]: row for row in found if row["system"] == "reranked-lexical"}
    assert set(differences) == {"oof", "test", "all"}
    assert (
        differences["oof"]["low"] <= differences["oof"]["difference"] <= differences["oof"]["high"]
    )


def test_without_a_split_there_is_only_the_out_of_fold_figure(rows, judged):
    text = (judged / "judgments.tsv").read_text()
    lines = [line.partition("\t")[2] for line in text.splitlines()]
    (judged / "judgments.tsv").write_text("\n".join(lines) + "\n")
    assert {row["split"] for row in rows("relevance", judged)} == {"oof"}


def test_the_catalogue_is_indexed_once(rows, judged, tmp_path, capsys):
    rows("relevance", judged)
    (store,) = (tmp_path / ".cache" / "benchmarks").iterdir()
    before = sorted(path.name for path in (store / "generations").iterdir())
    rows("relevance", judged)
    assert sorted(path.name for path in (store / "generations").iterdir()) == before


def test_the_store_may_be_named(rows, judged, tmp_path):
    rows("relevance", judged, "--store", str(tmp_path / "kept"))
    assert (tmp_path / "kept" / "generations").is_dir()
    assert not (tmp_path / ".cache").exists()


def test_a_folder_without_judgments_is_said_to_have_none(rows, data, capsys):
    with pytest.raises(SystemExit, match="1"):
        rows("relevance", data)
    assert "has no judgments file" in capsys.readouterr().err.replace("\n", " ")
