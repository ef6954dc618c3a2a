"""A promoted user-item model in a search: toys whose right order is known."""

import threading
import time

import numpy as np
import pytest
from toy_model import toy_model

import endcap
from endcap import opening
from endcap.registry import Registry

KINDS = ("sofa", "jacket", "lamp")
AXES = np.eye(3)


def kind_of(number):
    """Two nouns of each kind, by turns."""
    return number % 6 // 2


def model_of(numbers, **options):
    """What is of one kind is chosen together."""
    return toy_model({f"p{n:03}": AXES[kind_of(n)] for n in numbers}, **options)


def promote(store, model, **facts):
    registry = Registry(store, "products")
    name = registry.save_model(model, facts)
    registry.promote(name)
    return name


def ask(text, **changes):
    return {"query": {"match": {"title": text}}, "size": 100, **changes}


def explained(answer):
    return {each["_id"]: each["columns"] for each in answer["ext"]["endcap"]["explanations"]}


EXPLAIN = {"endcap": {"explain": True}}


@pytest.fixture
def alone(store):
    """A model that prefers Cedar (the last third of the products) to all else of the kind."""
    vectors = {f"p{n:03}": AXES[kind_of(n)] * (2 if n >= 48 else 1) for n in range(72)}
    return promote(store, toy_model(vectors))


def test_what_the_model_prefers_rises(client, alone):
    client.record(user="ada", item="p000", action="purchase")
    body = ask("red sofa", ext={"endcap": {"weights": {"lexical": 1.0, "model": 0.2}}})
    first = client.search(body, "products", user="ada")["hits"]["hits"][0]
    assert (first["_source"]["brand"], first["_source"]["title"]) == ("Cedar", "red sofa")
    answer = client.search(ask("red sofa", ext=EXPLAIN), "products", user="ada")
    assert answer["ext"]["endcap"]["model"] == alone
    columns = explained(answer)
    assert columns["p048"]["model"] > columns["p000"]["model"] > 0


def test_a_stranger_gets_exactly_the_order_that_nobody_gets(client, store, alone):
    for body in (ask("red sofa"), ask("blue lamp", size=7)):
        nobody = client.search(body, "products")["hits"]
        assert client.search(body, "products", user="stranger")["hits"] == nobody


def test_a_shopper_of_the_training_without_a_profile_is_a_stranger(client, store):
    key = client._core._shopper("ada", None)
    users = {key.encode(): AXES[0]}
    promote(store, model_of(range(72), encoder="user", users=users))
    nobody = client.search(ask("red sofa"), "products")["hits"]
    assert client.search(ask("red sofa"), "products", user="ada")["hits"] == nobody
    client.record(user="ada", item="p002")
    columns = explained(client.search(ask("sofa", ext=EXPLAIN), "products", user="ada"))
    assert columns["p000"]["model"] > 0


def test_a_product_that_the_model_does_not_know_stays_and_has_no_opinion(client, store):
    promote(store, model_of(range(6, 72)))
    client.record(user="ada", item="p012")
    columns = explained(client.search(ask("red sofa", ext=EXPLAIN), "products", user="ada"))
    assert columns["p000"]["model"] is None
    assert columns["p024"]["model"] > 0


def test_a_model_that_does_not_fit_is_left_out_and_said(client, store):
    name = promote(store, toy_model({"p000": AXES[0]}, text_dimension=5), text_encoder="other")
    extension = client.search(ask("sofa"), "products")["ext"]["endcap"]
    assert extension["applied"] is True
    assert (
        f"{name} is left out: {name} does not fit products-000001: it reads" in extension["reason"]
    )


def test_a_damaged_model_is_left_out_and_said(client, store, alone):
    tensors = store / "artefacts/products" / alone / "tensors.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-1])
    extension = client.search(ask("sofa"), "products")["ext"]["endcap"]
    assert "model-000001 is left out" in extension["reason"]
    assert "tensors.safetensors is damaged" in extension["reason"]


# Promotion


def until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_promoted_model_is_taken_over_and_no_search_waits_for_it(client, store, monkeypatch):
    """Opening takes two seconds here; every search is answered by the old model meanwhile."""
    monkeypatch.setattr(client._core.snapshots, "_poll_interval_s", 0.0)
    client.record(user="ada", item="p000")

    def search():
        started = time.monotonic()
        answer = client.search(ask("red sofa"), "products", user="ada")
        return answer["ext"]["endcap"]["model"], time.monotonic() - started

    assert search()[0] is None
    opened = threading.Event()
    plain = opening.open_table

    def slowly(*arguments):
        opened.set()
        time.sleep(2)
        return plain(*arguments)

    monkeypatch.setattr(opening, "open_table", slowly)
    name = promote(store, model_of(range(72)))
    asked = [search()]
    assert opened.wait(5)
    while asked[-1][0] is None:
        asked.append(search())
    assert asked[-1][0] == name
    assert len(asked) > 10
    assert max(seconds for _, seconds in asked) < 1


def test_a_rolled_back_model_is_left(client, store, alone, monkeypatch):
    monkeypatch.setattr(client._core.snapshots, "_poll_interval_s", 0.0)

    def model():
        return client.search(ask("sofa"), "products")["ext"]["endcap"]["model"]

    until(lambda: model() == alone)
    Registry(store, "products").roll_back("model")
    until(lambda: model() is None)


def test_the_next_generation_has_the_model_s_vectors_too(client, store, alone, rebuild):
    rows = [{"id": f"p{n:03}", "title": f"red {KINDS[kind_of(n)]}"} for n in range(12)]
    rebuild(client, store, rows)
    with endcap.connect(store) as fresh:
        fresh.record(user="ada", item="p000")
        answer = fresh.search(ask("red sofa", ext=EXPLAIN), "products", user="ada")
    assert answer["ext"]["endcap"]["generation"] == "products-000002"
    assert answer["ext"]["endcap"]["model"] == alone
    columns = explained(answer)
    assert columns["p000"]["model"] > 0.3 > 0.1 > columns["p002"]["model"] > 0
