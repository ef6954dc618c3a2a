"""Many searches in one request."""

import pytest


@pytest.fixture
def filled(client, index):
    for n in range(3):
        client.index(index=index, id=str(n), body={"n": n}, params={"refresh": "true"})
    return index


def test_each_search_answers_for_itself(client, filled, name):
    body = [
        {},
        {"query": {"term": {"n": 1}}},
        {"index": filled},
        {"sort": "no_such_field"},
        {"index": name("none")},
        {},
        {"index": name("none"), "ignore_unavailable": True},
        {},
        {"indices": [filled], "search_type": "dfs_query_then_fetch"},
        {"size": 0, "track_total_hits": True},
    ]
    answer = client.msearch(index=filled, body=body)
    first, second, third, fourth, fifth = answer["responses"]
    assert isinstance(answer["took"], int)
    assert [hit["_id"] for hit in first["hits"]["hits"]] == ["1"]
    assert first["status"] == 200
    assert (second["status"], second["error"]["type"]) == (400, "search_phase_execution_exception")
    assert (third["status"], third["error"]["type"]) == (404, "index_not_found_exception")
    assert fourth["hits"]["total"]["value"] == 0
    assert fifth["hits"] == {
        "total": {"value": 3, "relation": "eq"},
        "max_score": None,
        "hits": [],
    }


@pytest.mark.parametrize(
    "body",
    [
        '{}\n{"query": {"match_all": {}}}',
        '{"colour": "red"}\n{}\n',
        '{}\n{}\n{}\n{"query": {"no_such_query": {}}}\n',
        '{}\n{"size": -1}\n',
        "{}\n[]\n",
    ],
)
def test_malformed_body(client, filled, refusal, body):
    status, _ = refusal(
        client.transport.perform_request, method="POST", url=f"/{filled}/_msearch", body=body
    )
    assert status == 400


async def test_async_client(async_client, filled):
    answer = await async_client.msearch(index=filled, body=[{}, {}, {}, {}])
    assert [len(each["hits"]["hits"]) for each in answer["responses"]] == [3, 3]
