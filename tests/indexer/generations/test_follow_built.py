"""What anybody writes to an index that reindex built is followed, on both engines."""

import numpy as np
import pytest
from built_shop import FIELDS, BuiltShop, row

from endcap_indexer.catalogue import CatalogueFields
from endcap_indexer.exceptions import ChecksumError
from endcap_indexer.generations import IndexSettings, pursuit
from endcap_indexer.generations.checkpoints import CHECKPOINT
from endcap_indexer.generations.handover import HANDOVER, Handover, begin_handover


def test_what_was_built_is_known(built, encoder):
    """Reading the documents says what reading the catalogue said: nothing is embedded again."""
    built.build([row(n) for n in range(20)])
    encoder.encoded.clear()
    assert built.follow()[1:6] == (0, 0, 0, 0, 0)
    (built.generation().path / CHECKPOINT).unlink()
    assert built.follow()[1:6] == (20, 0, 0, 0, 0)
    assert encoder.encoded == []


def test_whatever_is_written_is_followed(built, encoder, monkeypatch):
    monkeypatch.setattr(pursuit, "BATCH", 3)
    built.build([row(n) for n in range(10)])
    encoder.encoded.clear()
    client, index = built.client, built.index
    client.update(index=index, id="p1", body={"doc": {"price": 99.5}})
    client.update(index=index, id="p2", body={"doc": {"title": "chair"}})
    client.index(index=index, id="p3", body={"title": "whole", "price": 1.0})
    client.index(index=index, id="new", body={"title": "new lamp", "price": 2.0})
    client.delete(index=index, id="p4")
    followed = built.follow()
    assert (followed.read, followed.changed) == (6 if built.settings.vectors == "folder" else 9, 4)
    assert (followed.embedded, followed.removed) == (3, 1)
    assert sorted(encoder.encoded)[1:] == ["new lamp", "whole"]
    generation = built.assert_followed()
    assert generation.rows(["new", "p4"]).tolist() == [10, -1]
    assert built.follow()[1:6] == (0, 0, 0, 0, 0)
    client.index(index=index, id="p4", body={"title": "back again", "price": 3.0})
    built.follow()
    assert built.assert_followed().rows(["p4"]).tolist() == [4]


def test_a_vector_that_was_dropped_is_written_again(built, encoder):
    """A program that writes a document whole drops what lies under `endcap`."""
    built.build([row(n) for n in range(3)])
    source = built.client.get(index=built.index, id="p1")["_source"]
    del source["endcap"]
    built.client.index(index=built.index, id="p1", body=source)
    assert built.follow().changed == 0
    built.assert_followed()


OWN = CatalogueFields(text={"title": 2.0}, price="price", vector="v", analyzer="standard")


@pytest.fixture(params=["embedded", "server"])
def own(request, store, built_index):
    """A shop that brings its own vectors."""
    client = request.getfixturevalue("client" if request.param == "embedded" else "server")
    shop = BuiltShop(client, store, built_index, None, OWN)
    try:
        yield shop
    finally:
        shop.remove()


def test_the_shops_own_vectors_are_kept_and_taken_from_documents(own):
    units = np.eye(3)
    own.build([{"id": f"p{n}", "title": "t", "price": n, "v": units[n].tolist()} for n in range(3)])
    client, index = own.client, own.index
    client.update(index=index, id="p0", body={"doc": {"price": 9.0}})
    client.update(index=index, id="p1", body={"doc": {"endcap": {"vector": [0.6, 0.8, 0.0]}}})
    client.index(index=index, id="without", body={"title": "no vector", "price": 1.0})
    assert own.follow().changed == 3
    generation = own.generation()
    rows = generation.rows(["p0", "p1", "p2", "without"])
    expected = [units[0], [0.6, 0.8, 0.0], units[2], [np.nan] * 3]
    np.testing.assert_allclose(generation.index.vectors(rows), expected, atol=1e-3)
    assert generation.columns["price"][rows].tolist() == [9.0, 1.0, 2.0, 1.0]
    assert own.follow()[1:6] == (0, 0, 0, 0, 0)


def test_fields_are_those_of_the_catalogue(built):
    built.build([row(1)])
    assert CatalogueFields.from_table(built.generation().manifest.catalogue) == FIELDS
    assert built.settings in (IndexSettings(), IndexSettings("opensearch"))


def test_a_damaged_handover_says_what_removing_it_comes_to(built):
    built.build([row(0)])
    folder = built.generation().path
    begin_handover(folder, Handover("nobody", {}, {}, False, (), {}))
    noted = folder / HANDOVER
    noted.write_bytes(noted.read_bytes().replace(b"nobody", b"nobodx"))
    with pytest.raises(
        ChecksumError, match=f"{HANDOVER} is damaged .* remove it, and a write that"
    ):
        built.follow()
    noted.unlink()
    assert built.follow()[1:6] == (0, 0, 0, 0, 0)
