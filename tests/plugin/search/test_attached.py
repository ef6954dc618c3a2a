"""Searches of an index that the shop fills itself, before, while and after it is followed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from attached_shop import put_products
from toy_shop import products

import endcap
from endcap_indexer.catalogue import guess_fields
from endcap_indexer.encoder import open_encoder
from endcap_indexer.generations import Follower, attach, sample_sources

LIMIT_S = 20
QUERIES = [
    {"query": {"match": {"title": "sofa"}}},
    {"query": {"match": {"title": "scarlet couch"}}, "size": 30},  # the shop's own synonym
    {
        "query": {
            "bool": {
                "must": [{"match": {"title": "coat"}}],
                "filter": [
                    {"range": {"price": {"lt": 30}}},
                    {
                        "nested": {
                            "path": "variants",
                            "query": {"term": {"variants.colour": "navy"}},
                        }
                    },
                ],
            }
        },
        "size": 30,
        "aggs": {"kinds": {"terms": {"field": "kind"}}},
    },
]


@pytest.fixture
def shop(shop_index, tmp_path, encoder_folder, monkeypatch):
    return Shop(*shop_index, tmp_path / "store", encoder_folder, monkeypatch)


class Shop:
    """An index, the operator's side of it, and a client that searches it."""

    def __init__(self, name, plain, store, encoder_folder, monkeypatch):
        self.name, self.plain, self.store = name, plain, store
        store.mkdir()
        self.encoder = open_encoder(str(encoder_folder), store, device="cpu")
        monkeypatch.setattr("endcap.core.POLL_INTERVAL_S", 0.0)
        self.follower = Follower(plain, store, name, lambda _: self.encoder)

    def attach(self, **options):
        body = self.plain.indices.get_mapping(index=self.name)[self.name]
        sources = sample_sources(self.plain, self.name, 100)
        fields = guess_fields(body["mappings"]["properties"], sources)
        return attach(self.plain, self.store, self.name, fields, self.encoder, **options)

    def answers(self):
        """By row, as it is attached, and by id, on the very same index."""
        self.plain.indices.refresh(index=self.name)
        meta = self.plain.indices.get_mapping(index=self.name)[self.name]["mappings"]["_meta"]
        without = {**meta, "endcap": {**meta["endcap"], "row_field": None}}
        answered = []
        for facts in (meta, without, meta):
            self.plain.indices.put_mapping(index=self.name, body={"_meta": facts})
            with self.connect() as client:
                answered.append([client.search(body, self.name) for body in QUERIES])
        return answered[:2]

    def connect(self):
        (host,) = self.plain.transport.hosts
        return endcap.connect(f"http://{host['host']}:{host['port']}", store=self.store)


def seen(answer):
    """Hits with their scores, and what is counted."""
    assert answer["ext"]["endcap"]["applied"] is True
    hits = [(hit["_id"], round(hit["_score"], 5)) for hit in answer["hits"]["hits"]]
    return hits, answer["hits"]["total"], answer.get("aggregations")


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def ask(text, **changes):
    return {"query": {"match": {"title": text}}, "size": 100, **changes}


def until(condition):
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "not seen in time"
        time.sleep(0.01)


def test_an_attached_index_is_searched_by_meaning_too(shop):
    with shop.connect() as client:
        before = client.search(ask("couch"), shop.name)
        assert "nor attached" in before["ext"]["endcap"]["reason"]
        assert all("couch" in hit["_source"]["title"] for hit in before["hits"]["hits"])
    shop.attach()
    with shop.connect() as client:
        after = client.search(ask("couch"), shop.name)
        assert after["ext"]["endcap"]["applied"] is True
        assert {hit["_source"]["kind"] for hit in after["hits"]["hits"]} == {"sofa"}
        assert len(after["hits"]["hits"]) == 2 * len(before["hits"]["hits"])
        narrow = client.search(QUERIES[2], shop.name)
        assert {hit["_source"]["kind"] for hit in narrow["hits"]["hits"]} == {"jacket"}
        assert all("navy" in hit["_source"]["title"] for hit in narrow["hits"]["hits"])


def test_with_and_without_rows_the_same_is_answered(shop):
    """Without is slower, and said so."""
    shop.attach(rows=True)
    by_row, by_id = shop.answers()
    assert [seen(answer) for answer in by_row] == [seen(answer) for answer in by_id]
    for with_rows, without in zip(by_row, by_id, strict=True):
        assert with_rows["ext"]["endcap"]["reason"] is None
        assert "asked for by _id, which is slower" in without["ext"]["endcap"]["reason"]


def test_a_window_in_which_some_documents_lost_their_row(shop):
    """The shop overwrites documents as it always did. Until they are followed, what words find is
    found; afterwards all is as before.
    """
    shop.attach(rows=True)
    put_products(shop.plain, shop.name, products()[:20])
    by_row, by_id = shop.answers()
    for body, answer, whole in zip(QUERIES, by_row, by_id, strict=True):
        found = shop.plain.search(index=shop.name, body={**body, "size": 100})
        assert answer["ext"]["endcap"]["applied"] is True
        assert len(set(ids(answer))) == len(ids(answer))
        if answer["hits"]["total"]["value"] <= body.get("size", 10):
            assert set(ids(found)) <= set(ids(answer)) <= set(ids(whole))
    assert shop.follower.run().rows == 20
    by_row, by_id = shop.answers()
    assert [seen(answer) for answer in by_row] == [seen(answer) for answer in by_id]


@pytest.mark.parametrize("rows", [False, True])
def test_what_is_followed_is_found_without_a_restart(shop, rows):
    shop.attach(rows=rows)
    with shop.connect() as client:
        found = ids(client.search(ask("crimson couch"), shop.name))
        assert "p000" in found
        row = {"title": "crimson sofa", "kind": "sofa", "price": 1.0, "sales": 9}
        changed = {**products()[2], "title": "crimson couch"}
        put_products(shop.plain, shop.name, [{**row, "id": "fresh"}, changed])
        shop.plain.delete(index=shop.name, id="p000", refresh=True)
        followed = shop.follower.run()
        assert (followed.changed, followed.removed) == (2, 1)
        # nobody types a word of fresh, and p002 was a jacket
        until(lambda: "fresh" in ids(client.search(ask("couch"), shop.name)))
        found = ids(client.search(ask("couch"), shop.name))
        assert "p002" in found
        assert "p000" not in found
        assert "p002" not in ids(client.search(ask("coat"), shop.name))


@pytest.mark.parametrize("rows", [False, True])
def test_searches_are_whole_while_all_changes(shop, rows):
    """No hit twice, none that the engine's own answer would not show, no error."""
    shop.attach(rows=rows)
    stopped = threading.Event()

    def write():
        for number in range(10_000):
            if stopped.is_set():
                return
            catalogue = products()
            put_products(shop.plain, shop.name, catalogue[number % 60 : number % 60 + 5])
            shop.plain.delete(index=shop.name, id=f"p{number % 72:03}", ignore=404, refresh=True)

    def operate():
        while not stopped.is_set():
            shop.follower.run()

    with shop.connect() as client, ThreadPoolExecutor(2) as pool:
        others = [pool.submit(write), pool.submit(operate)]
        try:
            for _ in range(60):
                answer = client.search(ask("sofa"), shop.name)
                assert answer["ext"]["endcap"]["applied"] is True
                found = ids(answer)
                assert len(set(found)) == len(found)
                assert {hit["_source"]["kind"] for hit in answer["hits"]["hits"]} == {"sofa"}
        finally:
            stopped.set()
        for other in others:
            other.result()
