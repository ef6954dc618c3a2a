"""Vectors in the cluster, on the server: answers as from a folder, and what is different."""

import json
import time
from dataclasses import replace
from typing import NamedTuple
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opensearchpy import RequestError
from toy_queries import conditions, shapes

import endcap
from endcap.product_vectors import ClusterVectors
from endcap.steps import Computation
from endcap_indexer.generations import IndexSettings

PROFILE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CLUSTER = IndexSettings("opensearch")
LIMIT_S = 10


class Shop(NamedTuple):
    """One catalogue, twice on the server."""

    client: endcap.SearchClient
    folder: str  # the index whose vectors lie in the store
    cluster: str

    def both(self, body, **arguments):
        return [self.client.search(body, name, **arguments) for name in (self.folder, self.cluster)]


@pytest.fixture(scope="module")
def name(opensearch_url):
    """Makes names of indices that nobody else has; they are deleted."""
    suffix = uuid4().hex[:12]
    yield lambda stem: f"{stem}-{suffix}"
    with endcap.connect(opensearch_url) as client:
        client.indices.delete(index=f"*-{suffix}*", params={"allow_no_indices": "true"})


@pytest.fixture(scope="module")
def shop(opensearch_url, tmp_path_factory, rebuild, name):
    store = tmp_path_factory.mktemp("server")
    with endcap.connect(opensearch_url, store=store, timeout=60) as client:
        shop = Shop(client, name("folder"), name("cluster"))
        rebuild(client, store, index=shop.folder)
        rebuild(client, store, index=shop.cluster, settings=CLUSTER)
        yield shop


@pytest.fixture
def build(opensearch_url, tmp_path, rebuild, name):
    """A shop of its own, to be changed: `build(settings, rows)`; the client and the alias."""
    store = tmp_path / "own"
    store.mkdir()
    index = name(f"own{uuid4().hex[:6]}")
    with endcap.connect(opensearch_url, store=store, timeout=60) as client:

        def run(settings=CLUSTER, rows=None):
            rebuild(client, store, rows, index, settings)
            return client, index

        yield run


def ask(text, **changes):
    return {"query": {"match": {"title": text}}, **changes}


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def sources(answer):
    return {hit["_id"]: hit.get("_source") for hit in answer["hits"]["hits"]}


def assert_same(there, here):
    """Scores are as near as sums of other orders; products of one score may change places."""
    hits = [answer["hits"]["hits"] for answer in (there, here)]
    scores = [[hit["_score"] for hit in each] for each in hits]
    assert scores[0] == pytest.approx(scores[1], abs=2e-5)
    ordered = [sorted((-round(hit["_score"], 4), hit["_id"]) for hit in each) for each in hits]
    assert [id for _, id in ordered[0]] == [id for _, id in ordered[1]]
    for key in ("total", "max_score"):
        assert there["hits"][key] == pytest.approx(here["hits"][key])
    assert there.get("aggregations") == here.get("aggregations")
    said = [answer["ext"]["endcap"] for answer in (there, here)]
    for key in ("applied", "reason", "window"):
        assert said[0].get(key) == said[1].get(key)


@PROFILE
@given(
    asked=shapes,
    post=conditions,
    floor=st.sampled_from((-1.0, 0.3, 0.9)),
    history=st.lists(st.integers(0, 80).map("p{:03}".format), max_size=3),
)
def test_whatever_is_asked_the_answer_is_that_of_a_folder(shop, asked, post, floor, history):
    """As long as the window holds all: of a smaller one a folder may leave a part empty."""
    body = {
        "query": asked,
        "post_filter": {"bool": {"filter": post}},
        "aggs": {"kinds": {"terms": {"field": "kind", "size": 50}}},
        "size": 100,
        "ext": {"endcap": {"floor": floor, "history": history}},
    }
    folder, cluster = shop.both(body)
    assert_same(cluster, folder)


@pytest.mark.parametrize("recall", ["both", "lexical", "vector"])
def test_every_recall_and_every_column(shop, recall):
    ours = {"endcap": {"recall": recall, "explain": True, "history": ["p018", "p040"]}}
    folder, cluster = shop.both(ask("crimson couch", size=100, ext=ours))
    assert_same(cluster, folder)
    columns = [
        {each["_id"]: each["columns"] for each in answer["ext"]["endcap"]["explanations"]}
        for answer in (folder, cluster)
    ]
    for id, said in columns[0].items():
        assert columns[1][id] == pytest.approx(said, abs=2e-5)
        assert said["history"] is not None


@pytest.mark.parametrize("recall", ["both", "vector"])
@pytest.mark.parametrize("window", [4, 200])
def test_groups_have_the_vectors_of_what_stands_for_them(shop, recall, window):
    ours = {"endcap": {"recall": recall, "window": window, "explain": True}}
    body = ask("crimson couch", size=50, collapse={"field": "family"}, ext=ours)
    for answer in shop.both(body):
        explained = answer["ext"]["endcap"]["explanations"]
        assert len(explained) >= 2
        assert all(each["columns"]["text"] is not None for each in explained)
        best = answer["hits"]["hits"][0]["_source"]["title"]
        assert best in ("crimson couch", "red couch", "crimson sofa", "red sofa")


def test_a_shopper_s_events_count(shop):
    user = uuid4().hex
    shop.client.record(user=user, item="p018")
    folder, cluster = shop.both(ask("sofa", size=50), user=user)
    nobody = shop.client.search(ask("sofa", size=50), shop.cluster)
    shop.client.forget(user=user)
    assert_same(cluster, folder)
    assert ids(cluster) != ids(nobody)
    assert cluster["hits"]["hits"][0]["_source"]["title"] in ("navy sofa", "blue sofa")


@PROFILE
@given(filters=conditions, window=st.integers(1, 100))
def test_of_several_shards_the_nearest_are_taken(shop, sharded, filters, window):
    """Each shard finds a window of its own; BM25 counts by shard, so the vector leg alone is."""
    query = {"bool": {"must": [{"match": {"title": "little couch"}}], "filter": filters}}
    ours = {"endcap": {"recall": "vector", "window": window, "floor": -1.0, "explain": True}}
    body = {"query": query, "size": 100, "ext": ours}
    cosines = []
    for index in (shop.cluster, sharded):
        explained = shop.client.search(body, index)["ext"]["endcap"]["explanations"]
        cosines.append(sorted(each["columns"]["text"] for each in explained))
    assert cosines[0] == pytest.approx(cosines[1], abs=2e-5)


@pytest.fixture(scope="module")
def sharded(shop, rebuild, name):
    index = name("sharded")
    settings = replace(CLUSTER, shards=3)
    rebuild(shop.client, shop.client._core.store, index=index, settings=settings)
    return index


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({}, {"id", "title", "brand", "kind", "family", "price", "sales", "endcap"}),
        ({"_source": True}, {"id", "title", "brand", "kind", "family", "price", "sales", "endcap"}),
        ({"_source": False}, None),
        ({"_source": "t*"}, {"title"}),
        ({"_source": ["title", "endcap"]}, {"title", "endcap"}),
        ({"_source": {"includes": ["title", "endcap.*"]}}, {"title", "endcap"}),
        (
            {"_source": {"excludes": ["p*", "sales"]}},
            {"id", "title", "brand", "kind", "family", "endcap"},
        ),
        (
            {"_source": {"exclude": "endcap"}},
            {"id", "title", "brand", "kind", "family", "price", "sales"},
        ),
        ({"stored_fields": ["title"]}, None),
    ],
)
def test_no_hit_shows_a_vector(shop, told, shown):
    """Neither in the window nor behind it; otherwise `_source` is the caller's."""
    for window in (5, 200):
        ours = {"endcap": {"window": window}}
        folder, cluster = shop.both(ask("red sofa", size=100, ext=ours, **told))
        assert sources(cluster) == sources(folder)
        keys = {None if each is None else frozenset(each) for each in sources(cluster).values()}
        assert keys == {None if shown is None else frozenset(shown)}


@pytest.mark.parametrize(
    "told",
    [
        {"_source": False},
        {"_source": "title,endcap"},
        {"_source_includes": ["title", "endcap"]},
        {"_source_excludes": "price"},
        {"_source": True, "_source_excludes": ["endcap.row", "p*"]},
        {"params": {"_source_includes": "endcap"}},
    ],
)
def test_no_hit_shows_a_vector_when_the_url_says_what_to_show(shop, told):
    body = ask("red sofa", size=100, _source=["brand"])
    folder, cluster = shop.both(body, **told)
    assert sources(cluster) == sources(folder)


def test_a_bypass_is_the_plain_client_s_answer(shop):
    body = ask("sofa", sort=[{"price": "desc"}], size=3)
    answer = shop.client.search(body, shop.cluster)
    plain = shop.client.search(body, shop.cluster, endcap=False)
    assert answer.pop("ext")["endcap"]["applied"] is False
    del answer["took"], plain["took"]
    assert answer == plain


def test_the_store_holds_no_vectors(shop):
    generation = shop.client._core.store / "generations" / f"{shop.cluster}-000001"
    assert (generation / "vectors.f16.npy").stat().st_size < 200
    assert not list(generation.glob("faiss*"))


def test_a_generation_moves_into_the_cluster_without_a_restart(build, monkeypatch):
    monkeypatch.setattr("endcap.core.POLL_INTERVAL_S", 0.0)
    client, index = build(IndexSettings("folder"))
    client._core.snapshots._poll_interval_s = 0.0
    before = client.search(ask("couch", size=50), index)
    build(CLUSTER)
    end = time.monotonic() + LIMIT_S
    while True:
        after = client.search(ask("couch", size=50), index)
        if after["ext"]["endcap"]["generation"] == f"{index}-000002":
            break
        assert time.monotonic() < end, "not seen in time"
    assert client._core.snapshots.pinned(f"{index}-000002", None).clustered is not None
    assert sorted(ids(after)) == sorted(ids(before))


def test_what_the_shop_s_programs_write_is_searched(build):
    """A partial update keeps the vector; a whole new document has none, and is found by words."""
    client, index = build()
    client.search(ask("couch"), index)
    client.update(index=index, id="p000", body={"doc": {"price": 999}})
    document = {"title": "red sofa", "brand": "Alder", "kind": "sofa", "price": 3.0}
    client.index(index=index, id="p024", body=document)
    client.index(index=index, id="fresh", body=document)
    client.indices.refresh(index=index)
    by_words = client.search(ask("red sofa", size=100), index)
    assert {"p000", "p024", "fresh"} <= set(ids(by_words))
    assert by_words["ext"]["endcap"]["reason"] is None
    by_meaning = ids(client.search(ask("crimson couch", size=100), index))
    assert "p000" in by_meaning
    assert not {"p024", "fresh"} & set(by_meaning)


def test_a_node_that_refuses_knn_leaves_the_lexical_leg(shop, monkeypatch):
    """A fault injected: the plugin is switched off while clients run."""
    refuse(monkeypatch, shop.client, "knn")
    answer = shop.client.search(ask("sofa", size=50), shop.cluster)
    plain = shop.client.search(ask("sofa", size=50), shop.cluster, endcap=False)
    assert answer["ext"]["endcap"]["reason"].startswith("vector leg failed")
    assert answer["ext"]["endcap"]["applied"] is True
    assert sorted(ids(answer)) == sorted(ids(plain))


def test_a_node_that_refuses_scripts_leaves_words_and_what_else_is_known(build, monkeypatch):
    """A fault injected: script.allowed_types is none."""
    client, index = build()
    refuse(monkeypatch, client, "script_fields")
    answer = client.search(ask("sofa", size=50), index)
    plain = client.search(ask("sofa", size=50), index, endcap=False)
    reasons = answer["ext"]["endcap"]["reason"].split("; ")
    assert [reason.partition(" failed")[0] for reason in reasons] == [
        "vector leg",
        "vector fetch",
    ]
    assert sorted(ids(answer)) == sorted(ids(plain))


def test_vectors_that_come_too_late_are_left_behind(build, monkeypatch):
    client, index = build()
    fetch = ClusterVectors.fetch
    client.search(ask("coat"), index)

    def slow(self, rows):
        yield Computation(lambda: time.sleep(2.0))
        return (yield from fetch(self, rows))

    monkeypatch.setattr(ClusterVectors, "fetch", slow)
    started = time.monotonic()
    answer = client.search(ask("lamp", ext={"endcap": {"budget_ms": 200}}), index)
    assert time.monotonic() - started < 2.0
    assert "vector fetch was late" in answer["ext"]["endcap"]["reason"]
    assert answer["hits"]["hits"]


def test_what_was_fetched_is_not_fetched_again(build, monkeypatch):
    client, index = build()
    asked = []
    call = client._call
    monkeypatch.setattr(client._driver, "_call", lambda step: asked.append(step) or call(step))
    for _ in range(2):
        asked.clear()
        client.search(ask("red sofa", size=5), index)
    assert [step.method for step in asked] == ["msearch", "search"]  # both legs, the page
    assert str([step.arguments["body"] for step in asked]).count("script_fields") == 1


def test_what_was_fetched_is_kept_when_the_index_is_looked_at_again(build):
    client, index = build()
    client.search(ask("red sofa"), index)
    snapshots = client._core.snapshots
    before = client._driver.run(snapshots.resolve(index))
    after = client._driver.run(snapshots._look(index))
    assert after is not before
    assert after.clustered is before.clustered


def test_the_index_s_own_pipeline_does_not_hide_vectors(build):
    client, index = build()
    pipeline = f"{index}-pipeline"
    brand = {"term": {"brand.keyword": "Alder"}}
    client.search_pipeline.put(
        id=pipeline, body={"request_processors": [{"filter_query": {"query": brand}}]}
    )
    client.indices.put_settings(index=index, body={"index.search.default_pipeline": pipeline})
    try:
        ours = {"endcap": {"history": ["p018", "p042"], "explain": True}}  # a Birch and a Cedar
        answer = client.search(ask("sofa", size=50, ext=ours), index)
    finally:
        client.indices.put_settings(index=index, body={"index.search.default_pipeline": "_none"})
        client.search_pipeline.delete(id=pipeline)
    assert {hit["_source"]["brand"] for hit in answer["hits"]["hits"]} == {"Alder"}
    for each in answer["ext"]["endcap"]["explanations"]:
        assert each["columns"]["history"] is not None


def refuse(monkeypatch, client, word):
    call = client._call

    def refusing(step):
        if f'"{word}"' in json.dumps(step.arguments.get("body")):
            raise RequestError(400, "illegal_argument_exception", {"error": f"{word} refused"})
        return call(step)

    monkeypatch.setattr(client._driver, "_call", refusing)


async def test_the_async_client_gives_the_same_answers(shop, opensearch_url):
    body = ask("red couch", size=100, ext={"endcap": {"history": ["p018"]}})
    client = endcap.connect_async(opensearch_url, store=shop.client._core.store)
    answer = await client.search(body, shop.cluster)
    await client.close()
    assert answer["hits"] == shop.client.search(body, shop.cluster)["hits"]
