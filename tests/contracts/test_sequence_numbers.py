"""Changes are read by the numbers of the writes: `_stats`, ranges and sorting by `_seq_no`."""

import pytest
from opensearchpy import OpenSearch
from opensearchpy.exceptions import NotFoundError, RequestError

NO_PIPELINE = {"search_pipeline": "_none"}


@pytest.fixture
def written(client: OpenSearch, index: str) -> str:
    """Four documents, of which one was written twice and one was deleted: the numbers 0 to 5."""
    for id in ("1", "2", "3", "4", "2"):
        client.index(index=index, id=id, body={"n": 1})
    client.delete(index=index, id="3")
    client.indices.refresh(index=index)
    return index


def numbers(client: OpenSearch, index: str, bounds: dict[str, object], order: str = "asc"):
    body = {
        "query": {"range": {"_seq_no": bounds}},
        "sort": [{"_seq_no": order}],
        "seq_no_primary_term": True,
        "_source": False,
    }
    answer = client.search(
        index=index, body=body, params={**NO_PIPELINE, "preference": "_shards:0|_primary"}
    )
    hits = answer["hits"]["hits"]
    assert [hit["sort"] for hit in hits] == [[hit["_seq_no"]] for hit in hits]
    return [(hit["_id"], hit["_seq_no"]) for hit in hits]


def test_what_was_written_since(client: OpenSearch, written: str) -> None:
    everything = [("1", 0), ("4", 3), ("2", 4)]
    assert numbers(client, written, {"gt": -1, "lte": 5}) == everything
    assert numbers(client, written, {}) == everything
    assert numbers(client, written, {"gt": 0, "lte": 3}) == [("4", 3)]
    assert numbers(client, written, {"gt": "0", "lt": 99_999_999_999}) == everything[1:]
    assert numbers(client, written, {"gte": 3}, "desc") == [("2", 4), ("4", 3)]
    assert numbers(client, written, {"gt": 5}) == []


@pytest.mark.parametrize("bound", [1.5, "x"])
def test_a_number_that_is_none(client: OpenSearch, written: str, bound: object) -> None:
    with pytest.raises(RequestError, match="search_phase_execution_exception"):
        numbers(client, written, {"gt": bound})


def test_going_on_after_a_number(client: OpenSearch, written: str) -> None:
    body = {"sort": ["_seq_no"], "search_after": [0], "size": 1}
    (hit,) = client.search(index=written, body=body)["hits"]["hits"]
    assert (hit["_id"], hit["sort"]) == ("4", [3])


def test_how_far_an_index_is(client: OpenSearch, written: str) -> None:
    stats = client.indices.stats(index=written, metric="docs", level="shards")
    found = stats["indices"][written]
    assert found["primaries"]["docs"]["count"] == stats["_all"]["total"]["docs"]["count"] == 3
    ((number, (shard,)),) = found["shards"].items()
    assert (number, shard["routing"]["primary"], shard["routing"]["state"]) == (
        "0",
        True,
        "STARTED",
    )
    assert shard["commit"]["user_data"]["history_uuid"]
    assert set(shard["seq_no"].values()) == {5}


def test_an_index_that_was_never_searched(client: OpenSearch, index: str) -> None:
    client.indices.create(index=index, body={"settings": {"number_of_shards": 1}})
    stats = client.indices.stats(index=index, metric="docs", level="shards")["indices"][index]
    assert stats["primaries"]["docs"] == {"count": 0, "deleted": 0}
    assert stats["shards"]["0"][0]["seq_no"]["max_seq_no"] == -1
    client.index(index=index, id="1", body={})
    stats = client.indices.stats(index=index, metric="docs", level="shards")["indices"][index]
    assert stats["shards"]["0"][0]["seq_no"]["global_checkpoint"] == 0


def test_the_levels(client: OpenSearch, written: str) -> None:
    for level in ("cluster", "indices"):
        stats = client.indices.stats(index=written, metric="docs", level=level)
        assert stats["_all"]["primaries"]["docs"]["count"] == 3
        assert ("indices" in stats) == (level == "indices")
        assert not any("shards" in each for each in stats.get("indices", {}).values())
    with pytest.raises(RequestError, match="level parameter must be one of"):
        client.indices.stats(index=written, metric="docs", level="node")
    with pytest.raises(NotFoundError):
        client.indices.stats(index=f"{written}-missing", metric="docs")
