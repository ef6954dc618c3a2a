import json

import pytest

from endcap.evaluation.systems import SYSTEMS
from endcap.registry import TUNING, Registry
from endcap.tuning import Tuning
from endcap_indexer.catalogue import digest_of

JUDGED = (("red sofa", 0), ("navy lamp", 22), ("crimson coat", 9), ("blue light", 17))


@pytest.fixture
def judgments(folder):
    """Two queries of the split dev, two of test, and one without a relevant product."""
    lines = ["split\tquery\tproduct\tgrade"]
    for number, (query, row) in enumerate(JUDGED):
        split = "dev" if number % 2 else "test"
        lines += [f"{split}\t{query}\tp{row:03}\t2", f"{split}\t{query}\tp{row + 1:03}\t0"]
    lines += ["test\tnothing\tp001\t0"]
    path = folder / "judgments.tsv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def events(write_rows):
    """Shoppers who stay with one brand: three couches each, the last but one after a text."""
    rows = [
        {"user": f"u{user}", "item": f"p{6 * step + user % 6:03}", "query": "sofa"}
        for user in range(12)
        for step in range(4)
    ]
    return write_rows("events.jsonl", rows)


def test_systems_are_compared_side_by_side(shop, judgments, folder):
    said = shop("evaluate", "judgments.tsv", "--json", "rows.json").stdout
    assert "4 queries; 1 without a relevant product are left out." in said
    rows = json.loads((folder / "rows.json").read_text())
    assert [row["system"] for row in rows[: len(SYSTEMS)]] == list(SYSTEMS)
    assert {row["split"] for row in rows} == {"all"}
    assert all(system in said for system in SYSTEMS)


def test_a_split_is_evaluated_alone(shop, judgments, folder):
    shop("evaluate", "judgments.tsv", "--split", "dev", "--json", "rows.json")
    rows = json.loads((folder / "rows.json").read_text())
    assert (rows[0]["split"], rows[0]["queries"]) == ("dev", 2)


def test_a_split_that_is_not_there(shop, judgments):
    said = shop("evaluate", "judgments.tsv", "--split", "train", code=1).stderr
    assert said.endswith("has no query of the split 'train'; it has dev, test\n")


def test_a_tuning_is_promoted_and_says_what_made_it(shop, store, judgments):
    said = shop("tune", "judgments.tsv", "--split", "test", "--no-folds").stdout
    assert "out-of-fold" not in said
    assert "tuning-000001 is promoted" in said
    assert "but co-occurrence is not counted yet" in said
    registry = Registry(store, "products")
    assert registry.promoted() == {TUNING: "tuning-000001"}
    tuned = registry.tuning("tuning-000001")
    assert set(tuned.boosts) == {"title", "brand"}
    folder = store / "artefacts/products/tuning-000001"
    made = json.loads((folder / "manifest.json").read_text())["made_by"]
    assert made["split"] == "test"
    assert made["judgments"] == {"file": "judgments.tsv", "digest": digest_of([judgments])}


def test_a_tuning_is_measured_out_of_fold(shop, judgments, folder):
    said = shop("tune", "judgments.tsv", "--json", "rows.json").stdout
    assert "out-of-fold: each query is answered by what was chosen on the other folds" in said
    assert {row["split"] for row in json.loads((folder / "rows.json").read_text())} == {"oof"}


def test_weights_are_fitted_on_events(shop, store, events):
    shop("train", "events.jsonl", "--no-model")
    said = shop("tune", "--events", "events.jsonl").stdout
    assert "searches made from events: NDCG@10" in said
    assert "not counted yet" not in said
    assert Registry(store, "products").promoted()[TUNING] == "tuning-000001"


@pytest.mark.torch
def test_the_weight_of_a_promoted_model_is_fitted_with_one_that_does_not_know_the_answers(
    shop, store, write_rows
):
    kinds = [[n for n in range(72) if n % 6 // 2 == kind] for kind in range(3)]
    rows = [
        {"user": f"u{user}", "item": f"p{kinds[user % 3][(user + 5 * step) % 24]:03}"}
        for user in range(30)
        for step in range(5)
    ]
    write_rows("many.jsonl", rows)
    quick = ("--encoder", "mean", "--dimension", "8", "--epochs", "3", "--device", "cpu")
    shop("train", "many.jsonl", *quick)
    registry = Registry(store, "products")
    registry.promote("model-000001", force=True)
    said = shop("tune", "--events", "many.jsonl").stdout
    assert "training a model like model-000001 that does not know the answers" in said
    weights = registry.tuning("tuning-000001").weights
    assert weights.keys() == Tuning().weights.keys()
    assert weights["model"] != Tuning().weights["model"]
    assert registry.promoted()["model"] == "model-000001"
    shop("tune", "--events", "many.jsonl", "--no-model")
    assert registry.tuning("tuning-000002").weights["model"] == Tuning().weights["model"]


def test_weights_are_fitted_on_the_engine_s_own_events(shop, store, events):
    for line in events.read_text().splitlines()[:60]:
        row = json.loads(line)
        shop("record", row["item"], "--user", row["user"], "--query", "red sofa")
    said = shop("tune", "--from-engine", "--no-model").stdout
    assert "searches made from events: NDCG@10" in said
    made_of = Registry(store, "products").facts("tuning-000001")["events"]
    assert made_of["index"] == "ubi_events" and len(made_of["digest"]) == 64


def test_events_come_from_files_or_from_the_engine(shop, events):
    said = shop("tune", "--events", "events.jsonl", "--from-engine", code=1).stderr
    assert said == "error --events and --from-engine: pass one of them\n"


def test_a_budget_does_not_cut_a_measurement_short(shop, judgments, folder):
    with (folder / "endcap.toml").open("a") as file:
        file.write("[search]\nbudget_ms = 0.001\n")
    assert "4 queries" in shop("evaluate", "judgments.tsv").stdout
