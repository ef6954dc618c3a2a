"""Vectors of some products, read back from the cluster."""

from uuid import uuid4

import numpy as np
import pytest
from built_shop import BuiltShop, row, said_by

from endcap_indexer.exceptions import VectorsError
from endcap_indexer.generations import IndexSettings, pursuit, read_vectors, readback


@pytest.fixture
def shop(server, store, encoder):
    """Thirty products, their vectors in the cluster."""
    name = f"readback-{uuid4().hex[:12]}"
    shop = BuiltShop(server, store, name, encoder, settings=IndexSettings("opensearch"))
    try:
        shop.build([row(n) for n in range(30)])
        yield shop
    finally:
        shop.remove()


def expected(shop, *ids):
    """Of what the documents say."""
    documents = shop.documents()
    texts = [said_by(documents[id]) for id in ids]
    return shop.encoder.encode_queries(texts).astype(np.float16).astype(np.float32)


def test_any_rows_in_any_order_page_by_page(shop, monkeypatch, caplog):
    monkeypatch.setattr(readback, "CHUNK_HITS", 7)
    rows = np.random.default_rng(0).permutation(30)
    found = read_vectors(shop.client, shop.generation(), rows)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected(shop, *(f"p{n}" for n in rows)))
    assert "no vector" not in caplog.text
    assert read_vectors(shop.client, shop.generation(), rows[:0]).shape == (0, 8)


def test_what_is_not_there_is_nan(shop, caplog):
    """An unknown product, one that is gone, one that a program wrote without its vector."""
    generation = shop.generation()
    shop.client.delete(index=shop.index, id="p3")
    shop.client.index(index=shop.index, id="p4", body={"title": "ours no more"}, refresh=True)
    found = read_vectors(shop.client, generation, np.array([-1, 3, 4, 5]))
    np.testing.assert_array_equal(found[3:], expected(shop, "p5"))
    assert np.isnan(found[:3]).all()
    assert f"2 texts of {generation.name} have no vector in the cluster" in caplog.text


def test_why_they_cannot_be_read_is_said(shop):
    generation = shop.generation()
    shop.client.indices.close(index=generation.name)
    with pytest.raises(VectorsError, match=f"of {generation.name} cannot be read back: .*closed"):
        read_vectors(shop.client, generation, np.arange(3))


def test_whoever_sees_a_change_reads_its_vector(shop, monkeypatch):
    """No shard refreshes by itself here."""
    shop.client.indices.put_settings(
        index=shop.index, body={"index.refresh_interval": "-1", "index.search.idle.after": "1h"}
    )
    read = []
    update = pursuit.update_generation

    def spy(*arguments):
        generation = update(*arguments)
        changed = generation.changed_rows
        read.append((generation.ids(changed), read_vectors(shop.client, generation, changed)))
        return generation

    monkeypatch.setattr(pursuit, "update_generation", spy)
    shop.client.index(index=shop.index, id="p4", body=row(4, "second"))
    shop.client.index(index=shop.index, id="new", body={**row(99), "id": "new"})
    shop.follow()
    ids, found = read[0]
    assert ids == ["p4", "new"]
    np.testing.assert_array_equal(found, expected(shop, "p4", "new"))


def test_a_generation_is_told_of_before_anybody_sees_it(shop):
    seen = []
    before = shop.live()

    def prepare(generation):
        vectors = read_vectors(shop.client, generation, np.arange(len(generation)))
        seen.append((generation.name, shop.live(), vectors))

    shop.build([row(n) for n in range(40)], prepare=prepare)
    ((name, live, vectors),) = seen
    assert (name, live) == (shop.live(), before)
    np.testing.assert_array_equal(vectors, expected(shop, *(f"p{n}" for n in range(40))))
    assert shop.build([row(n) for n in range(40)], prepare=prepare).unchanged
    assert len(seen) == 1
