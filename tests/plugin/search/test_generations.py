"""Searches while generations and artefacts change, and when what they need is not there."""

import time

import pytest

import endcap
from endcap import snapshots
from endcap.registry import TUNING, Registry
from endcap.tuning import Tuning

LIMIT_S = 10


def ask(text, **changes):
    return {"query": {"match": {"title": text}}, **changes}


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("endcap.core.POLL_INTERVAL_S", 0.0)


def until(condition):
    """A change is seen in the background: wait for it, not for a time."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "not seen in time"
        time.sleep(0.01)


def seen(client, **expected):
    extension = client.search(ask("sofa"), "products")["ext"]["endcap"]
    return expected.items() <= extension.items()


def test_a_new_generation_is_taken_over_without_a_restart(client, store, rebuild):
    assert seen(client, generation="products-000001")
    rows = [{"id": "new", "title": "red sofa", "brand": "Alder", "kind": "sofa", "price": 1.0}]
    with endcap.connect(store) as operator:
        rebuild(operator, store, rows)
    until(lambda: seen(client, generation="products-000002"))
    assert client.search(ask("sofa"), "products")["hits"]["total"]["value"] == 1


def test_a_promoted_tuning_is_taken_over_without_a_restart(client, store):
    assert seen(client, model=None)
    registry = Registry(store, "products")
    name = registry.save_tuning(Tuning(weights={"lexical": 1.0}), {"made": "by hand"})
    registry.promote(TUNING, name)
    until(lambda: seen(client, model="tuning-000001"))
    explained = ask("red sofa", ext={"endcap": {"explain": True}})
    parts = client.search(explained, "products")["ext"]["endcap"]["explanations"]
    assert parts[0]["contributions"].keys() == {"lexical"}


def test_a_cursor_pins_the_generation_it_was_made_in(client, store, rebuild):
    """Also when the alias has moved on, as long as the old index stands."""
    first = client.search(ask("sofa", size=2), "products")
    cursor = first["ext"]["endcap"]["cursor"]
    with endcap.connect(store) as operator:
        rebuild(operator, store, [{"id": "new", "title": "red sofa", "kind": "sofa"}])
    until(lambda: seen(client, generation="products-000002"))
    rest = ask("sofa", size=2, **{"from": 2}, ext={"endcap": {"cursor": cursor}})
    second = client.search(rest, "products")
    assert second["ext"]["endcap"]["generation"] == "products-000001"
    assert len(second["hits"]["hits"]) == 2


def test_an_index_that_is_gone_is_looked_up_again(client, store, rebuild):
    assert seen(client, generation="products-000001")
    with endcap.connect(store) as operator:
        for number in range(2):
            rebuild(operator, store, [{"id": str(number), "title": "red sofa", "kind": "sofa"}])
        assert not operator.indices.exists(index="products-000001")
    assert client.search(ask("sofa"), "products")["hits"]["total"]["value"] == 1


def test_a_missing_folder_leaves_the_engine_s_answer(client, store):
    for file in (store / "generations" / "products-000001").iterdir():
        file.unlink()
    answer = client.search(ask("couch"), "products")
    assert answer["hits"]["hits"]
    extension = answer["ext"]["endcap"]
    assert extension["applied"] is False
    assert "the generation of products-000001 cannot be used" in extension["reason"]


def test_a_damaged_folder_leaves_the_engine_s_answer(client, store):
    vectors = store / "generations" / "products-000001" / "vectors.f16.npy"
    content = bytearray(vectors.read_bytes())
    content[-1] ^= 1
    vectors.write_bytes(content)
    extension = client.search(ask("couch"), "products")["ext"]["endcap"]
    assert "vectors.f16.npy is damaged" in extension["reason"]


def test_an_encoder_that_fails_leaves_the_lexical_leg(client, monkeypatch):
    """A fault injected: the query cannot be encoded."""
    client.search(ask("sofa"), "products")

    def fail(self, text):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(snapshots.QueryCache, "encode_query", fail)
    answer = client.search(ask("sofa"), "products")
    extension = answer["ext"]["endcap"]
    assert extension["reason"] == "vector leg failed: out of memory"
    plain = client.search(ask("sofa"), "products", endcap=False)
    assert answer["hits"]["total"] == plain["hits"]["total"]


def test_a_slow_encoder_is_left_behind_at_the_deadline(client, monkeypatch):
    client.search(ask("sofa"), "products")
    monkeypatch.setattr(
        snapshots.QueryCache, "encode_query", lambda self, text: time.sleep(0.5) or None
    )
    started = time.monotonic()
    answer = client.search(ask("lamp", ext={"endcap": {"budget_ms": 30}}), "products")
    assert time.monotonic() - started < 0.4
    assert answer["ext"]["endcap"]["reason"] == "vector leg was late"
    assert answer["hits"]["hits"]


def test_an_error_of_ours_is_not_an_error_of_the_shop(client, monkeypatch, caplog):
    client.search(ask("sofa"), "products")

    def fail(*arguments):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("endcap.stages.fuse", fail)
    answer = client.search(ask("sofa"), "products")
    assert answer["hits"]["hits"]
    assert answer["ext"]["endcap"] == {"applied": False, "reason": "ZeroDivisionError: a bug"}
    assert "a bug" in caplog.text


def test_a_product_that_the_folder_does_not_know_is_found_by_its_words(client):
    document = {"title": "red sofa", "brand": "Alder", "kind": "sofa", "price": 3.0}
    client.index(index="products", id="fresh", body=document, refresh=True)
    answer = client.search(ask("red sofa", size=100), "products")
    assert "fresh" in [hit["_id"] for hit in answer["hits"]["hits"]]
    assert answer["ext"]["endcap"]["applied"] is True


def test_a_product_that_the_engine_no_longer_has_is_not_found(client):
    client.delete(index="products", id="p000", refresh=True)
    answer = client.search(ask("red sofa", size=100), "products")
    assert "p000" not in [hit["_id"] for hit in answer["hits"]["hits"]]
    assert answer["hits"]["total"]["value"] == len(answer["hits"]["hits"])
