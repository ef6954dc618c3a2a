"""An index with a shop's own analysers, nested fields and pipelines, on a genuine OpenSearch."""

import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from itertools import count

import pytest

from endcap_indexer.catalogue import CatalogueFields, check_fields
from endcap_indexer.exceptions import FieldsError, GenerationError
from endcap_indexer.generations import Follower, Generation, attach, generation_folder

# the server warns, now and then, of an update where an index has an ingest pipeline
pytestmark = pytest.mark.filterwarnings("ignore:.*has a default ingest pipeline")
DOCUMENTS = 41
MODULE = import_module("endcap_indexer.generations.attach")  # the package has its function
SHOP_TITLES = CatalogueFields(id="_id", title="name")


def versions(shop):
    return {id: (hit["_version"], hit["_seq_no"]) for id, hit in shop.documents().items()}


def without_rows(documents):
    """Sources without what is ours."""
    sources = {id: dict(hit["_source"]) for id, hit in documents.items()}
    for source in sources.values():
        source.pop("endcap", None)
    return sources


def test_only_the_name_of_the_generation_is_added(shop, attach_shop, assert_followed):
    mappings, held = shop.mappings(), versions(shop)
    settings = shop.client.indices.get_settings(index=shop.name)
    done = attach_shop()
    assert (done.generation, done.target) == (f"{shop.name}-000001", shop.name)
    assert (done.products, done.embedded, done.rows) == (DOCUMENTS, DOCUMENTS - 1, 0)
    generation = assert_followed(rows=False)
    after = shop.mappings()
    assert after["_meta"].pop("endcap") == generation.manifest.meta
    assert generation.manifest.row_field is None
    assert after == mappings
    assert versions(shop) == held
    assert shop.client.indices.get_settings(index=shop.name) == settings


def test_rows_are_written_where_that_is_allowed(shop, attach_shop, assert_followed):
    mappings, before = shop.mappings(), without_rows(shop.documents())
    done = attach_shop(rows=True)
    assert (done.rows, done.row_field) == (DOCUMENTS, "endcap.row")
    assert_followed(rows=True)
    after = shop.mappings()
    del after["_meta"]["endcap"]
    row = after["properties"].pop("endcap")
    assert row == {"properties": {"row": {"type": "integer"}}}
    assert after == mappings
    assert without_rows(shop.documents()) == before  # the ingest pipeline has not run again


def test_what_was_allowed_once_goes_on(shop, attach_shop, assert_followed):
    """Rows stay as they are, so no document is written again; a new encoder embeds again."""
    attach_shop(rows=True)
    generation = assert_followed(rows=True)
    shop.delete(3)
    shop.put(50)
    held = versions(shop)
    again = attach_shop()
    assert (again.generation, again.row_field) == (f"{shop.name}-000002", "endcap.row")
    assert (again.embedded, again.reused, again.rows) == (1, DOCUMENTS - 2, 1)
    rebuilt = assert_followed(rows=True)
    ids = [f"p{n}" for n in range(40) if n != 3]
    assert rebuilt.rows(ids).tolist() == generation.rows(ids).tolist()
    assert rebuilt.rows(["p3", "p50"]).tolist() == [-1, len(generation)]
    del held["p50"]
    assert held.items() <= versions(shop).items()
    without = attach_shop(rows=False)
    assert without.row_field is None


def test_the_last_two_are_kept_and_what_a_reader_holds(shop, attach_shop, store):
    def attach_again():
        attach_shop()
        return sorted(path.name[-1] for path in (store / "generations").glob(f"{shop.name}-*"))

    attach_again()
    reader = Generation.open(generation_folder(store, f"{shop.name}-000001"))
    assert [attach_again(), attach_again()] == [["1", "2"], ["1", "2", "3"]]
    assert reader.refreshed().products == DOCUMENTS
    del reader
    assert attach_again() == ["3", "4"]


def test_an_alias_names_its_one_index(shop, attach_shop, assert_followed, server):
    server.indices.put_alias(index=shop.name, name=f"{shop.name}-live")
    assert attach_shop(f"{shop.name}-live").target == shop.name
    assert_followed(rows=False)


def test_several_indices_are_refused(shop, attach_shop, server):
    other = f"{shop.name}-other"
    server.indices.create(index=other)
    try:
        for name in (shop.name, other):
            server.indices.put_alias(index=name, name=f"{shop.name}-both")
        with pytest.raises(GenerationError, match=r"-both names 2 indices \(.*\): name one"):
            attach_shop(f"{shop.name}-both")
    finally:
        server.indices.delete(index=other)


@pytest.mark.parametrize(
    ("mappings", "rows", "said"),
    [
        ({"_source": {"enabled": False}}, False, "keeps no _source"),
        ({"_source": {"excludes": ["secret"]}}, True, "attach it without --row-field"),
        ({"properties": {"endcap": {"type": "keyword"}}}, True, "a field endcap of its own"),
        (
            {"properties": {"endcap": {"properties": {"row": {"type": "long"}}}}},
            True,
            "a field endcap.row of its own",
        ),
    ],
)
def test_what_cannot_be_attached_says_why(server, store, encoder, shop, mappings, rows, said):
    name = f"{shop.name}-odd"
    server.indices.create(index=name, body={"mappings": mappings})
    try:
        with pytest.raises(GenerationError, match=said):
            attach(server, store, name, SHOP_TITLES, encoder, rows=rows)
        found = server.indices.get_mapping(index=name)[name]["mappings"]
        assert "_meta" not in found
    finally:
        server.indices.delete(index=name)


def test_an_index_that_reindex_built_is_refused(shop, attach_shop, server):
    meta = {**shop.mappings()["_meta"], "endcap": {"generation": shop.name}}
    server.indices.put_mapping(index=shop.name, body={"_meta": meta})
    with pytest.raises(GenerationError, match="was built by endcap reindex.*run: endcap reindex"):
        attach_shop()


def test_an_interrupted_run_embeds_only_what_is_missing(
    shop, attach_shop, assert_followed, encoder, monkeypatch
):
    monkeypatch.setattr(MODULE, "CHUNK_PRODUCTS", 10)
    encode, meta = encoder.encode_products, shop.mappings()["_meta"]

    def fail(texts):
        if len(encoder.encoded) >= 20:
            raise KeyboardInterrupt
        return encode(texts)

    monkeypatch.setattr(encoder, "encode_products", fail)
    with pytest.raises(KeyboardInterrupt):
        attach_shop()
    assert shop.mappings()["_meta"] == meta
    done = len(encoder.encoded)
    monkeypatch.setattr(encoder, "encode_products", encode)
    again = attach_shop()
    assert (again.generation, again.reused) == (f"{shop.name}-000001", done)
    assert len(encoder.encoded) == DOCUMENTS - 1
    assert_followed(rows=False)


@pytest.mark.parametrize("rows", [False, True])
def test_what_is_written_meanwhile_is_not_lost(
    shop, attach_shop, assert_followed, encoder, follower, monkeypatch, rows
):
    """Writers of every kind, from before the scan until after the commit."""
    monkeypatch.setattr(MODULE, "CHUNK_PRODUCTS", 5)
    stopped, begun = threading.Event(), threading.Event()

    def write():
        for number in count(100):
            shop.put(number, number % 40, edition=f"edition {number}")
            body = {"doc": {"price": float(number)}}
            id = f"p{(number + 7) % 40}"
            shop.client.update(index=shop.name, id=id, body=body, retry_on_conflict=9)
            if number % 4 == 0:
                shop.delete(number)
            begun.set()
            if stopped.is_set():
                return number

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write)
        begun.wait(timeout=30)
        try:
            attach_shop(rows=rows)
            follower.run()
        finally:
            stopped.set()
        assert writer.result() > 105
    follower.run()
    assert_followed(rows=rows)


def test_documents_with_a_routing_are_given_their_row(server, store, encoder, shop):
    """Two documents may then have one id: they are one product."""
    name = f"{shop.name}-routed"
    settings = {"number_of_shards": 3, "number_of_replicas": 0}
    mappings = {"_routing": {"required": True}, "properties": {"name": {"type": "text"}}}
    server.indices.create(index=name, body={"settings": settings, "mappings": mappings})
    try:
        for n in range(12):
            server.index(index=name, id=str(n % 9), routing=f"r{n}", body={"name": f"lamp {n}"})
        done = attach(server, store, name, SHOP_TITLES, encoder, rows=True)
        server.indices.refresh(index=name)
        hits = server.search(index=name, body={"size": 20})["hits"]["hits"]
        assert done.products == len({hit["_id"] for hit in hits}) == 9
        rows = {hit["_id"]: hit["_source"]["endcap"]["row"] for hit in hits}
        assert sorted(rows.values()) == list(range(9))
        assert Follower(server, store, name, lambda _: encoder).run().rows == 0
    finally:
        server.indices.delete(index=name)


def test_values_that_are_no_numbers_are_counted(server, store, encoder, shop):
    name = f"{shop.name}-loose"
    server.indices.create(index=name, body={"mappings": {"dynamic": False}})
    try:
        for n, price in enumerate((1, "2.5", "cheap", -1, [3, 4], None)):
            server.index(index=name, id=str(n), body={"name": "lamp", "price": price})
        fields = CatalogueFields(id="_id", title="name", price="price")
        done = attach(server, store, name, fields, encoder)
        assert done.left_out == {"price": 2}
        assert done.products == 6
    finally:
        server.indices.delete(index=name)


def test_an_empty_index_is_attached_where_its_fields_are_known(server, store, encoder, shop):
    name = f"{shop.name}-new"
    server.indices.create(index=name, body={"mappings": {"properties": {"name": {"type": "text"}}}})
    try:
        assert attach(server, store, name, SHOP_TITLES, encoder).products == 0
        server.index(index=name, id="first", body={"name": "lamp"})
        followed = Follower(server, store, name, lambda _: encoder).run()
        assert (followed.changed, followed.segments) == (1, 1)
    finally:
        server.indices.delete(index=name)


def test_an_index_of_the_embedded_engine(client, store, encoder):
    client.index(index="own", id="1", body={"name": "lamp"})
    assert attach(client, store, "own", SHOP_TITLES, encoder, rows=True).rows == 1
    client.index(index="own", id="2", body={"name": "sofa"})
    client.delete(index="own", id="1")
    followed = Follower(client, store, "own", lambda _: encoder).run()
    assert (followed.embedded, followed.removed, followed.rows) == (1, 1, 1)
    assert client.get(index="own", id="2")["_source"]["endcap"] == {"row": 1}


def test_fields_are_those_that_the_index_has(shop):
    properties = shop.mappings()["properties"]
    assert check_fields(properties, CatalogueFields(title="name")).id == "_id"
    for wrong, said in (
        ({"text": {"variants.note": 1.0}}, "catalogue.text names 'variants.note'"),
        ({"text": {"nothing": 1.0}}, "catalogue.text names 'nothing'"),
        ({"embed": ("name", "nothing")}, "catalogue.embed names 'nothing'"),
        ({"price": "cost"}, "catalogue.price names 'cost'"),
        ({"vector": "v"}, "catalogue.vector is 'v'"),
    ):
        with pytest.raises(FieldsError, match=said):
            check_fields(properties, CatalogueFields(title="name", **wrong))
