import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from importlib import import_module

import numpy as np
import pytest

from endcap_indexer.catalogue import CatalogueFields
from endcap_indexer.exceptions import (
    CatalogueError,
    FieldsError,
    GenerationError,
    LeaseError,
    VectorsError,
)
from endcap_indexer.generations import (
    Generation,
    generation_folder,
    hold_lease,
    list_generations,
    reindex,
)
from endcap_indexer.generations.indices import finish_index


def names(client):
    return sorted(client.indices.get(index="*"))


def folders(store):
    return sorted(path.name for path in (store / "generations").iterdir())


def test_a_catalogue_becomes_searchable(build, write_catalogue, read_live, client, store):
    result = build(write_catalogue(30))
    assert read_live() == ("first", 30)
    assert result[:6] == ("products-000001", 30, 30, 0, 0, False)
    assert result.seconds > 0
    assert folders(store) == ["products-000001"]
    mapping = client.indices.get_mapping(index="products")["products-000001"]["mappings"]
    meta = mapping["_meta"]["endcap"]
    assert set(meta) == {
        "generation", "encoder", "dimension", "text_fields", "created", "digest", "row_field",
        "vectors", "before",
    }  # fmt: skip
    assert (meta["generation"], meta["encoder"]) == ("products-000001", "toy-1")
    assert (meta["dimension"], meta["text_fields"]) == (8, ["title^2"])
    alias = client.indices.get_alias(name="products")
    assert alias == {"products-000001": {"aliases": {"products": {"is_write_index": True}}}}
    hit = client.search(
        index="products",
        body={"query": {"match": {"title": "7"}}, "docvalue_fields": ["endcap.row"]},
    )["hits"]["hits"][0]
    assert (hit["_id"], hit["fields"]["endcap.row"]) == ("p7", [7])


def test_an_unchanged_catalogue_is_recognised(build, write_catalogue, encoder, client):
    build(write_catalogue(30))
    encoder.encoded.clear()
    again = build(write_catalogue(30))
    assert again[:6] == ("products-000001", 30, 0, 30, 0, True)
    assert encoder.encoded == []
    assert names(client) == ["products-000001"]


def test_an_unchanged_catalogue_is_built_when_forced(build, write_catalogue, encoder, read_live):
    build(write_catalogue(30))
    encoder.encoded.clear()
    assert build(write_catalogue(30), force=True)[:6] == ("products-000002", 30, 0, 30, 0, False)
    assert encoder.encoded == []
    assert read_live() == ("first", 30)


def test_only_changed_texts_are_embedded(build, write_catalogue, encoder, client, store):
    catalogue = write_catalogue(30)
    build(catalogue)
    encoder.encoded.clear()
    text = catalogue.source.paths[0].read_text()
    catalogue.source.paths[0].write_text(
        text.replace("lamp 7 ", "lantern 7 ").replace('"price": 9.5', '"price": 1')
    )
    result = build(catalogue)
    assert (result.embedded, result.reused) == (1, 29)
    assert encoder.encoded == ["lantern 7 first"]
    live = Generation.open(generation_folder(store, result.generation))
    assert live.columns["price"][9] == 1
    expected = encoder.encode_queries(["lantern 7 first"])
    np.testing.assert_allclose(live.index.vectors(np.array([7])), expected, atol=1e-3)


@pytest.mark.parametrize(
    ("fields", "encoder_name"),
    [
        (CatalogueFields(text={"title": 3.0}, keywords=("brand",), price="price"), "toy-1"),
        (CatalogueFields(text={"title": 2.0}, keywords=("brand",), price="price"), "toy-2"),
    ],
)
def test_other_fields_or_another_encoder_build_anew(
    build, write_catalogue, encoder, fields, encoder_name
):
    build(write_catalogue(30))
    result = build(write_catalogue(30, fields=fields), type(encoder)(encoder_name))
    assert result.generation == "products-000002"
    assert result.embedded == (0 if encoder_name == "toy-1" else 30)


def test_the_previous_generation_is_kept_and_no_older(
    build, write_catalogue, client, store, read_live
):
    for edition in ("first", "second", "third"):
        build(write_catalogue(5, edition))
        assert read_live() == (edition, 5)
    assert names(client) == folders(store) == ["products-000002", "products-000003"]


def test_what_an_alias_names_is_never_removed(build, write_catalogue, client, store):
    build(write_catalogue(5, "first"))
    client.indices.put_alias(index="products-000001", name="yesterday")
    for edition in ("second", "third", "fourth"):
        build(write_catalogue(5, edition))
    assert names(client) == ["products-000001", "products-000003", "products-000004"]
    assert folders(store) == names(client)


def test_indices_of_others_are_left_alone(build, write_catalogue, client, read_live):
    """A shop's own rollover indices are named as generations are."""
    client.indices.create(index="products-000007", body={"aliases": {"products": {}}})
    client.indices.create(index="products-000004")
    client.indices.create(index="products-archive")
    for edition in ("first", "second", "third"):
        build(write_catalogue(5, edition))
    assert read_live() == ("third", 5)
    others = ["products-000004", "products-000007", "products-archive"]
    assert names(client) == [*others[:2], "products-000009", "products-000010", others[2]]


def test_leftovers_of_a_dead_build_are_removed(build, write_catalogue, client, store, read_live):
    build(write_catalogue(5, "first"))
    meta = {"_meta": {"endcap": {"generation": "products-000002"}}}
    client.indices.create(index="products-000002", body={"mappings": meta})
    leftover = store / "generations" / "products-000002.building"
    leftover.mkdir()
    (leftover / "ids.npy").write_bytes(b"half")
    (store / "generations" / "products-000003").mkdir()
    assert build(write_catalogue(5, "second")).generation == "products-000002"
    assert names(client) == folders(store) == ["products-000001", "products-000002"]
    assert read_live() == ("second", 5)


@pytest.mark.parametrize("bad", [[{"id": "p0", "title": "", "price": 1}], []])
def test_a_catalogue_without_products_changes_nothing(
    build, write_catalogue, read_live, client, store, bad
):
    build(write_catalogue(5))
    with pytest.raises(CatalogueError, match=r"products\.jsonl"):
        build(write_catalogue(rows=bad))
    assert read_live() == ("first", 5)
    assert names(client) == folders(store) == ["products-000001"]


def test_an_index_in_the_aliass_place_is_refused(build, write_catalogue, client):
    client.indices.create(index="products")
    said = "'products' is an index, .*endcap attach products.* another --index"
    with pytest.raises(GenerationError, match=said):
        build(write_catalogue(5))
    assert names(client) == ["products"]


def test_an_alias_of_two_indices_is_refused(build, write_catalogue, client):
    for name in ("a", "b"):
        client.indices.create(index=name, body={"aliases": {"products": {}}})
    with pytest.raises(GenerationError, match=r"names 2 indices \(a, b\): remove it from all but"):
        build(write_catalogue(5))


def test_documents_that_do_not_add_up_are_an_error(client):
    client.indices.create(index="toys")
    client.index(index="toys", id="p1", body={})
    with pytest.raises(GenerationError, match="toys holds 1 documents, but 2 products were sent"):
        finish_index(client, "toys", 2)


def test_an_interrupted_build_is_resumed(
    build, write_catalogue, encoder, read_live, monkeypatch, chunks_of_ten
):
    build(write_catalogue(5))
    patient = encoder.encode_products

    def encode(texts):
        if len(encoder.encoded) >= 25:
            raise KeyboardInterrupt
        return patient(texts)

    monkeypatch.setattr(encoder, "encode_products", encode)
    with pytest.raises(KeyboardInterrupt):
        build(write_catalogue(60, "second"))
    assert read_live() == ("first", 5)
    encoded = len(encoder.encoded) - 5
    assert encoded == 20
    monkeypatch.setattr(encoder, "encode_products", patient)
    result = build(write_catalogue(60, "second"))
    assert (result.embedded, result.reused) == (40, 20)
    assert read_live() == ("second", 60)


def test_a_damaged_live_generation_is_built_anew(build, write_catalogue, store, read_live, caplog):
    build(write_catalogue(5))
    (generation_folder(store, "products-000001") / "vectors.f16.npy").write_bytes(b"junk")
    with caplog.at_level(logging.WARNING):
        result = build(write_catalogue(5))
    assert (result.generation, result.embedded) == ("products-000002", 5)
    assert "everything is embedded again" in caplog.text
    assert read_live() == ("first", 5)


def test_the_shop_may_bring_its_vectors(build, write_catalogue, store, client, encoder):
    fields = CatalogueFields(vector="embedding")
    rows = [
        {"id": "north", "title": "north", "embedding": [0, 1]},
        {"id": "east", "title": "east", "embedding": [1, 0]},
    ]
    result = build(write_catalogue(rows=rows, fields=fields), None)
    assert (result.embedded, result.reused) == (0, 0)
    live = Generation.open(generation_folder(store, result.generation))
    assert (live.manifest.encoder, live.manifest.dimension) == (None, 2)
    found, _ = live.index.search(np.array([1, 0], np.float32), 1)
    assert live.ids(found) == ["east"]
    with pytest.raises(VectorsError, match="have 2 numbers, toy-1 makes 8 of a query"):
        build(write_catalogue(rows=rows, fields=fields))
    for_queries = type(encoder)(dimension=2)
    result = build(write_catalogue(rows=rows, fields=fields), for_queries)
    assert for_queries.encoded == []
    assert Generation.open(generation_folder(store, result.generation)).manifest.encoder == "toy-1"


def test_texts_need_an_encoder(build, write_catalogue):
    with pytest.raises(FieldsError, match=r"catalogue\.vector names no field .* give an encoder"):
        build(write_catalogue(5), None)


def test_two_indices_share_a_store(client, store, encoder, write_catalogue, read_live):
    reindex(client, store, "lamps-and", write_catalogue(3, "other"), encoder)
    reindex(client, store, "products", write_catalogue(5), encoder)
    assert read_live() == ("first", 5)
    assert folders(store) == ["lamps-and-000001", "products-000001"]


def test_one_writer_at_a_time(build, write_catalogue, store, monkeypatch):
    module = import_module("endcap_indexer.generations.reindex")
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.0)
    with hold_lease(store), pytest.raises(LeaseError):
        build(write_catalogue(5))


def test_who_follows_for_a_moment_is_waited_for(build, write_catalogue, store):
    with ExitStack() as held:
        held.enter_context(hold_lease(store))
        with ThreadPoolExecutor(1) as pool:
            built = pool.submit(build, write_catalogue(5))
            with pytest.raises(TimeoutError):
                built.result(0.3)
            held.close()
            assert built.result().products == 5


def test_progress_is_told(build, write_catalogue, chunks_of_ten):
    told = []

    class Watcher:
        def advance(self, stage, done, total):
            told.append((stage, done, total))

    build(write_catalogue(25), progress=Watcher())
    assert told[:3] == [("products", 10, 25), ("products", 20, 25), ("products", 25, 25)]
    assert told[3:] == [("indexes", 0, 2), ("indexes", 1, 2), ("indexes", 2, 2)]


def test_generations_are_listed(build, write_catalogue, client, store):
    build(write_catalogue(5))
    build(write_catalogue(7, "second"))
    (store / "generations" / "products-000003.building").mkdir()
    old, new = list_generations(client, store, "products")
    assert (old.name, old.products, old.encoder, old.live) == ("products-000001", 5, "toy-1", False)
    assert (new.name, new.products, new.encoder, new.live) == ("products-000002", 7, "toy-1", True)
    folder = generation_folder(store, "products-000002")
    assert new.bytes == sum(file.stat().st_size for file in folder.iterdir())
    assert new.created.endswith("+00:00")
    assert list_generations(client, store, "nothing") == []
