"""A model that reads texts, where their vectors lie in the cluster: it scores as from a folder."""

import threading
import time
from itertools import chain
from types import SimpleNamespace
from uuid import uuid4

import numpy as np
import pytest
from toy_model import toy_model
from toy_shop import products

import endcap
from endcap import text_vectors
from endcap.operations import live_generation
from endcap.registry import Registry
from endcap.training import Trainer
from endcap_indexer.exceptions import VectorsError
from endcap_indexer.generations import IndexSettings, read_vectors
from endcap_reranker import Interactions
from endcap_reranker.training import TrainingConfiguration

PATIENCE_S = 20
KNOWN = 48  # products that the model was trained with; the others are cold
PLACES = ("folder", "opensearch")


def until(condition):
    ends = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends, "not seen in time"
        time.sleep(0.02)


def promote(store, index, manifest, seed=0):
    """Any directions; texts and prices count as much."""
    random = np.random.default_rng(seed)
    vectors = {f"p{n:03}": random.standard_normal(6) for n in range(KNOWN)}
    model = toy_model(vectors, text_dimension=manifest.dimension, attributes=("price",))
    registry = Registry(store, index)
    registry.promote(registry.save_model(model, {"text_encoder": manifest.encoder}))


def open_shop(url, store, rebuild):
    """The toy shop in both places of one server, and nobody's names."""
    suffix = uuid4().hex[:12]
    client = endcap.connect(url, store=store, timeout=60)
    shop = SimpleNamespace(client=client, store=store, url=url)
    shop.indices = [f"{place}-{suffix}" for place in PLACES]
    for index, place in zip(shop.indices, PLACES, strict=True):
        rebuild(client, store, index=index, settings=IndexSettings(place))
    shop.folder, shop.cluster = shop.indices
    shop.manifests = {index: live_generation(client, store, index) for index in shop.indices}
    return shop


def close(shop):
    shop.client.indices.delete(index=",".join(f"{index}-*" for index in shop.indices))
    shop.client.close()


@pytest.fixture(scope="module")
def shop(opensearch_url, tmp_path_factory, rebuild):
    """For tests that only search; the same model is promoted in both places."""
    shop = open_shop(opensearch_url, tmp_path_factory.mktemp("store"), rebuild)
    for index in shop.indices:
        promote(shop.store, index, shop.manifests[index])
    yield shop
    close(shop)


@pytest.fixture
def own(opensearch_url, tmp_path, rebuild, monkeypatch):
    """A shop that a test may change, without a model; its clients look again at every search."""
    monkeypatch.setattr("endcap.core.POLL_INTERVAL_S", 0.0)
    store = tmp_path / "store"
    store.mkdir()
    shop = open_shop(opensearch_url, store, rebuild)
    yield shop
    close(shop)


def ask(**changes):
    ours = {"endcap": {"explain": True, "history": ["p018", "p070"]}}
    return {"query": {"match": {"title": "red sofa"}}, "size": 100, "ext": ours, **changes}


def explained(answer):
    """The model's column by product; the search was whole."""
    said = answer["ext"]["endcap"]
    assert (said["reason"], said["model"]) == (None, "model-000001")
    return {each["_id"]: each["columns"]["model"] for each in said["explanations"]}


def test_the_scores_are_those_of_a_folder(shop):
    folder, cluster = (explained(shop.client.search(ask(), each)) for each in shop.indices)
    assert cluster == pytest.approx(folder, abs=1e-6)
    assert any(f"p{n:03}" in cluster for n in range(KNOWN, 72))  # by its text
    assert None not in cluster.values()


def test_what_the_model_alone_finds_is_that_of_a_folder(shop):
    """The page of a shopper without words, and what is like a product."""
    found = []
    for index in shop.indices:
        page = shop.client.search(ask(query={"match_all": {}}, size=20), index)
        like = shop.client.similar(item="p070", index=index)
        assert like["ext"]["endcap"]["by"] == "model"
        found.append([[hit["_id"] for hit in each["hits"]["hits"]] for each in (page, like)])
    assert found[0] == found[1]


async def test_the_async_client_reads_them_too(own):
    promote(own.store, own.cluster, own.manifests[own.cluster])
    client = endcap.connect_async(own.url, store=own.store)
    columns = explained(await client.search(ask(), own.cluster))
    await client.close()
    promote(own.store, own.folder, own.manifests[own.folder])
    assert columns == pytest.approx(explained(own.client.search(ask(), own.folder)), abs=1e-6)


@pytest.fixture
def read(monkeypatch):
    """The ids of the products of each time that vectors are read from the cluster."""
    times = []

    def spy(client, generation, rows):
        times.append(generation.ids(rows[rows >= 0]))
        return read_vectors(client, generation, rows)

    monkeypatch.setattr(text_vectors, "read_vectors", spy)
    return times


@pytest.mark.torch
def test_a_training_reads_the_same_texts_of_the_products_of_its_events_alone(shop, read):
    """The same seed makes the same model."""
    random = np.random.default_rng(0)
    chosen = [np.sort(random.choice(60, 5, replace=False)) for _ in range(60)]
    ids = [f"p{n:03}" for n in range(60)]
    interactions = Interactions(
        np.repeat(np.arange(60, dtype=np.int32), 5),
        np.concatenate(chosen).astype(np.int32),
        np.ones(300, np.float32),
        np.array([id.encode() for id in ids]),
        60,
    )
    training = TrainingConfiguration(epochs=2, device="cpu")
    models = []
    for index in shop.indices:
        trainer = Trainer.of(shop.client, shop.store, shop.manifests[index])
        configuration = trainer.configure("mean", "dot", "bce", dimension=8, text=True)
        assert configuration.text_dimension == shop.manifests[index].dimension > 0
        models.append(trainer.train(interactions, configuration, training, lambda _: None).model)
    assert read == [ids]
    for name, expected in models[0].parameters.items():
        np.testing.assert_allclose(models[1].parameters[name], expected, atol=1e-5)
    assert np.abs(models[1].parameters["items.text"]).max() > 0


# What changes


def vectors(shop, index, *ids):
    """As the model of the newest snapshot sees them; nan: not yet."""
    snapshots = shop.client._core.snapshots
    snapshot = shop.client._driver.run(snapshots.resolve_now(index, again=True))
    return snapshot.item_table.vectors(snapshot.generation.rows(ids))


def test_products_that_come_later_have_their_texts_and_these_are_read_once(own, read):
    for index in own.indices:
        promote(own.store, index, own.manifests[index])
        assert np.isnan(vectors(own, index, "new")).all()
    assert sorted(chain(*read)) == [f"p{n:03}" for n in range(72)]
    read.clear()
    first = products(1)[0]
    for change in (
        [{**first, "id": "new", "title": "wool lamp"}, {**first, "title": "oak light"}],
        [{**first, "id": "newer", "title": "linen coat"}],
    ):
        for index in own.indices:
            own.client.upsert(index=index, products=change)
            until(lambda: not np.isnan(vectors(own, index, change[-1]["id"])).any())  # noqa: B023
    ids = ("p000", "new", "newer", "p001", "p070")
    expected = vectors(own, own.folder, *ids)
    until(lambda: np.allclose(vectors(own, own.cluster, *ids), expected, atol=1e-6))
    assert sorted(chain(*read)) == ["new", "newer", "p000"]


def test_a_promoted_model_is_taken_over_and_no_search_waits_for_the_texts(own, monkeypatch):
    reading = threading.Event()

    def slowly(*arguments):
        reading.set()
        time.sleep(2)
        return read_vectors(*arguments)

    monkeypatch.setattr(text_vectors, "read_vectors", slowly)

    def search():
        started = time.monotonic()
        said = own.client.search(ask(), own.cluster)["ext"]["endcap"]
        return said["model"], time.monotonic() - started

    assert search()[0] is None
    promote(own.store, own.cluster, own.manifests[own.cluster])
    asked = [search()]
    assert reading.wait(PATIENCE_S)
    while asked[-1][0] is None:
        asked.append(search())
    assert len(asked) > 5
    assert max(seconds for _, seconds in asked) < 1.5


def test_texts_that_cannot_be_read_leave_the_model_out_and_that_is_said(own, monkeypatch):
    """A fault injected: the node refuses scripts for a while."""
    promote(own.store, own.cluster, own.manifests[own.cluster])

    def refuse(*arguments):
        raise VectorsError("the vectors cannot be read back: scripts are off")

    with monkeypatch.context() as patch:
        patch.setattr(text_vectors, "read_vectors", refuse)
        said = own.client.search(ask(), own.cluster)["ext"]["endcap"]
        assert said["applied"] is True
        assert said["reason"] == (
            "model-000001 is left out: the vectors cannot be read back: scripts are off"
        )
    until(lambda: own.client.search(ask(), own.cluster)["ext"]["endcap"]["reason"] is None)
    assert explained(own.client.search(ask(), own.cluster))["p000"] > 0
