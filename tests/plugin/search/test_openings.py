"""What a client opens, when, and who waits for it; and what cannot be opened."""

import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import endcap
from endcap.registry import Registry
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
from endcap_indexer.generations.indices import swap_alias
from endcap_indexer.vectors import FlatIndex

LIMIT_S = 10
SLOW_S = 1.5  # an opening
ROWS = [{"id": "new", "title": "red sofa", "brand": "Alder", "kind": "sofa", "price": 1.0}]


def ask(**ours):
    body = {"query": {"match": {"title": "sofa"}}}
    return {**body, "ext": {"endcap": ours}} if ours else body


def said(client, **ours):
    return client.search(ask(**ours), "products")["ext"]["endcap"]


def until(condition):
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "not seen in time"
        time.sleep(0.01)


@pytest.fixture
def poll(monkeypatch):
    """Sets the interval of the clients that are made then."""
    return lambda seconds: monkeypatch.setattr("endcap.core.POLL_INTERVAL_S", seconds)


@pytest.fixture
def slow_opening(monkeypatch):
    opened = []
    plain = Generation.open.__func__

    def open_slowly(cls, path):
        time.sleep(SLOW_S)
        opened.append(path.name)
        return plain(cls, path)

    monkeypatch.setattr(Generation, "open", classmethod(open_slowly))
    return opened


def rebuild_behind(store, rebuild, rows=ROWS):
    with endcap.connect(store) as operator:
        rebuild(operator, store, rows)


def append(store, encoder_folder, title="a velvet thing", text="crimson couch"):
    """A segment with one product more; its folder."""
    generation = Generation.open(generation_folder(store, "products-000001"))
    encoder = open_encoder(str(encoder_folder), store, device="cpu")
    product = Product("fresh", {"title": title}, text, None, {"price": 1.0, "popularity": 9.0})
    with hold_lease(store):
        embeddings = Embeddings(store, encoder, generation)
        update_generation(generation, [product], *embeddings.find([product]), gone=[])
    return max((generation.path / "segments").iterdir())


def damage(path: Path) -> bytes:
    """Flip its last bit; what it held."""
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    return content


@pytest.fixture
def two(store, rebuild):
    """Two generations, of which the first is live, and a function that lets one be."""

    def let_live(new, old):
        with endcap.connect(store) as operator:
            swap_alias(operator, "products", f"products-00000{old}", f"products-00000{new}")

    rebuild_behind(store, rebuild)
    let_live(1, 2)
    return let_live


def test_no_search_waits_for_a_new_generation(store, two, poll, request):
    poll(0.5)
    with endcap.connect(store) as client:
        said(client)
        opened = request.getfixturevalue("slow_opening")
        two(2, 1)
        took, generation = [], "products-000001"
        while generation == "products-000001":
            started = time.monotonic()
            answer = said(client)
            took.append(time.monotonic() - started)
            assert answer["applied"] is True
            generation = answer["generation"]
    assert opened == [generation] == ["products-000002"]
    assert sum(took) > SLOW_S > 2 * max(took)


def test_a_new_generation_is_warm_before_it_takes_over(store, two, poll, monkeypatch):
    poll(0.5)
    searched = []
    plain = FlatIndex.search

    def watch(index, *given):
        searched.append((index, threading.current_thread()))
        return plain(index, *given)

    monkeypatch.setattr(FlatIndex, "search", watch)
    with endcap.connect(store) as client:
        said(client)
        two(2, 1)
        until(lambda: said(client)["generation"] == "products-000002")
        live = client._core.snapshots._live["products"].resolved.generation.index
    first, *_ = (thread for index, thread in searched if index is live)
    assert first is not threading.main_thread()


def test_with_a_budget_not_even_the_first_search_waits(store, slow_opening):
    with endcap.connect(store) as client:
        started = time.monotonic()
        first = said(client, budget_ms=50)
        assert time.monotonic() - started < SLOW_S
        assert first == {"applied": False, "reason": "products is being opened"}
        until(lambda: said(client, budget_ms=2000)["applied"])
        assert slow_opening == ["products-000001"]


def test_searches_that_begin_at_once_open_a_generation_once(store, slow_opening):
    with endcap.connect(store) as client:
        threads = [threading.Thread(target=said, args=(client,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert slow_opening == ["products-000001"]


def test_after_a_pause_the_first_search_is_of_the_live_generation(store, rebuild, poll):
    poll(0.05)
    with endcap.connect(store) as client, endcap.connect(store) as hurried:
        said(client), said(hurried)
        rebuild_behind(store, rebuild)
        time.sleep(0.2)
        assert said(client)["generation"] == "products-000002"
        answer = said(hurried, budget_ms=2000)
        assert answer == {"applied": False, "reason": "products is being opened"}
        assert said(hurried)["generation"] == "products-000002"


def test_a_build_of_the_same_name_is_another_one(client, store, rebuild, poll):
    """The index and the folder were removed, and the number is given again."""
    client._core.snapshots._poll_interval_s = 0.0
    assert said(client)["window"] == 24
    with endcap.connect(store) as operator:
        operator.indices.delete(index="products-000001")
        shutil.rmtree(store / "generations" / "products-000001")
        rebuild(operator, store, ROWS)
        assert operator.indices.exists(index="products-000001")
    answer = said(client)
    assert (answer["generation"], answer["window"]) == ("products-000001", 1)


def test_a_damaged_segment_leaves_what_was_open(client, store, encoder_folder):
    client._core.snapshots._poll_interval_s = 0.0
    before = said(client)
    damage(append(store, encoder_folder) / "vectors.f16.npy")
    until(lambda: said(client)["reason"] is not None)
    answer = said(client)
    assert answer["reason"].startswith("what changed last is left out: ")
    assert "vectors.f16.npy is damaged" in answer["reason"]
    assert (answer["applied"], answer["window"]) == (True, before["window"])


def test_a_folder_that_stays_damaged_is_not_read_again_and_again(store, monkeypatch):
    read = []
    plain = Generation.open.__func__
    monkeypatch.setattr(
        Generation, "open", classmethod(lambda cls, path: read.append(path) or plain(cls, path))
    )
    vectors = store / "generations" / "products-000001" / "vectors.f16.npy"
    content = damage(vectors)
    with endcap.connect(store) as client:
        client._core.snapshots._poll_interval_s = 0.0
        until(lambda: "is left out since" in said(client)["reason"])
        for _ in range(20):
            assert "the last: " in said(client)["reason"]
        assert len(read) == 5
        vectors.write_bytes(content)
        client._core.breakers.of("products-000001", "the generation of products-000001")._next = 0.0
        until(lambda: said(client)["applied"])


def test_a_damaged_pointer_leaves_the_order_without_artefacts(client, store):
    client._core.snapshots._poll_interval_s = 0.0
    registry = Registry(store, "products")
    registry.promote(registry.save_tuning(Tuning(), {"made": "by hand"}))
    until(lambda: said(client)["model"] == "tuning-000001")
    pointer = damage(registry.folder / "promoted.json")
    (registry.folder / "promoted.json").write_text("{")
    until(lambda: said(client)["model"] is None)
    answer = said(client)
    assert answer["applied"] is True
    assert answer["reason"].startswith("what was promoted is left out: ")
    (registry.folder / "promoted.json").write_bytes(pointer)
    until(lambda: said(client)["model"] == "tuning-000001")
    assert said(client)["reason"] is None


def test_an_encoder_that_is_gone_leaves_the_engine_s_hits_until_it_is_back(store):
    (folder,) = (each for each in (store / "encoders").iterdir() if each.is_dir())
    moved = folder.rename(store / "moved")
    with endcap.connect(store) as client:
        client._core.snapshots._poll_interval_s = 0.0
        answer = client.search(ask(), "products")
        extension = answer["ext"]["endcap"]
        assert extension["applied"] is True  # by popularity
        assert f"{folder.name} is left out: " in extension["reason"]
        plain = client.search(ask(), "products", endcap=False)
        assert answer["hits"]["total"] == plain["hits"]["total"]
        moved.rename(folder)
        until(lambda: said(client)["reason"] is None)


def test_what_is_no_error_of_ours_is_no_error_of_the_shop(store, monkeypatch, caplog):
    """Anything at all that goes wrong while a generation is opened."""
    monkeypatch.setattr(np, "load", lambda *given, **options: 1 / 0)
    with endcap.connect(store) as client:
        answer = client.search(ask(), "products")
    assert answer["hits"]["hits"]
    assert "cannot be used: division by zero" in answer["ext"]["endcap"]["reason"]
    assert "products-000001 cannot be opened" in caplog.text
