"""Searches while generations and artefacts change, and when what they need is not there."""

import os
import time

import pytest

import endcap
from endcap import opening
from endcap.breakers import Breakers
from endcap.registry import Registry
from endcap.snapshots import Snapshots, Unavailable
from endcap.tuning import Tuning
from endcap_indexer.catalogue import Product
from endcap_indexer.encoder import open_encoder
from endcap_indexer.generations import (
    Generation,
    generation_folder,
    hold_lease,
    update_generation,
)
from endcap_indexer.generations.embeddings import Embeddings

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


def found(client, text):
    hits = client.search(ask(text, size=100), "products")["hits"]["hits"]
    return [hit["_id"] for hit in hits]


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


def test_a_segment_is_taken_over_without_a_restart(client, store, encoder_folder):
    """A product that only its vector finds comes, one that only its vector found goes."""
    generation = Generation.open(generation_folder(store, "products-000001"))
    ids = found(client, "crimson couch")
    assert "p000" in ids
    assert "fresh" not in ids
    document = {"title": "a velvet thing", "endcap": {"row": len(generation)}}
    client.index(index="products", id="fresh", body=document, refresh=True)
    encoder = open_encoder(str(encoder_folder), store, device="cpu")
    columns = {"price": 1.0, "popularity": 9.0}
    product = Product("fresh", document, "crimson couch", None, columns)
    with hold_lease(store):
        embeddings = Embeddings(store, encoder, generation)
        update_generation(generation, [product], *embeddings.find([product]), gone=["p000"])
    until(lambda: "fresh" in found(client, "crimson couch"))
    assert "p000" not in found(client, "crimson couch")


def test_a_promoted_tuning_is_taken_over_without_a_restart(client, store):
    assert seen(client, model=None)
    registry = Registry(store, "products")
    name = registry.save_tuning(Tuning(weights={"lexical": 1.0}), {"made": "by hand"})
    registry.promote(name)
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
        operator.indices.delete(index="products-000001")  # no build removes what a reader holds
    assert client.search(ask("sofa"), "products")["hits"]["total"]["value"] == 1


def test_a_cursor_of_a_generation_that_is_gone_goes_on_in_the_live_one(client, store, rebuild):
    cursor = client.search(ask("sofa", size=2), "products")["ext"]["endcap"]["cursor"]
    with endcap.connect(store) as operator:
        for number in range(2):
            rebuild(operator, store, [{"id": str(number), "title": "red sofa", "kind": "sofa"}])
        operator.indices.delete(index="products-000001")
    answer = client.search(ask("sofa", ext={"endcap": {"cursor": cursor}}), "products")
    extension = answer["ext"]["endcap"]
    assert (extension["applied"], extension["generation"]) == (True, "products-000003")
    assert "the cursor's generation products-000001 is gone" in extension["reason"]


def test_a_damaged_tuning_is_left_out_and_said(client, store):
    registry = Registry(store, "products")
    name = registry.save_tuning(Tuning(), {"made": "by hand"})
    registry.promote(name)
    (registry.folder / name / "tuning.json").write_text("{}")
    with endcap.connect(store) as fresh:
        extension = fresh.search(ask("sofa"), "products")["ext"]["endcap"]
    assert extension["applied"] is True
    assert "tuning-000001 is left out" in extension["reason"]


def test_an_alias_with_a_filter_keeps_its_filter(client):
    """The concrete index would show what the alias must not."""
    snapshots = Snapshots(
        client._core.store,
        poll_interval_s=1,
        cached_queries=1,
        breakers=Breakers(1, 1.0),
        plain=lambda: client._plain,
    )
    steps = snapshots.resolve("germany")
    next(steps)
    body = {"aliases": {"germany": {"filter": {"term": {"land": "de"}}}}, "mappings": {}}
    with pytest.raises(StopIteration) as end:
        steps.send({"products-000001": body})
    assert end.value.value == Unavailable(
        "the alias germany has a filter or a routing: passed through"
    )


def test_several_indices_of_one_client_stay_open(store, rebuild, monkeypatch):
    opened = []
    plain = Generation.open.__func__

    def spy(cls, path):
        opened.append(path.name)
        return plain(cls, path)

    names = ["one", "two", "three", "four"]
    with endcap.connect(store) as client:
        for name in names:
            rebuild(client, store, [{"id": "1", "title": "red sofa", "kind": "sofa"}], name)
        monkeypatch.setattr(Generation, "open", classmethod(spy))
        for _ in range(3):
            for name in names:
                client.search(ask("sofa"), name)
    assert sorted(opened) == sorted(f"{name}-000001" for name in names)


def test_a_key_that_cannot_be_read_is_no_error_of_the_shop(client, store):
    (store / "user.key").unlink(missing_ok=True)
    (store / "user.key").mkdir()
    answer = client.search(ask("sofa"), "products", user="ada")
    assert answer["hits"]["hits"]
    assert answer["ext"]["endcap"]["reason"].startswith("history leg failed")


def test_a_forked_child_searches_with_files_of_its_own(client):
    """A pre-forking server: what was open in the parent is opened anew, held locks or not."""
    client.search(ask("sofa"), "products")
    with client._core.snapshots._lock:
        child = os.fork()
        if child == 0:
            answer = client.search(ask("couch"), "products")
            os._exit(0 if answer["ext"]["endcap"]["applied"] else 1)
    assert os.waitpid(child, 0)[1] == 0


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

    monkeypatch.setattr(opening.QueryCache, "encode_query", fail)
    answer = client.search(ask("lamp"), "products")
    extension = answer["ext"]["endcap"]
    assert extension["reason"] == "query encoder failed: out of memory"
    plain = client.search(ask("lamp"), "products", endcap=False)
    assert answer["hits"]["total"] == plain["hits"]["total"]


def test_a_slow_encoder_is_left_behind_at_the_deadline(client, monkeypatch):
    client.search(ask("sofa"), "products")
    monkeypatch.setattr(
        opening.QueryCache, "encode_query", lambda self, text: time.sleep(0.5) or None
    )
    started = time.monotonic()
    answer = client.search(ask("lamp", ext={"endcap": {"budget_ms": 30}}), "products")
    assert time.monotonic() - started < 0.4
    assert answer["ext"]["endcap"]["reason"] == "query encoder was late"
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
