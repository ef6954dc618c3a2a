"""What plain opensearch-py would have raised is raised; what only our own requests meet is not."""

from uuid import uuid4

import opensearchpy
import pytest
from unwell_engine import HANG, UnwellEngine, near, profile, together

import endcap

BODY = {"query": {"match": {"title": "crimson couch"}}, "size": 100}
BUDGET = {**BODY, "ext": {"endcap": {"budget_ms": 200}}}
REFUSALS = [400, 401, 403, 404, 413, 429, 500, 502, 503, 504, HANG]


def searches(url, body):
    return url.endswith("_search") or url == "a line"


def outcome(client, alias, body, **options):
    """What a search comes to, but for what is measured or added."""
    try:
        answer = client.search(body, alias, **options)
    except opensearchpy.TransportError as error:
        return type(error), error.status_code, error.error, str(error.info)
    return answer["hits"]


@pytest.fixture
def engine(shop):
    """The engine behind a client that has searched before."""
    client, alias = shop
    client.search(BODY, alias)
    return UnwellEngine(client)


@pytest.mark.parametrize("body", [BODY, BUDGET], ids=["no budget", "budget"])
@pytest.mark.parametrize("status", REFUSALS)
def test_a_search_that_is_refused_raises_what_the_plain_one_does(shop, engine, status, body):
    client, alias = shop
    engine.fault = lambda url, body: status if searches(url, body) else None
    expected = outcome(client, alias, BODY, endcap=False)
    assert isinstance(expected, tuple)
    assert outcome(client, alias, body) == expected
    for _ in range(6):  # also with open breakers
        if status != HANG:
            assert outcome(client, alias, body) == expected


def test_a_dead_engine_costs_what_it_costs_the_plain_client(shop, engine):
    """Twice as long at first; once the breakers are open, as long."""
    client, alias = shop
    engine.fault = lambda url, body: HANG
    engine.hang_s = 0.01
    waits = []
    for _ in range(12):
        engine.asked.clear()
        assert outcome(client, alias, BODY, user="ada")[0] is opensearchpy.ConnectionTimeout
        waits.append(len(engine.asked))
    assert waits[:5] == [2] * 5
    assert waits[-1] == 1


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503, HANG])
def test_who_may_not_ask_for_all_legs_at_once_is_answered(shop, engine, status):
    client, alias = shop
    expected = client.search({**BODY, "ext": {"endcap": {"recall": "lexical"}}}, alias)
    engine.fault = lambda url, body: status if together(url, body) else None
    answer = client.search(BODY, alias, user="ada")
    found = {hit["_id"] for hit in answer["hits"]["hits"]}
    assert found >= {hit["_id"] for hit in expected["hits"]["hits"]}
    assert answer["ext"]["endcap"]["applied"] is True


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503, HANG])
def test_a_page_that_cannot_be_fetched_is_the_plain_client_s(shop, engine, status):
    """The one request of ours that is left; the shop's own is asked for instead."""
    client, alias = shop
    plain = client.search(BODY, alias, endcap=False)
    engine.fault = lambda url, body: status if '"ids"' in body else None
    answer = client.search(BODY, alias)
    assert answer["hits"] == plain["hits"]
    assert answer["ext"]["endcap"]["applied"] is False
    assert answer["ext"]["endcap"]["reason"]


@pytest.mark.parametrize("status", [403, 429, 500, 503, HANG])
def test_an_index_that_cannot_be_looked_at_is_searched_as_ever(shop, status):
    client, alias = shop
    engine = UnwellEngine(client)
    engine.fault = lambda url, body: status if url == f"/{alias}" else None
    plain = client.search(BODY, alias, endcap=False)
    answer = client.search(BODY, alias)
    assert answer["hits"] == plain["hits"]
    assert answer["ext"]["endcap"]["applied"] is False
    assert answer["ext"]["endcap"]["reason"]


@pytest.fixture
def red_profiles(opensearch_url, monkeypatch):
    """An index of profiles whose shard no node may have."""
    name = f"endcap_profiles-{uuid4().hex[:12]}"
    monkeypatch.setattr("endcap.profiles.PROFILES", name)
    nowhere = {"index.routing.allocation.require._name": "nowhere", "number_of_replicas": 0}
    with opensearchpy.OpenSearch(opensearch_url, timeout=60) as plain:
        body, params = {"settings": nowhere}, {"wait_for_active_shards": "0"}
        plain.indices.create(index=name, body=body, params=params)
        assert plain.cluster.health(index=name)["status"] == "red"
        yield name
        plain.indices.delete(index=name)


@pytest.mark.parametrize("shop", ["server"], indirect=True)
def test_profiles_in_a_red_index_leave_the_order_of_nobody(shop, red_profiles):
    client, alias = shop
    nobody = client.search(BODY, alias)
    for said in [*["history leg failed: "] * 5, "history leg is left out since "]:
        answer = client.search(BODY, alias, user="ada")
        assert answer["hits"] == nobody["hits"]
        assert answer["ext"]["endcap"]["reason"].startswith(said)
        assert "no_shard_available_action_exception" in answer["ext"]["endcap"]["reason"]


def test_several_lines_of_which_one_leg_is_refused(shop, engine):
    client, alias = shop
    engine.fault = lambda url, body: 503 if near(url, body) or profile(url, body) else None
    lines = [{"index": alias}, BODY, {"index": alias}, {"query": {"term": {"price": "x"}}}]
    fine, wrong = client.msearch(body=lines)["responses"]
    assert fine["status"] == 200
    assert "vector leg failed" in fine["ext"]["endcap"]["reason"]
    assert wrong["status"] == 400


async def test_the_async_client_leaves_out_and_raises_the_same(built_store):
    client = endcap.connect_async(built_store)
    await client.search(BODY, "products")
    call, faults = client._driver._call, []

    async def unwell(step):
        if step.method in faults:
            raise opensearchpy.TransportError(503, "unwell_exception", {"status": 503})
        return await call(step)

    client._driver._call = unwell
    faults.append("msearch")
    answer = await client.search(BODY, "products")
    assert answer["ext"]["endcap"]["applied"] is True
    assert "vector leg failed: TransportError(503" in answer["ext"]["endcap"]["reason"]
    faults.append("search")
    with pytest.raises(opensearchpy.TransportError, match="unwell_exception"):
        await client.search(BODY, "products")
    await client.close()
