"""`endcap evaluate` and `endcap tune`, as they are typed."""

import json

import pytest
import typer
from typer.testing import CliRunner

import endcap
from endcap.cli import evaluation
from endcap.exceptions import ConfigurationError, EvaluationError
from endcap.registry import TUNING, Registry
from endcap.tuning import Tuning


@pytest.fixture
def judgments(tmp_path):
    rows = ["split\tquery\tproduct\tgrade"]
    for number, (colour, thing) in enumerate(
        (c, t) for c in ("red", "blue") for t in ("sofa", "jacket", "lamp")
    ):
        shades, kinds = (
            ((0, 1), (2, 3))[colour == "blue"],
            {"sofa": 0, "jacket": 2, "lamp": 4}[thing],
        )
        split = "test" if number % 2 else "dev"
        rows += [
            f"{split}\t{colour} {thing}\tp{n:03}\t{3 if n // 6 % 4 in shades else 0}"
            for n in range(72)
            if n % 6 in (kinds, kinds + 1)
        ]
    path = tmp_path / "judgments.tsv"
    path.write_text("\n".join([*rows, "dev\tgreen sofa\tp000\t0"]) + "\n")
    return path


@pytest.fixture
def events(tmp_path):
    rows = ["user_id\tposition\tproduct_id"]
    for user in range(30):
        items = [f"p{user:03}", f"p{user + 36:03}", f"p{(user + 7) % 72:03}"]
        rows += [f"u{user}\t{n}\t{item}" for n, item in enumerate(items)]
    path = tmp_path / "events.tsv"
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def run(store, monkeypatch, tmp_path):
    """Runs a command on the toy shop's store: `run("tune", …)` → what it prints."""
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    for command in (evaluation.evaluate, evaluation.tune):
        app.command()(command)

    def typed(*arguments):
        given = [*map(str, arguments), "--store", str(store)]
        result = CliRunner(env={"COLUMNS": "160"}).invoke(app, given)
        if result.exception is not None:
            raise result.exception
        return result.output

    return typed


def test_evaluate_shows_the_systems_side_by_side(run, judgments, tmp_path):
    shown = run("evaluate", judgments, "--json", tmp_path / "rows.json")
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert [row["system"] for row in rows[:4]] == ["lexical", "vector", "fused", "reranked"]
    assert "reranked-lexical" in shown
    assert "6 queries; 1 without a relevant product are left out" in shown


def test_evaluate_takes_the_promoted_tuning(run, judgments, store, tmp_path):
    registry = Registry(store, "products")
    brand = Tuning(boosts={"brand": 1.0}, floor=1.0)  # no judged query names a brand
    registry.promote(registry.save_tuning(brand, {}))
    run("evaluate", judgments, "--json", tmp_path / "rows.json")
    lexical, *_ = json.loads((tmp_path / "rows.json").read_text())
    assert lexical["ndcg@10"] == 0


def test_evaluate_says_that_the_tuning_was_chosen_on_these_queries(run, judgments, tmp_path):
    said = "in-sample these queries chose the tuning"
    assert said not in run("evaluate", judgments)
    run("tune", judgments, "--no-folds", "--split", "dev")
    assert said in run("evaluate", judgments)
    assert said in run("evaluate", judgments, "--split", "dev")
    assert said not in run("evaluate", judgments, "--split", "test")
    other = tmp_path / "other.tsv"
    other.write_text(judgments.read_text() + "dev\tblue coat\tp001\t1\n")
    assert said not in run("evaluate", other)


def test_the_engine_alone_keeps_its_own_boosts(run, judgments, store, tmp_path):
    """The tuning's boosts find nothing; those kept for the engine alone find what is judged."""
    registry = Registry(store, "products")
    brand = Tuning(boosts={"brand": 1.0}, floor=1.0)
    facts = {"baseline_boosts": {"title": 1.0}}
    registry.promote(registry.save_tuning(brand, facts))
    run("evaluate", judgments, "--json", tmp_path / "rows.json")
    lexical, *_ = json.loads((tmp_path / "rows.json").read_text())
    assert lexical["ndcg@10"] > 0
    run("tune", judgments, "--no-folds")
    kept = registry.facts(registry.promoted()[TUNING])["baseline_boosts"]
    assert set(kept) == {"title", "brand"}


def test_only_one_split(run, judgments, tmp_path):
    run("evaluate", judgments, "--split", "test", "--json", tmp_path / "rows.json")
    (first, *_) = json.loads((tmp_path / "rows.json").read_text())
    assert (first["split"], first["queries"]) == ("test", 3)
    with pytest.raises(EvaluationError, match="no query of the split 'train'; it has dev, test"):
        run("evaluate", judgments, "--split", "train")


def test_tune_promotes_what_it_chose_and_says_what_it_is_worth(run, judgments, store):
    shown = run("tune", judgments)
    registry = Registry(store, "products")
    tuning = registry.tuning(registry.promoted()[TUNING])
    assert set(tuning.boosts) == {"title", "brand"}
    assert "oof" in shown
    assert "out-of-fold: each query is answered by what was chosen on the other folds" in shown
    with endcap.connect(store) as client:
        fields = client.text_query("red sofa", index="products")["multi_match"]["fields"]
    assert fields == [f"{name}^{boost:g}" for name, boost in tuning.boosts.items()]


def test_tune_without_folds_measures_nothing(run, judgments):
    assert "out-of-fold" not in run("tune", judgments, "--no-folds")


def test_too_few_queries_for_folds(run, tmp_path):
    path = tmp_path / "one.tsv"
    path.write_text("query\tproduct\tgrade\nred sofa\tp000\t3\nred sofa\tp001\t0\n")
    with pytest.raises(EvaluationError, match="1 judged queries .* too few for folds: pass --no"):
        run("tune", path)
    assert "is promoted" in run("tune", path, "--no-folds")


def test_tune_on_events_alone(run, events, store):
    shown = run("tune", "--events", events)
    registry = Registry(store, "products")
    tuning = registry.tuning(registry.promoted()[TUNING])
    assert tuning.weights["lexical"] + tuning.weights["text"] == pytest.approx(1, abs=1e-3)
    assert "searches made from events" in shown
    assert "co-occurrence is not counted yet; run: endcap train EVENTS" in shown


def test_judgments_know_boosts_and_floor_better_than_events(run, judgments, events, store):
    registry = Registry(store, "products")
    run("tune", judgments, "--no-folds")
    judged = registry.tuning(registry.promoted()[TUNING])
    run("tune", judgments, "--no-folds", "--events", events)
    both = registry.tuning(registry.promoted()[TUNING])
    assert (both.boosts, both.floor, both.fusion) == (judged.boosts, judged.floor, judged.fusion)
    assert both.weights["lexical"] == judged.weights["lexical"]
    assert both.weights["cooccurrence"] != judged.weights["cooccurrence"]


def test_nothing_to_tune_on(run):
    with pytest.raises(EvaluationError, match="pass judgments, --events or both"):
        run("tune")


def test_an_index_that_is_not_there(run, events):
    missing = "shoes has no live generation in .*; run: endcap reindex CATALOGUE --index shoes"
    with pytest.raises(ConfigurationError, match=missing):
        run("tune", "--events", events, "--index", "shoes")
