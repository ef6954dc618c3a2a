import copy
import shutil
from dataclasses import replace

import numpy as np
import pytest
from toy_model import toy_model

from endcap import item_tables
from endcap.exceptions import ArtefactError
from endcap.item_tables import Likeness, open_table, with_segments
from endcap_indexer.catalogue import Product
from endcap_indexer.generations import Generation, generation_folder
from endcap_indexer.generations.updates import update_generation
from endcap_indexer.vectors import VectorIndex
from endcap_reranker.models import ModelConfiguration, UserItemModel

NAME = "model-000001"


@pytest.fixture
def generation(store):
    return Generation.open(generation_folder(store, "products-000001"))


def ids_of(generation):
    return generation.ids(np.arange(len(generation)))


@pytest.fixture
def model(generation):
    """Of every product but the first."""
    return any_model(ids_of(generation)[1:])


def any_model(ids):
    """Vectors of any direction and length."""
    random = np.random.default_rng(0)
    vectors = random.standard_normal((len(ids), 6)) * random.uniform(0.1, 9, (len(ids), 1))
    return toy_model(dict(zip(ids, vectors, strict=True)))


def open_anew(store, model, generation, **facts):
    return open_table(store, NAME, model, facts, generation, generation.index.vectors)


def folder(store):
    return store / "item_vectors" / f"products-000001.{NAME}"


def test_the_vectors_are_those_of_the_model(store, model, generation):
    table = open_anew(store, model, generation)
    expected = model.item_vectors(ids_of(generation))
    found = table.vectors(np.arange(len(generation)))
    np.testing.assert_allclose(found, expected, atol=9 * 3 / 2048)
    assert np.isnan(found[0]).all()
    assert np.isnan(table.vectors(np.array([-1, len(generation)]))).all()


def test_a_table_is_made_once(store, model, generation, monkeypatch):
    first = open_anew(store, model, generation)

    def fail(*arguments):
        raise AssertionError("made again")

    monkeypatch.setattr(item_tables, "_compute", fail)
    second = open_anew(store, model, generation)
    rows = np.arange(len(generation))
    np.testing.assert_array_equal(first.vectors(rows), second.vectors(rows))


@pytest.mark.parametrize("damage", ["flip", "gone", "half"])
def test_a_table_that_is_not_whole_is_made_again(store, model, generation, damage):
    whole = open_anew(store, model, generation).vectors(np.arange(len(generation)))
    file = folder(store) / item_tables.VECTORS
    content = file.read_bytes()
    file.unlink()
    if damage == "flip":
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    if damage == "half":
        (folder(store) / "manifest.json").unlink()
    again = open_anew(store, model, generation).vectors(np.arange(len(generation)))
    np.testing.assert_array_equal(again, whole)


def test_a_table_of_another_build_of_the_same_name_is_made_again(store, model, generation):
    open_anew(store, model, generation)
    other = copy.copy(generation)
    other.manifest = replace(generation.manifest, created="2020-01-01T00:00:00+00:00")
    assert len(open_anew(store, replace_vectors(model), other)) == len(generation)
    found = open_anew(store, model, other).vectors(np.arange(1, len(generation)))
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_a_table_of_another_model_of_the_same_name_is_made_again(store, model, generation):
    """The artefacts were removed, and what is trained then is numbered from 1 again."""
    open_anew(store, replace_vectors(model), generation, created="2026-01-01T00:00:00+00:00")
    again = open_anew(store, model, generation, created="2026-01-02T00:00:00+00:00")
    assert np.abs(again.vectors(np.arange(1, len(generation)))).max() > 0.1


def replace_vectors(model):
    zeros = np.zeros_like(model.parameters["items.id"])
    return replace(model, parameters={**model.parameters, "items.id": zeros})


def test_a_store_that_may_not_be_written_costs_time_alone(
    store, model, generation, monkeypatch, caplog
):
    def fail(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(item_tables, "_write", fail)
    table = open_anew(store, model, generation)
    expected = model.item_vectors(ids_of(generation))
    np.testing.assert_allclose(table.vectors(np.arange(72)), expected, atol=9 * 3 / 2048)
    assert "the item vectors of model-000001 are not kept" in caplog.text


def test_tables_of_generations_that_are_gone_are_removed(store, model, generation):
    open_anew(store, model, generation)
    shutil.rmtree(generation_folder(store, "products-000001"))
    open_table(store, "model-000002", model, {}, generation, generation.index.vectors)
    names = [path.name for path in (store / "item_vectors").iterdir() if path.is_dir()]
    assert names == ["products-000001.model-000002"]


# Search


def test_the_largest_inner_products_are_found_best_first(store, model, generation):
    table: VectorIndex = open_anew(store, model, generation)
    state = np.random.default_rng(1).standard_normal(6).astype(np.float32)
    exact = table.vectors(np.arange(72)) @ state
    rows, scores = table.search(state, 10)
    assert rows.tolist() == np.argsort(-np.nan_to_num(exact, nan=-np.inf))[:10].tolist()
    np.testing.assert_allclose(scores, exact[rows], rtol=1e-3)
    allowed = np.array([3, 7, 40, 0])
    rows, scores = table.search(state, 10, allowed)
    assert set(rows.tolist()) == {3, 7, 40}
    assert (np.diff(scores) <= 0).all()


def test_a_graph_finds_them_too(store, generation, monkeypatch):
    """Beyond the size up to which search is exact: lengths do not fool the index of cosines."""
    monkeypatch.setattr(item_tables, "choose_index", lambda *shape: "hnsw")
    table = open_anew(store, any_model(ids_of(generation)), generation)
    for seed in range(20):
        state = np.random.default_rng(seed).standard_normal(6).astype(np.float32)
        exact = table.vectors(np.arange(72)) @ state
        assert table.search(state, 10)[0].tolist() == np.argsort(-exact)[:10].tolist()


def test_an_interaction_that_is_no_inner_product_scores_every_product(store, generation):
    configuration = ModelConfiguration(encoder="mean", interaction="mlp", dimension=6)
    ids = np.sort(np.array([id.encode() for id in ids_of(generation)]))
    model = UserItemModel.untrained(configuration, ids)
    table = open_anew(store, model, generation)
    state = np.random.default_rng(1).standard_normal(6).astype(np.float32)
    exact = model.score(state, table.vectors(np.arange(72)))
    rows, scores = table.search(state, 72)
    assert sorted(rows.tolist()) == list(range(72))
    np.testing.assert_allclose(scores, exact[rows])
    assert (np.diff(scores) <= 0).all()


def test_what_is_alike_has_the_same_direction_however_long_it_is(store, generation):
    names = ids_of(generation)
    angles = np.linspace(0, np.pi, 72)
    lengths = np.where(np.arange(72) % 2, 9.0, 0.5)
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]) * lengths[:, None]
    table = open_anew(store, toy_model(dict(zip(names, vectors, strict=True))), generation)
    rows, cosines = Likeness(table).search(table.vectors(np.array([30]))[0], 5)
    assert rows[0] == 30
    assert set(rows.tolist()) == {28, 29, 30, 31, 32}
    assert (cosines > 0.99).all()
    rows, _ = Likeness(table).search(table.vectors(np.array([30]))[0], 5, np.array([0, 35, 33]))
    assert rows.tolist() == [33, 35, 0]


# Segments


def test_a_table_has_what_was_changed_since(store, generation):
    """A price that changes, a product that is new and one that is gone; the kept table stays."""
    model = text_model(0, ("price",))
    table = open_anew(store, model, generation)
    products = [
        Product(
            id, {}, "", np.ones(generation.manifest.dimension), {"price": price, "popularity": 1.0}
        )
        for id, price in (("p001", 500.0), ("new", 700.0))
    ]
    unit = np.full((2, generation.manifest.dimension), generation.manifest.dimension**-0.5)
    digests = np.zeros(2, "S16")
    later = update_generation(generation, products, digests, unit.astype(np.float16), ["p002"])
    found = with_segments(table, later, later.index.vectors)
    rows = later.given_rows(["p000", "p001", "p002", "new"])
    prices = np.array([[0.0], [500.0], [700.0]], np.float32)
    expected = model.item_vectors(["p000", "p001", "new"], None, prices)
    np.testing.assert_allclose(found.vectors(rows)[[0, 1, 3]], expected, rtol=0.01, atol=0.01)
    assert np.isnan(found.vectors(rows)[2]).all()
    listed, _ = found.search(expected[2], len(later))
    assert listed[0] == rows[3]
    assert rows[2] not in listed
    assert len(table) == 72 and len(found) == 73
    assert with_segments(table, generation, generation.index.vectors) is table


# What does not fit


def text_model(dimension, attributes=()):
    return toy_model({"p000": np.ones(4)}, text_dimension=dimension, attributes=attributes)


def test_a_model_of_other_vectors_is_refused_by_name(store, generation):
    encoder, dimension = generation.manifest.encoder, generation.manifest.dimension
    fits = text_model(dimension)
    open_anew(store, fits, generation, text_encoder=encoder)
    for model, facts in (
        (text_model(dimension + 1), {"text_encoder": encoder}),
        (fits, {"text_encoder": "another"}),
        (fits, {}),
    ):
        with pytest.raises(ArtefactError) as refused:
            open_anew(store, model, generation, **facts)
        assert str(refused.value) == (
            f"model-000001 does not fit products-000001: it reads vectors of"
            f" {facts.get('text_encoder')} with {model.configuration.text_dimension} dimensions,"
            f" these are of {encoder} with {dimension}; train again"
        )


def test_columns_that_the_catalogue_lacks_are_named(store, generation):
    open_anew(store, text_model(0, ("price",)), generation)
    with pytest.raises(ArtefactError, match="reads the columns taste, which the catalogue has not"):
        open_anew(store, text_model(0, ("price", "taste")), generation)


def test_a_cold_product_has_a_vector_of_its_text(store, generation):
    model = text_model(generation.manifest.dimension, ("price",))
    table = open_anew(store, model, generation, text_encoder=generation.manifest.encoder)
    text = generation.index.vectors(np.arange(72))
    attributes = generation.columns["price"][:, None]
    expected = model.item_vectors(ids_of(generation), text, attributes)
    assert not np.isnan(expected).any()
    np.testing.assert_allclose(table.vectors(np.arange(72)), expected, atol=0.01)
