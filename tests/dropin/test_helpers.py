"""opensearch-py's helpers and its query DSL do on our client what they do on the plain one."""

from uuid import uuid4

import pytest
from opensearchpy import (
    A,
    Document,
    FacetedSearch,
    Keyword,
    MultiSearch,
    Q,
    Search,
    TermsFacet,
    Text,
    helpers,
)
from opensearchpy._async.helpers.document import AsyncDocument
from opensearchpy._async.helpers.search import AsyncSearch
from opensearchpy.exceptions import TransportError
from opensearchpy.helpers.errors import BulkIndexError

TEXT = {"query": {"match": {"title": "red sofa"}}}
NOTES = [{"_id": str(number), "title": f"note {number}"} for number in range(25)]


@pytest.fixture
def sync(shop):
    with shop.client() as client:
        yield client


@pytest.fixture
def notes(shop):
    """The name of an index that is gone afterwards."""
    name = f"notes-{uuid4().hex[:8]}"
    yield name
    with shop.plain() as client:
        client.indices.delete(index=f"{name}*", params={"allow_no_indices": "true"})


def ids(hits):
    return [hit["_id"] for hit in hits]


def test_bulk_and_scan(sync, shop, notes):
    assert helpers.bulk(sync, NOTES, index=notes, chunk_size=7, refresh=True) == (25, [])
    found = helpers.scan(sync, index=notes, query={"query": {"match": {"title": "note"}}}, size=10)
    assert sorted(ids(found)) == sorted(note["_id"] for note in NOTES)
    deletes = [{"_op_type": "delete", "_id": note["_id"]} for note in NOTES[:5]]
    done = list(helpers.streaming_bulk(sync, deletes, index=notes, refresh=True))
    assert [ok for ok, _ in done] == [True] * 5
    many = helpers.parallel_bulk(sync, NOTES, index=notes, thread_count=2, chunk_size=5)
    assert all(ok for ok, _ in many)
    sync.indices.refresh(index=notes)
    assert sync.count(index=notes)["count"] == 25


def test_a_bulk_that_fails_says_what_failed(sync, notes):
    sync.indices.create(index=notes)
    sync.create(index=notes, id="1", body={"title": "note"})
    again = [{"_op_type": "create", "_id": "1", "title": "note"}]
    with pytest.raises(BulkIndexError) as raised:
        helpers.bulk(sync, again, index=notes)
    assert raised.value.errors[0]["create"]["status"] == 409


def test_scan_and_reindex_of_the_shop_itself(sync, shop, notes):
    by_score = helpers.scan(sync, index=shop.alias, query=TEXT, size=5, preserve_order=True)
    with shop.plain() as plain:
        expected = helpers.scan(plain, index=shop.alias, query=TEXT, size=5, preserve_order=True)
        assert ids(by_score) == ids(expected)
    assert helpers.reindex(sync, shop.alias, notes, query=TEXT) == (27, 0)


async def test_the_asynchronous_helpers(shop, notes):
    async with shop.async_client() as client:
        done = await helpers.async_bulk(client, NOTES, index=notes, refresh=True)
        assert done == (25, [])
        query = {"query": {"match": {"title": "note"}}}
        scanned = helpers.async_scan(client, index=notes, query=query, size=10)
        assert len([hit async for hit in scanned]) == 25
        streamed = helpers.async_streaming_bulk(client, NOTES[:3], index=notes)
        assert [ok async for ok, _ in streamed] == [True] * 3
        assert await helpers.async_reindex(client, shop.alias, f"{notes}-2", query=TEXT) == (27, 0)


def test_a_search_of_the_dsl_is_re_ranked(sync, shop):
    search = Search(using=sync, index=shop.alias).query("match", title="red sofa")
    search = search.filter("range", price={"gte": 5}).highlight("title")[2:6]
    search.aggs.bucket("kinds", A("terms", field="kind"))
    assert search.count() == 22  # what the engine's own query finds
    response = search.execute()
    expected = sync.search(search.to_dict(), shop.alias)
    assert response.ext.endcap.applied is True
    assert response.success()
    assert response.hits.total.value == expected["hits"]["total"]["value"]
    assert [hit.meta.id for hit in response] == ids(expected["hits"]["hits"])
    assert [hit.meta.score for hit in response] == [h["_score"] for h in expected["hits"]["hits"]]
    assert response[0].meta.highlight.title == expected["hits"]["hits"][0]["highlight"]["title"]
    assert response.aggregations.kinds.buckets[0].doc_count > 0
    personal = search.extra(ext={"endcap": {"history": ["p018"]}}).execute()
    assert personal.ext.endcap.applied is True
    named = search.params(preference="_local", user="ada", request_timeout=10).execute()
    assert [hit.meta.id for hit in named] == ids(expected["hits"]["hits"])


def test_a_search_of_the_dsl_that_is_not_re_ranked(sync, shop):
    by_price = Search(using=sync, index=shop.alias).query("match", title="sofa").sort("price")
    assert [hit.price for hit in by_price[:3]] == [0.0, 6.0, 12.0]
    assert by_price.execute().ext.endcap.reason == "sorted by a field"
    scanned = Search(using=sync, index=shop.alias).query("match", title="sofa").scan()
    assert len(list(scanned)) == 12
    with pytest.raises(TransportError):
        Search(using=sync, index=shop.alias).query("range", price={"gte": "many"}).execute()


def test_a_multi_search_of_the_dsl_is_re_ranked_line_by_line(sync, shop):
    sofas = Search().query("match", title="sofa")
    responses = MultiSearch(using=sync, index=shop.alias).add(sofas).add(sofas.sort("price"))
    first, second = responses.execute()
    assert (first.ext.endcap.applied, second.ext.endcap.applied) == (True, False)
    assert [hit.price for hit in second][:3] == [0.0, 6.0, 12.0]
    with pytest.raises(TransportError):
        MultiSearch(using=sync, index="nowhere").add(sofas).execute()
    quiet = MultiSearch(using=sync, index="nowhere").add(sofas).execute(raise_on_error=False)
    assert quiet == [None]


def test_a_faceted_search_of_the_dsl_counts_what_it_finds(sync, shop):
    class Sofas(FacetedSearch):
        fields = ("title",)
        facets = {"brand": TermsFacet(field="brand.keyword")}

        def __init__(self, *given):
            self.using, self.index = sync, shop.alias
            super().__init__(*given)

    response = Sofas("red sofa", {"brand": ["Cedar"]}).execute()
    assert response.ext.endcap.applied is True
    assert {hit.brand for hit in response} == {"Cedar"}
    counts = {brand: count for brand, count, _ in response.facets.brand}
    assert counts == {"Alder": 16, "Birch": 16, "Cedar": 16}


def test_documents_of_the_dsl_are_kept_and_found(sync, notes):
    class Note(Document):
        title = Text()
        kind = Keyword()

    Note.init(index=notes, using=sync)
    note = Note(meta={"id": "1"}, title="red sofa", kind="a")
    assert note.save(using=sync, index=notes, refresh=True) == "created"
    assert Note.get("1", using=sync, index=notes).title == "red sofa"
    found = Note.search(using=sync, index=notes).query(Q("match", title="sofa")).execute()
    assert [type(hit) for hit in found] == [Note]
    note.delete(using=sync, index=notes)


async def test_the_asynchronous_dsl(shop, notes):
    class Note(AsyncDocument):
        title = Text()

    async with shop.async_client() as client:
        search = AsyncSearch(using=client, index=shop.alias).query("match", title="red sofa")
        assert await search.count() == 27
        response = await search.execute()
        expected = await client.search(TEXT, shop.alias)
        assert response.ext.endcap.applied is True
        assert [hit.meta.id for hit in response] == ids(expected["hits"]["hits"])
        assert len([hit async for hit in search.scan()]) == 27
        await Note.init(index=notes, using=client)
        await Note(meta={"id": "1"}, title="sofa").save(using=client, index=notes)
        assert (await Note.get("1", using=client, index=notes)).title == "sofa"
