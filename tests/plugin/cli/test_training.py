import json
from uuid import uuid4

import numpy as np
import pytest

import endcap
from endcap import training
from endcap.registry import COOCCURRENCE, MODEL, Registry
from endcap_indexer.catalogue import digest_of

PAIRS = [("ada", "p000"), ("ada", "p001"), ("bob", "p000"), ("bob", "p001"), ("cy", "p005")]
QUICK = ("--encoder", "mean", "--dimension", "8", "--epochs", "3", "--device", "cpu")


@pytest.fixture
def events(write_rows):
    rows = [{"user": user, "item": item, "action": "purchase"} for user, item in PAIRS]
    return write_rows("events.jsonl", rows)


def test_events_become_a_promoted_artefact_that_a_search_uses(shop, store, events):
    said = shop("train", "events.jsonl", "--no-model").stdout
    assert said == ("cooccurrence-000001 is promoted: 5 events of 3 shoppers on 3 products\n")
    assert Registry(store, "products").promoted() == {COOCCURRENCE: "cooccurrence-000001"}
    shop("record", "p000", "--user", "eve")
    said = shop("search", "red couch", "--user", "eve").stdout  # p001 goes with p000
    below = said[said.index("p001") :].splitlines()[1]
    assert "cooccurrence" in below


def test_an_artefact_says_what_made_it(shop, store, events):
    shop("train", "events.jsonl", "--no-model")
    folder = store / "artefacts/products/cooccurrence-000001"
    made = json.loads((folder / "manifest.json").read_text())["made_by"]
    assert made.pop("created").endswith("+00:00")
    assert made == {
        "interactions": 5,
        "shoppers": 3,
        "products": 3,
        "bad_rows": 0,
        "left_out": {},
        "unknown": {"products": 0, "events": 0},
        "version": "0.1.0",
        "events": {"file": "events.jsonl", "digest": digest_of([events])},
    }


def test_bad_events_are_named_and_skipped(shop, write_rows):
    good = [{"user": user, "item": item} for user, item in PAIRS]
    write_rows("events.jsonl", [*good, {"user": "ada"}, "{", {**good[0], "action": "[hum]"}])
    said = shop("train", "events.jsonl", "--no-model").stdout
    assert "skipped events.jsonl:6: item: missing" in said
    assert "skipped events.jsonl:7: is not JSON" in said
    assert "skipped events.jsonl:8: action: '[hum]' has no weight" in said
    assert "left out 1 action: no weight\nleft out 1 item: missing\n" in said
    assert said.endswith("5 events of 3 shoppers on 3 products, 3 bad rows\n")


def test_a_file_without_a_good_event_promotes_nothing(shop, store, write_rows):
    write_rows("events.jsonl", ["{"])
    failed = shop("train", "events.jsonl", "--no-model", code=1)
    assert "no event: every row was bad" in failed.stderr
    assert Registry(store, "products").promoted() == {}


def test_products_that_the_catalogue_has_not_are_counted(shop, store, write_rows):
    rows = [{"user": user, "item": item} for user, item in [*PAIRS, ("ada", "x"), ("bob", "x")]]
    write_rows("events.jsonl", rows)
    said = shop("train", "events.jsonl", "--no-model").stdout
    assert "but 1 products with 2 events are not in the catalogue\n" in said
    facts = Registry(store, "products").facts("cooccurrence-000001")
    assert facts["unknown"] == {"products": 1, "events": 2}


def test_how_events_are_read_is_an_option(shop, store, write_rows):
    day = 86_400
    rows = [
        {"user": "ada", "item": "p000", "action": "rent", "time": 0},
        {"user": "ada", "item": "p001", "time": 10 * day},
        *({"user": "bot", "item": f"p{n:03}", "time": n} for n in range(5)),
    ]
    write_rows("events.jsonl", rows)
    options = ("--weight", "rent=4", "--half-life", "10", "--bots", "4", "--session-gap", "30")
    said = shop("train", "events.jsonl", "--no-model", *options).stdout
    assert "left out 1 bots\nleft out 5 events of bots\n" in said
    assert "2 events of 2 shoppers on 2 products" in said
    counted = Registry(store, "products").cooccurrence("cooccurrence-000001")
    assert counted.popularity[0] == pytest.approx(2 * 0.5 ** (10 / 90), rel=1e-4)


@pytest.mark.parametrize("given", ["rent", "rent=", "=2", "rent=-1", "rent=nan", "rent=inf"])
def test_a_weight_that_is_none_is_refused(shop, events, given):
    said = shop("train", "events.jsonl", "--no-model", "--weight", given, code=1).stderr
    assert said == f"error --weight {given}: it takes an action and a number: rent=2\n"


@pytest.mark.parametrize("arguments", [(), ("events.jsonl", "--from-engine")])
def test_events_come_from_files_or_from_the_engine(shop, events, arguments):
    said = shop("train", *arguments, "--no-model", code=1).stderr
    assert said == "error pass files of events, or --from-engine to read the engine's\n"


def test_the_engine_s_own_events_are_counted(shop, store):
    for user, item in PAIRS:
        shop("record", item, "--user", user)
    said = shop("train", "--from-engine", "--no-model").stdout
    assert said == ("cooccurrence-000001 is promoted: 5 events of 3 shoppers on 3 products\n")
    facts = Registry(store, "products").facts("cooccurrence-000001")
    assert facts["events"]["index"] == "ubi_events"
    assert len(facts["events"]["digest"]) == 64
    assert facts["until"].endswith("+00:00")


# The model


def test_without_torch_it_is_said_what_to_type(shop, store, events, monkeypatch):
    monkeypatch.setattr(training.importlib.util, "find_spec", lambda name: None)
    said = shop("train", "events.jsonl", code=1).stderr
    assert said == (
        "error a model needs torch: pip install 'endcap[train]', or pass --no-model to count"
        " co-occurrence alone\n"
    )
    assert Registry(store, "products").promoted() == {}


@pytest.mark.torch
def test_a_model_is_trained_kept_and_promoted(shop, store, many):
    said = shop("train", "many.jsonl", *QUICK, "--epochs", "30").stdout
    registry = Registry(store, "products")
    assert registry.promoted() == {COOCCURRENCE: "cooccurrence-000001", MODEL: "model-000001"}
    assert "model-000001 is promoted: " in said
    assert "validation NDCG@10: model 0." in said
    facts = registry.facts("model-000001")
    assert (facts["encoder"], facts["shoppers"]) == ("mean", 60)
    assert facts["events"] == {"file": "many.jsonl", "digest": digest_of([many])}
    assert facts["metrics"]["model"] > max(facts["metrics"]["baselines"].values())
    folder = registry.folder / "model-000001"
    run = json.loads((folder / "run.json").read_text())
    assert run["epochs"][0].keys() >= {"loss", "ndcg@10", "seconds"}
    assert (folder / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (store / "item_vectors" / "products-000001.model-000001").is_dir()
    assert not (store / "training" / "products").exists()
    shop("record", "p000", "--user", "eve")
    assert "model 0." in shop("search", "sofa", "--user", "eve").stdout


@pytest.mark.torch
def test_a_seed_makes_the_same_model_again(shop, store, many):
    for _ in range(2):
        shop("train", "many.jsonl", *QUICK, "--seed", "3")
    shop("train", "many.jsonl", *QUICK, "--seed", "4")
    registry = Registry(store, "products")
    first, again, other = (registry.model(f"model-00000{n}").parameters for n in (1, 2, 3))
    np.testing.assert_array_equal(first["items.id"], again["items.id"])
    assert not np.array_equal(first["items.id"], other["items.id"])


@pytest.mark.torch
def test_a_model_that_is_no_better_is_kept_and_not_promoted(shop, store, many, monkeypatch):
    monkeypatch.setattr(
        "endcap.registry.why_not_better", lambda facts: facts.get("metrics") and "it is worse"
    )
    said = shop("train", "many.jsonl", *QUICK).stdout
    assert "model-000001 is kept: 3 epochs" in said
    assert "but model-000001 is not promoted: it is worse; train on more events, or pass" in said
    assert Registry(store, "products").promoted() == {COOCCURRENCE: "cooccurrence-000001"}


@pytest.mark.torch
def test_an_interrupted_training_goes_on_where_it_stopped(shop, store, many, monkeypatch):
    plain, epochs = training.train, []

    def interrupt(*arguments, on_checkpoint, **options):
        def count(checkpoint):
            on_checkpoint(checkpoint)
            epochs.append(len(checkpoint.record["epochs"]))
            if len(epochs) == 2:
                raise KeyboardInterrupt

        return plain(*arguments, on_checkpoint=count, **options)

    with monkeypatch.context() as patch:
        patch.setattr(training, "train", interrupt)
        stopped = shop("train", "many.jsonl", *QUICK, code=130)
        assert "the same command goes on where it stopped" in stopped.stderr
        shop("train", "many.jsonl", *QUICK)
    assert epochs[:3] == [1, 2, 3]
    shop("train", "many.jsonl", *QUICK)
    registry = Registry(store, "products")
    resumed, whole = (registry.model(f"model-00000{n}").parameters for n in (1, 2))
    np.testing.assert_array_equal(resumed["items.id"], whole["items.id"])


@pytest.mark.torch
def test_a_device_that_there_is_not_is_named_before_anything_is_done(shop, store, events):
    said = shop("train", "events.jsonl", "--device", "gpu", code=1).stderr
    assert said == "error there is no device 'gpu'; it takes auto, cpu, cuda\n"
    assert Registry(store, "products").promoted() == {}


@pytest.mark.torch
def test_too_few_events_make_no_model_and_that_is_said(shop, store, write_rows):
    write_rows("few.jsonl", [{"user": "ada", "item": "p000"}])
    said = shop("train", "few.jsonl", *QUICK).stdout
    assert "but no model is trained: no user has two products" in said
    assert Registry(store, "products").promoted() == {COOCCURRENCE: "cooccurrence-000001"}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--encoder", "there is no encoder 'x'; it takes "),
        ("--interaction", "there is no interaction 'x'"),
        ("--loss", "there is no loss 'x'"),
    ],
)
def test_a_choice_that_there_is_not_is_named_before_anything_is_done(
    shop, store, events, option, said
):
    assert shop("train", "events.jsonl", option, "x", code=1).stderr.startswith(f"error {said}")
    assert Registry(store, "products").promoted() == {}


@pytest.mark.torch
def test_texts_are_read_from_the_cluster_too(run, store, many, opensearch_url):
    """And the next generation is prepared for the model."""
    index = user = f"training-{uuid4().hex[:12]}"
    there = ("--index", index, "--engine", opensearch_url, "--store", store)
    try:
        run("reindex", "catalogue.jsonl", "--vectors", "opensearch", *there)
        said = run("train", "many.jsonl", *QUICK, "--epochs", "30", *there).stdout
        assert "model-000001 is promoted: " in said
        configuration = Registry(store, index).model("model-000001").configuration
        assert configuration.text_dimension > 0
        run("reindex", "catalogue.jsonl", "--vectors", "opensearch", "--force", *there)
        names = {f"{index}-00000{number}.model-000001" for number in (1, 2)}
        assert names == {path.name for path in (store / "item_vectors").glob(f"{index}-*")}
        run("record", "p000", "--user", user, *there[2:])
        assert "model 0." in run("search", "sofa", "--user", user, *there).stdout
    finally:
        with endcap.connect(opensearch_url, store=store) as client:
            client.forget(user=user)
            client.indices.delete(index=f"{index}-*")
