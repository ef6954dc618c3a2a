from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endcap_indexer.catalogue import Product
from endcap_indexer.exceptions import ChecksumError, GenerationError, VectorsError
from endcap_indexer.generations import Generation, Manifest
from endcap_indexer.generations.build import GenerationWriter
from endcap_indexer.generations.embeddings import digest_texts

MANIFEST = Manifest(
    generation="toys-000001",
    created="2026-11-23T09:00:00+00:00",
    digest="ab" * 16,
    encoder="toy-1",
    dimension=2,
    text_fields=("title^2",),
    columns=("price", "stock"),
    catalogue={},
)


def product(id: str, price: float = 1.0) -> Product:
    return Product(id, {}, f"text of {id}", None, {"price": price, "stock": np.nan})


def write(path, ids, chunk=2, angle=0.1):
    """Products whose vectors turn by `angle` from one to the next and whose price is their row."""
    with GenerationWriter(path, MANIFEST) as writer:
        for start in range(0, len(ids), chunk):
            rows = np.arange(start, min(start + chunk, len(ids)))
            products = [product(ids[row], row) for row in rows]
            vectors = np.stack([np.cos(angle * rows), np.sin(angle * rows)], axis=1)
            digests = digest_texts([product.text for product in products])
            assert writer.append(products, digests, vectors.astype(np.float16)) == start
        writer.finish_rows()
        writer.commit(bad_rows=0)
    return Generation.open(path)


@pytest.fixture
def generation(tmp_path):
    return write(tmp_path / "toys-000001", ["b", "ä", "a", "long id", "c"])


def test_everything_stands_on_the_same_row(generation):
    ids = ["b", "ä", "a", "long id", "c"]
    rows = np.arange(5)
    assert len(generation) == 5
    assert generation.name == "toys-000001"
    assert generation.ids(rows) == ids
    assert generation.rows(ids).tolist() == rows.tolist()
    assert generation.columns["price"].tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(generation.columns["stock"]).all()
    np.testing.assert_allclose(
        generation.index.vectors(rows),
        np.stack([np.cos(0.1 * rows), np.sin(0.1 * rows)], axis=1),
        atol=1e-3,
    )
    assert generation.index.search(np.array([1, 0], np.float32), 2)[0].tolist() == [0, 1]
    assert (
        generation.digests(rows).tolist() == digest_texts([f"text of {id}" for id in ids]).tolist()
    )


def test_unknown_ids_have_no_row(generation):
    rows = generation.rows(["zzz", "a", "", "long id, and longer than any", "lo"])
    assert rows.tolist() == [-1, 2, -1, -1, -1]
    assert rows.dtype == np.int64
    assert generation.rows([]).tolist() == []


def test_rows_that_do_not_exist_have_no_id(generation):
    assert generation.ids(np.array([], np.int64)) == []
    for row in (-1, 5):
        with pytest.raises(GenerationError, match="toys-000001 has 5 rows"):
            generation.ids(np.array([row]))


@settings(max_examples=30, deadline=None)
@given(
    ids=st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
        min_size=1,
        max_size=20,
        unique=True,
    ),
    strangers=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)),
)
def test_ids_and_rows_are_inverse(tmp_path_factory, ids, strangers):
    generation = write(tmp_path_factory.mktemp("ids") / "toys-000001", ids, chunk=3)
    assert generation.rows(ids).tolist() == list(range(len(ids)))
    assert generation.ids(generation.rows(ids)) == ids
    expected = [ids.index(id) if id in ids else -1 for id in strangers]
    assert generation.rows(strangers).tolist() == expected


def test_arrays_stay_on_disk(generation):
    assert not generation.embedded[0].vectors.flags.owndata
    assert not generation.embedded[0].vectors.flags.writeable


def test_a_vector_that_is_not_unit_is_named(tmp_path):
    with pytest.raises(VectorsError, match="product 'b' has a vector of length 2.0000, expected 1"):
        with GenerationWriter(tmp_path / "toys-000001", MANIFEST) as writer:
            vectors = np.array([[1, 0], [0, 2]], np.float16)
            writer.append([product("a"), product("b")], digest_texts(["a", "b"]), vectors)
    assert list(tmp_path.iterdir()) == []


def test_a_product_may_have_no_vector(tmp_path):
    with GenerationWriter(tmp_path / "toys-000001", MANIFEST) as writer:
        vectors = np.array([[1, 0], [np.nan, np.nan]], np.float16)
        writer.append([product("a"), product("b")], digest_texts(["a", "b"]), vectors)
        writer.finish_rows()
        writer.commit(bad_rows=0)
    generation = Generation.open(tmp_path / "toys-000001")
    assert generation.index.search(np.array([0, 1], np.float32), 5)[0].tolist() == [0]
    assert np.isnan(generation.index.vectors(np.array([1]))).all()


def test_a_large_one_is_served_by_a_graph(tmp_path, monkeypatch):
    monkeypatch.setattr("endcap_indexer.vectors.index.FLAT_CELLS", 10)
    generation = write(tmp_path / "toys-000001", [f"id{n}" for n in range(40)], chunk=7, angle=0.02)
    assert generation.manifest.index == "hnsw"
    assert generation.index.search(np.array([1, 0], np.float32), 3)[0].tolist() == [0, 1, 2]


def test_damage_is_found_at_open(generation, tmp_path):
    path = tmp_path / "toys-000001" / "columns.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ChecksumError, match=r"columns\.npy is damaged"):
        Generation.open(tmp_path / "toys-000001")


def test_arrays_of_different_lengths_are_refused(tmp_path):
    with GenerationWriter(tmp_path / "toys-000001", MANIFEST) as writer:
        writer.append([product("a")], digest_texts(["a", "b"]), np.array([[1, 0]], np.float16))
        writer.finish_rows()
        writer.commit(bad_rows=0)
    with pytest.raises(GenerationError, match="differ in length; run reindex"):
        Generation.open(tmp_path / "toys-000001")


def test_the_manifest_tells_what_was_built(generation):
    assert generation.manifest == replace(MANIFEST, products=5, bad_rows=0, index="flat")
