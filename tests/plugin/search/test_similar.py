"""Similar products and what a shopper likes without a word typed, on both engines."""

import json
from uuid import uuid4

import numpy as np
import pytest
from toy_model import toy_model

import endcap
from endcap.exceptions import ConfigurationError, RequestError
from endcap.registry import Registry

KINDS = ("sofa", "jacket", "lamp")
ADA = [f"p{n:03}" for n in (0, 6, 12)]  # sofas


def kind_of(number):
    return number % 6 // 2


def vector_of(number):
    """Of its kind; the price, which is the number, says how much it is liked."""
    vector = np.zeros(4)
    vector[kind_of(number)] = 1 + number / 100
    vector[3] = number / 1000
    return vector


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def promote(store, index, vectors):
    registry = Registry(store, index)
    registry.promote(registry.save_model(toy_model(vectors), {}))


@pytest.fixture(scope="module", params=["embedded", "opensearch"])
def shop(request, tmp_path_factory, rebuild, built_store):
    """A client, its index and its store, the same 72 products on either engine."""
    store = tmp_path_factory.mktemp("store")
    index = f"similar-{uuid4().hex[:12]}"
    engine = store
    if request.param == "opensearch":
        engine = request.getfixturevalue("opensearch_url")
    with endcap.connect(engine, store=store) as client:
        lines = (built_store / "catalogue.jsonl").read_text().splitlines()
        rebuild(client, store, [json.loads(line) for line in lines], index)
        yield client, index, store, engine
        client.indices.delete(index=f"{index}-*")


@pytest.fixture(scope="module")
def texts(shop):
    """Before any model."""
    client, index, *_ = shop
    return client.similar(item="p000", index=index, size=20), client, index


@pytest.fixture(scope="module")
def learnt(shop, texts):
    """With a model, in a client of its own."""
    client, index, store, _ = shop
    promote(store, index, {f"p{n:03}": vector_of(n) for n in range(1, 72)})
    client._core.snapshots.drop(index, None)
    return client, index


def likes(client, index, body=None, **options):
    body = {"query": {"match_all": {}}, **(body or {})}
    extension = {"history": ADA, **options}
    return client.search({**body, "ext": {"endcap": extension}}, index)


# Similar products


def test_without_a_model_what_is_similar_has_a_similar_text(texts):
    answer, _, _ = texts
    assert answer["ext"]["endcap"]["by"] == "text"
    titles = [hit["_source"]["title"] for hit in answer["hits"]["hits"]]
    assert titles[:2] == ["red sofa"] * 2  # of the other two brands
    assert "p000" not in ids(answer)
    scores = [hit["_score"] for hit in answer["hits"]["hits"]]
    assert scores == sorted(scores, reverse=True) and scores[0] == pytest.approx(1, abs=0.01)


def test_the_answer_has_the_shape_of_a_search(texts):
    answer, client, index = texts
    searched = client.search({"query": {"match_all": {}}, "size": 20}, index, endcap=False)
    assert answer.keys() - {"ext"} == searched.keys()
    assert answer["hits"].keys() == searched["hits"].keys()
    assert answer["hits"]["total"] == {"value": 20, "relation": "eq"}
    assert answer["hits"]["max_score"] == answer["hits"]["hits"][0]["_score"]
    assert answer["hits"]["hits"][0].keys() == searched["hits"]["hits"][0].keys()


def test_with_a_model_what_is_similar_is_chosen_alike(learnt):
    client, index = learnt
    answer = client.similar(item="p066", index=index, size=22)
    assert answer["ext"]["endcap"]["by"] == "model"
    assert {kind_of(int(id[1:])) for id in ids(answer)} == {0}
    assert ids(answer)[0] in ("p067", "p061")


def test_a_product_that_the_model_does_not_know_is_compared_by_its_text(learnt):
    client, index = learnt
    answer = client.similar(item="p000", index=index, size=2)
    assert answer["ext"]["endcap"]["by"] == "text"


def test_a_query_binds_as_a_condition(learnt):
    client, index = learnt
    body = {"query": {"range": {"price": {"lt": 20}}}, "_source": ["price"]}
    answer = client.similar(item="p066", index=index, size=50, body=body)
    assert len(ids(answer)) == 19  # p000 is not known to the model
    assert [hit["_source"].keys() for hit in answer["hits"]["hits"]] == [{"price"}] * 19
    assert {kind_of(int(id[1:])) for id in ids(answer)[:6]} == {0}


def test_a_restrictive_condition_does_not_starve_it(learnt):
    client, index = learnt
    body = {"query": {"terms": {"price": [3.0, 70.0]}}}
    assert set(ids(client.similar(item="p066", index=index, body=body))) == {"p003", "p070"}


def test_where_nothing_is_allowed_nothing_is_found(learnt):
    client, index = learnt
    body = {"query": {"range": {"price": {"gt": 1000}}}}
    answer = client.similar(item="p066", index=index, body=body)
    assert (ids(answer), answer["hits"]["max_score"]) == ([], None)
    assert answer["hits"]["total"] == {"value": 0, "relation": "eq"}


def test_what_cannot_be_answered_is_said(learnt):
    client, index = learnt
    with pytest.raises(RequestError, match="item 'nothing' is no product of similar-"):
        client.similar(item="nothing", index=index)
    client.indices.create(index=f"{index}-plain")
    with pytest.raises(ConfigurationError, match="-plain was not built by endcap reindex"):
        client.similar(item="p000", index=f"{index}-plain")
    body = {"query": {"more_like_this": {"fields": ["title"], "like": "sofa"}}}
    with pytest.raises(RequestError, match="cannot be found under more_like_this"):
        client.similar(item="p001", index=index, body=body)


async def test_the_other_client_says_the_same(learnt, shop):
    client, index = learnt
    _, _, store, engine = shop
    opened = endcap.connect_async(engine, store=store)
    async with opened as other:
        found = await other.similar(item="p066", index=index, size=5)
    assert ids(found) == ids(client.similar(item="p066", index=index, size=5))


# Without a word typed


def expected(numbers):
    """What ada likes, best first: sofas, the dearer the better; then as the vectors say."""
    state = np.mean([vector_of(int(id[1:])) for id in ADA[1:]], axis=0)
    return [f"p{n:03}" for n in sorted(numbers, key=lambda n: -float(vector_of(n) @ state))]


def test_everything_is_in_the_model_s_order(learnt):
    client, index = learnt
    answer = likes(client, index, {"size": 24})
    assert ids(answer) == expected(range(1, 72))[:24]
    assert answer["ext"]["endcap"]["applied"] is True
    assert answer["hits"]["total"]["value"] == 72


def test_the_model_recalls_what_the_window_does_not_hold(learnt):
    """The engine's own first three are of any kind."""
    client, index = learnt
    answer = likes(client, index, {"size": 3}, window=3)
    assert ids(answer) == expected(range(1, 72))[:3]
    assert answer["ext"]["endcap"]["window"] <= 6


@pytest.mark.parametrize(
    "query",
    [
        {"term": {"kind": "lamp"}},
        {"bool": {"filter": [{"term": {"kind": "lamp"}}]}},
        {"constant_score": {"filter": {"term": {"kind": "lamp"}}}},
    ],
)
def test_conditions_bind_and_order_is_the_model_s_among_what_is_not_liked_too(learnt, query):
    client, index = learnt
    lamps = [n for n in range(72) if kind_of(n) == 2]
    answer = likes(client, index, {"query": query, "size": 100})
    assert ids(answer) == expected(lamps)
    assert answer["hits"]["total"] == {"value": 24, "relation": "eq"}
    scores = [hit["_score"] for hit in answer["hits"]["hits"]]
    assert scores == sorted(scores, reverse=True) and min(scores) >= 0


def test_a_restrictive_condition_does_not_starve_the_leg(learnt):
    client, index = learnt
    few = [3, 30, 31, 66, 70]
    body = {"query": {"terms": {"price": [float(n) for n in few]}}, "size": 2}
    assert ids(likes(client, index, body, window=4)) == expected(few)[:2]


def test_a_post_filter_binds_too(learnt):
    client, index = learnt
    body = {"post_filter": {"term": {"kind": "jacket"}}, "size": 5}
    jackets = [n for n in range(72) if kind_of(n) == 1]
    assert ids(likes(client, index, body)) == expected(jackets)[:5]


def test_pages_follow_each_other(learnt):
    client, index = learnt
    pages = [ids(likes(client, index, {"from": start, "size": 7})) for start in range(0, 72, 7)]
    shown = [id for page in pages for id in page]
    assert sorted(shown) == [f"p{n:03}" for n in range(72)]
    assert shown[:71] == expected(range(1, 72))


def test_what_the_request_weighs_goes_before(learnt):
    client, index = learnt
    ordered = likes(client, index, {"size": 10}, weights={"popularity": 1.0})
    sales = [hit["_source"]["sales"] for hit in ordered["hits"]["hits"]]
    assert sales == [6] * 10


def test_a_score_of_the_caller_s_own_is_an_opinion(learnt):
    """The blend decides, not the model alone."""
    client, index = learnt
    by_price = {"field_value_factor": {"field": "price", "factor": 1.0}}
    query = {"function_score": {"query": {"match_all": {}}, **by_price}}
    first = ids(likes(client, index, {"query": query, "size": 5}, weights={"lexical": 1.0}))
    assert first == [f"p{n:03}" for n in (71, 70, 69, 68, 67)]


def test_nobody_and_who_is_unknown_get_the_engine_s_own(learnt):
    client, index = learnt
    plain = client.search({"query": {"match_all": {}}}, index, endcap=False)["hits"]
    assert client.search({"query": {"match_all": {}}}, index)["hits"] == plain
    assert client.search({"query": {"match_all": {}}}, index, user="stranger")["hits"] == plain
