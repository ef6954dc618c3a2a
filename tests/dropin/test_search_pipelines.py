"""An index with a default search pipeline: it acts as ever, or the search is passed through."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

pytestmark = pytest.mark.parametrize("shop", ["opensearch"], indirect=True)
BODY = {"query": {"match": {"title": "red couch"}}, "size": 5}
ALDER = {"filter_query": {"query": {"term": {"brand.keyword": "Alder"}}}}
RENAME = {"rename_field": {"field": "title", "target_field": "name"}}
CUT = {"truncate_hits": {"target_size": 2}}
BY_PRICE = {"rerank": {"by_field": {"target_field": "price"}}}
NONE = {"search_pipeline": "_none"}


@pytest.fixture
def through(shop, alias):
    """Makes a pipeline the index's own: `with through(request_processors=[…]) as name`."""

    @contextmanager
    def through(**processors) -> Iterator[str]:
        name = f"{alias}-{uuid4().hex[:6]}"
        with shop.plain() as client:
            client.search_pipeline.put(id=name, body=processors)
            set_default(client, alias, name)
            yield name
            set_default(client, alias, None)
            client.search_pipeline.delete(id=name)

    return through


def set_default(client, index, name):
    client.indices.put_settings(index=index, body={"index.search.default_pipeline": name})


@pytest.fixture
def fresh(shop):
    """A client that has not looked at the index yet."""
    with shop.client() as client:
        yield client


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def test_a_pipeline_that_does_not_order_acts_as_ever(fresh, alias, through):
    narrowed = {
        "query": {"bool": {"must": [BODY["query"]], "filter": [ALDER["filter_query"]["query"]]}}
    }
    expected = fresh.search({**BODY, **narrowed}, alias)
    assert "sofa" in expected["hits"]["hits"][-1]["_source"]["title"]  # by the vector leg
    with through(request_processors=[ALDER], response_processors=[RENAME]):
        answer = fresh_search(fresh, alias)
    assert answer["ext"]["endcap"]["applied"] is True
    assert ids(answer) == ids(expected)
    assert answer["hits"]["total"] == expected["hits"]["total"]
    for hit, before in zip(answer["hits"]["hits"], expected["hits"]["hits"], strict=True):
        assert hit["_score"] == before["_score"]
        assert hit["_source"]["name"] == before["_source"]["title"]
        assert "title" not in hit["_source"]


def fresh_search(client, alias, **named):
    """A search by what the index says now."""
    client._core.snapshots.drop(alias, None)
    return client.search(BODY, alias, **named)


def reason(client, alias):
    return client.search(BODY, alias)["ext"]["endcap"]["reason"]


@pytest.mark.parametrize(
    ("processors", "named"),
    [
        ({"response_processors": [BY_PRICE]}, "rerank"),
        ({"response_processors": [RENAME, CUT]}, "truncate_hits"),
        ({"request_processors": [{"oversample": {"sample_factor": 2}}]}, "oversample"),
    ],
)
def test_a_pipeline_that_orders_or_drops_hits_is_left_alone(
    fresh, plain, alias, through, outcome, processors, named
):
    with through(**processors) as name:
        found = outcome(fresh.search, BODY, alias)
        expected = outcome(plain.search, body=BODY, index=alias)
        left_out = fresh.search(BODY, alias, params=NONE)
    extension = found.pop("ext")["endcap"]
    assert extension["applied"] is False
    assert extension["reason"] == (
        f"the default search pipeline {name} has {named}: search_pipeline=_none leaves it out"
    )
    assert found == expected
    assert left_out["ext"]["endcap"]["applied"] is True
    assert ids(left_out) == ids(fresh_search(fresh, alias))


def test_a_pipeline_that_is_not_there_is_the_engine_s_to_refuse(fresh, plain, alias, shop, outcome):
    with shop.plain() as client:
        set_default(client, alias, f"{alias}-nowhere")
        assert outcome(fresh.search, BODY, alias) == outcome(plain.search, body=BODY, index=alias)
        set_default(client, alias, None)


def test_a_change_of_the_pipeline_is_noticed(fresh, alias, through):
    assert fresh.search(BODY, alias)["ext"]["endcap"]["applied"] is True
    with through(response_processors=[BY_PRICE]):
        deadline = time.monotonic() + 20
        while "has rerank" not in (reason(fresh, alias) or "") and time.monotonic() < deadline:
            time.sleep(0.1)
        assert "has rerank" in reason(fresh, alias)


def test_ext_that_may_be_a_processor_s_is_not_taken_from_it(fresh, alias, through):
    with through(request_processors=[ALDER]):
        context = {"rerank": {"query_context": {"query_text": "couch"}}}
        answer = fresh.search({**BODY, "ext": context}, alias)
    assert answer["ext"]["endcap"]["reason"].startswith("ext may be meant for the default search")
