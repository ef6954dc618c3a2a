"""`endcap train --continue`."""

from datetime import UTC, datetime

import pytest

from endcap.registry import Registry
from endcap.training import Trainer
from endcap_reranker import InteractionsError

pytestmark = pytest.mark.torch
QUICK = ("--encoder", "mean", "--dimension", "8", "--epochs", "30", "--device", "cpu")


@pytest.fixture
def few(write_rows):
    return write_rows("few.jsonl", [{"user": "ada", "item": "p000"}])


def timed(rows, after):
    """All users' first events, then all users' second ones …; the last row is the last event."""
    users = len(rows) // 5
    return [{**row, "timestamp": after + n % 5 * users + n // 5 + 1} for n, row in enumerate(rows)]


def ubi_lines(rows):
    """A bulk request of UBI events."""
    for row in rows:
        yield {"index": {"_index": "ubi_events"}}
        time = datetime.fromtimestamp(row["timestamp"], UTC).isoformat()
        said = {"object": {"object_id": row["item"]}}
        yield {"client_id": row["user"], "timestamp": time, "event_attributes": said}


def test_a_promoted_model_is_trained_on_with_new_events_alone(
    shop, store, many, write_rows, rows_of
):
    shop("train", "many.jsonl", *QUICK)
    new = [{**row, "user": f"new {row['user']}"} for row in rows_of(30, seed=1)]
    write_rows("new.jsonl", [*new, {"user": "u0", "item": "fresh"}, {"user": "u0", "item": "p000"}])
    said = shop("train", "new.jsonl", "--continue", "--device", "cpu", "--epochs", "2").stdout
    assert "model-000002 is " in said and "cooccurrence" not in said
    registry = Registry(store, "products")
    facts = registry.facts("model-000002")
    assert facts["continues"] == "model-000001"
    assert (facts["interactions"], facts["training"]["epochs"]) == (152, 2)
    before, after = (registry.model(f"model-00000{n}").item_ids.tolist() for n in (1, 2))
    assert b"fresh" in set(after) - set(before) and set(before) < set(after)


def test_of_the_engine_s_events_only_those_after_the_model_s_own_are_new(
    shop, store, write_rows, rows_of, client
):
    old = timed(rows_of(60), 0)
    write_rows("old.jsonl", old)
    shop("train", "old.jsonl", *QUICK)
    shop("promote", "model-000001", "--force")
    until = Registry(store, "products").facts("model-000001")["until"]
    last = old[-1]["timestamp"]
    assert datetime.fromisoformat(until).timestamp() == last
    client.bulk(body=list(ubi_lines([*old[-30:], *timed(rows_of(20, seed=1), last)])))
    client.indices.refresh(index="ubi_events")
    said = shop("train", "--from-engine", "--continue", "--device", "cpu").stdout
    assert said.startswith(f"only events after {until} are read\n")
    assert Registry(store, "products").facts("model-000002")["interactions"] == 100


@pytest.mark.parametrize("given", [("--encoder", "gru"), ("--no-text",), ("--no-model",)])
def test_what_would_be_another_model_is_not_continued(shop, few, given):
    said = shop("train", "few.jsonl", "--continue", *given, code=1).stderr
    assert said.startswith(
        f"error {given[0]}: --continue trains the promoted model as it is; leave"
    )


def test_without_a_model_there_is_nothing_to_continue(shop, few):
    said = shop("train", "few.jsonl", "--continue", code=1).stderr
    assert said.startswith("error no model of products is promoted; train one without --continue")


def test_a_tuning_trains_anew_what_was_continued_on_another_machine(shop, store, many, monkeypatch):
    """Not for a few epochs only, and wherever this machine computes."""
    shop("train", "many.jsonl", *QUICK)
    registry, plain = Registry(store, "products"), Registry.facts
    few = {"continues": "model-000000", "training": {"epochs": 10, "device": "cuda"}}
    monkeypatch.setattr(Registry, "facts", lambda self, name: {**plain(self, name), **few})
    registry.promote("model-000001", force=True)
    asked = []

    def train(self, interactions, configuration, training, on_progress):
        asked.append((training.epochs, training.patience, training.device))
        raise InteractionsError("no more is asked")

    monkeypatch.setattr(Trainer, "train", train)
    shop("tune", "--events", "many.jsonl", code=1)
    assert asked == [(100, 3, "auto")]
