"""Scrolling through all that a search finds."""

import pytest
from opensearchpy import NotFoundError, helpers


@pytest.fixture
def filled(client, index):
    actions = [{"_index": index, "_id": str(n), "n": n} for n in range(25)]
    helpers.bulk(client, actions, refresh=True)
    return index


def test_pages_follow_each_other(client, filled):
    body = {"sort": [{"n": "desc"}], "size": 10, "aggs": {"most": {"max": {"field": "n"}}}}
    first = client.search(index=filled, body=body, params={"scroll": "1m"})
    assert first["hits"]["total"] == {"value": 25, "relation": "eq"}
    assert first["aggregations"] == {"most": {"value": 24.0}}
    pages = [first]
    while pages[-1]["hits"]["hits"]:
        id = pages[-1]["_scroll_id"]
        pages.append(client.scroll(body={"scroll_id": id, "scroll": "1m"}))
    assert [len(page["hits"]["hits"]) for page in pages] == [10, 10, 5, 0]
    assert all(page["hits"]["total"]["value"] == 25 for page in pages)
    assert "aggregations" not in pages[1]
    numbers = [hit["_source"]["n"] for page in pages for hit in page["hits"]["hits"]]
    assert numbers == list(range(24, -1, -1))
    assert client.clear_scroll(body={"scroll_id": [id]}) == {"succeeded": True, "num_freed": 1}


def test_a_scroll_shows_what_was_there_when_it_began(client, filled):
    first = client.search(
        index=filled, body={"sort": [{"n": "asc"}], "size": 5}, params={"scroll": "1m"}
    )
    client.delete(index=filled, id="7")
    client.index(index=filled, id="8", body={"n": 1000})
    client.index(index=filled, id="new", body={"n": 9}, params={"refresh": "true"})
    assert client.count(index=filled)["count"] == 25
    second = client.scroll(body={"scroll_id": first["_scroll_id"], "scroll": "1m"})
    assert [hit["_source"]["n"] for hit in second["hits"]["hits"]] == [5, 6, 7, 8, 9]


def test_scan(client, filled):
    body = {"query": {"range": {"n": {"gte": 3, "lt": 20}}}, "_source": False}
    hits = list(helpers.scan(client, index=filled, query=body, size=4))
    assert sorted(int(hit["_id"]) for hit in hits) == list(range(3, 20))
    assert all("_source" not in hit for hit in hits)
    assert list(helpers.scan(client, index=filled, query={"query": {"ids": {"values": []}}})) == []


async def test_async_scan(async_client, filled):
    hits = [hit async for hit in helpers.async_scan(async_client, index=filled, size=10)]
    assert len(hits) == 25


def test_a_scroll_that_is_closed(client, filled):
    id = client.search(index=filled, body={}, params={"scroll": "1m"})["_scroll_id"]
    client.clear_scroll(scroll_id=id)
    with pytest.raises(NotFoundError) as raised:
        client.scroll(scroll_id=id, params={"scroll": "1m"})
    cause = raised.value.info["error"]["root_cause"][0]
    assert cause["type"] == "search_context_missing_exception"
    with pytest.raises(NotFoundError):
        client.clear_scroll(scroll_id=id)


def test_a_page_that_does_not_keep_the_scroll_open_is_the_last(client, filled):
    id = client.search(index=filled, body={}, params={"scroll": "1m"})["_scroll_id"]
    assert len(client.scroll(scroll_id=id, params={"scroll": "1m"})["hits"]["hits"]) == 10
    assert len(client.scroll(scroll_id=id)["hits"]["hits"]) == 5
    with pytest.raises(NotFoundError):
        client.scroll(scroll_id=id)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"from": 1}, "using [from] is not allowed in a scroll context"),
        ({"size": 0}, "[size] cannot be [0] in a scroll context"),
    ],
)
def test_what_a_scroll_refuses(client, filled, refusal, body, reason):
    status, error = refusal(client.search, index=filled, body=body, params={"scroll": "1m"})
    assert (status, error["type"]) == (400, "action_request_validation_exception")
    assert reason in error["reason"]


@pytest.mark.parametrize("keep_alive", ["25h", "soon", "5"])
def test_how_long_a_scroll_is_kept(client, filled, refusal, keep_alive):
    status, error = refusal(client.search, index=filled, body={}, params={"scroll": keep_alive})
    assert (status, error["root_cause"][0]["type"]) == (400, "illegal_argument_exception")
