"""Many writes in one request."""

import pytest
from opensearchpy import RequestError, helpers


def statuses(answer):
    return [next(iter(item.values()))["status"] for item in answer["items"]]


def test_each_action_answers_for_itself(client, index):
    answer = client.bulk(
        index=index,
        body=[
            {"index": {"_id": "1"}},
            {"n": 1},
            {"create": {"_id": "2"}},
            {"n": 2},
            {"update": {"_id": "1"}},
            {"doc": {"m": 1}},
            {"delete": {"_id": "2"}},
        ],
    )
    assert answer["errors"] is False
    assert [next(iter(item)) for item in answer["items"]] == ["index", "create", "update", "delete"]
    results = [next(iter(item.values()))["result"] for item in answer["items"]]
    assert results == ["created", "created", "updated", "deleted"]
    assert statuses(answer) == [201, 201, 200, 200]
    assert [next(iter(item.values()))["_seq_no"] for item in answer["items"]] == [0, 1, 2, 3]
    assert client.get(index=index, id="1")["_source"] == {"n": 1, "m": 1}
    assert not client.exists(index=index, id="2")


def test_items_name_their_own_index(client, name):
    first, second = name("first"), name("second")
    body = [
        {"index": {"_index": first, "_id": "1"}},
        {},
        {"index": {"_index": second, "_id": "1"}},
        {},
    ]
    answer = client.bulk(body=body)
    assert [item["index"]["_index"] for item in answer["items"]] == [first, second]
    assert client.exists(index=first, id="1")
    assert client.exists(index=second, id="1")


def test_a_refused_item_leaves_the_others_alone(client, index):
    client.indices.create(index=index, body={"mappings": {"properties": {"n": {"type": "long"}}}})
    client.index(index=index, id="1", body={"n": 1})
    answer = client.bulk(
        index=index,
        body=[
            {"create": {"_id": "1"}},
            {"n": 2},
            {"index": {"_id": "2"}},
            {"n": "many"},
            {"update": {"_id": "3"}},
            {"doc": {"n": 3}},
            {"delete": {"_id": "4"}},
            {"index": {"_id": "1", "if_seq_no": 9, "if_primary_term": 1}},
            {"n": 5},
            {"index": {"_id": "6"}},
            {"n": 6},
        ],
    )
    assert answer["errors"] is True
    assert statuses(answer) == [409, 400, 404, 404, 409, 201]
    errors = [next(iter(item.values())).get("error", {}).get("type") for item in answer["items"]]
    assert errors == [
        "version_conflict_engine_exception",
        "mapper_parsing_exception",
        "document_missing_exception",
        None,  # a deletion of what is not there is a result, not an error
        "version_conflict_engine_exception",
        None,
    ]
    assert client.get(index=index, id="1")["_source"] == {"n": 1}
    assert client.get(index=index, id="6")["_source"] == {"n": 6}


def test_later_items_see_earlier_ones(client, index):
    body = [
        {"index": {"_id": "1"}},
        {"n": 1},
        {"update": {"_id": "1"}},
        {"doc": {"n": 2}},
        {"create": {"_id": "1"}},
        {"n": 3},
    ]
    answer = client.bulk(index=index, body=body)
    assert statuses(answer) == [201, 200, 409]
    assert client.get(index=index, id="1")["_version"] == 2


def test_conditions_and_upserts(client, index):
    client.index(index=index, id="1", body={"n": 1})
    answer = client.bulk(
        index=index,
        body=[
            {"index": {"_id": "1", "if_seq_no": 0, "if_primary_term": 1}},
            {"n": 2},
            {"update": {"_id": "2"}},
            {"doc": {"n": 3}, "doc_as_upsert": True},
            {"update": {"_id": "3", "retry_on_conflict": 3}},
            {"doc": {"n": 4}, "upsert": {"n": 5}},
            {"update": {"_id": "3"}},
            {"doc": {"n": 5}},
        ],
    )
    assert statuses(answer) == [200, 201, 201, 200]
    assert answer["items"][3]["update"]["result"] == "noop"
    assert client.get(index=index, id="3")["_source"] == {"n": 5}


def test_a_version_of_ones_own_gives_way_to_higher_ones(client, index):
    """Also to those of deletions, and of deletions of what was not there."""

    def put(id, version):
        head = {"_id": id, "version": version, "version_type": "external"}
        (item,) = client.bulk(index=index, body=[{"index": head}, {}])["items"]
        return item["index"]

    assert put("new", 1)["_version"] == 1
    refused = put("new", 1)
    assert refused["status"] == 409
    assert refused["error"]["type"] == "version_conflict_engine_exception"
    assert refused["error"]["reason"] == (
        "[new]: version conflict, current version [1] is higher or equal to the one provided [1]"
    )
    assert client.delete(index=index, id="new")["_version"] == 2
    assert put("new", 2)["status"] == 409
    assert (put("new", 5)["result"], client.get(index=index, id="new")["_version"]) == (
        "created",
        5,
    )
    assert client.index(index=index, id="new", body={})["_version"] == 6
    assert put("new", 9)["result"] == "updated"
    client.delete(index=index, id="never", ignore=404)
    assert put("never", 1)["status"] == 409
    assert put("never", 2)["status"] == 201


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ({"_id": "1", "version": 2}, "internal versioning can not be used"),
        ({"_id": "1", "version": -1, "version_type": "external"}, r"illegal version value \[-1\]"),
        ({"_id": "1", "version_type": "external"}, "illegal version value"),
        ({"version": 2, "version_type": "external"}, "an id must be provided"),
        (
            {
                "_id": "1",
                "version": 2,
                "version_type": "external",
                "if_seq_no": 0,
                "if_primary_term": 1,
            },
            "compare and write operations can not use versioning",
        ),
    ],
)
def test_a_version_that_makes_no_sense(client, index, head, reason):
    client.index(index=index, id="1", body={})
    with pytest.raises(RequestError, match=reason):
        client.bulk(index=index, body=[{"index": head}, {}])


def test_ids_may_be_left_out(client, index):
    answer = client.bulk(index=index, body=[{"index": {}}, {"n": 1}, {"index": {}}, {"n": 2}])
    first, second = (item["index"]["_id"] for item in answer["items"])
    assert first != second
    assert client.get(index=index, id=second)["_source"] == {"n": 2}


def test_deletion_creates_no_index(client, index):
    answer = client.bulk(index=index, body=[{"delete": {"_id": "1"}}])
    assert answer["items"][0]["delete"]["error"]["type"] == "index_not_found_exception"
    assert not client.indices.exists(index=index)


def test_refresh(client, index):
    client.indices.create(index=index, body={"settings": {"refresh_interval": "-1"}})
    body = [{"index": {"_id": str(number)}} for number in range(5)]
    lines = [line for action in body for line in (action, {"n": 1})]
    answer = client.bulk(index=index, body=lines, params={"refresh": "true"})
    assert all(item["index"]["forced_refresh"] for item in answer["items"])
    assert client.count(index=index)["count"] == 5


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"index": {}}\n{"n": 1}', "must be terminated by a newline"),
        ('{"fetch": {}}\n', "expected one of [create, delete, index, update] but found [fetch]"),
        ('{"index": {"colour": "red"}}\n{}\n', "[1] contains an unknown parameter [colour]"),
        ('{"update": {}}\n{"doc": {}}\n', "id is missing"),
        ('{"delete": {}}\n', "id is missing"),
    ],
)
def test_malformed_body(client, index, refusal, body, reason):
    client.indices.create(index=index)
    status, error = refusal(
        client.transport.perform_request, method="POST", url=f"/{index}/_bulk", body=body
    )
    assert status == 400
    assert reason in error["reason"]


def test_without_an_index(client, refusal):
    status, error = refusal(client.bulk, body=[{"index": {"_id": "1"}}, {}])
    assert (status, error["type"]) == (400, "action_request_validation_exception")
    assert "index is missing" in error["reason"]


def test_bulk_helper(client, index):
    actions = [
        {"_index": index, "_id": str(n), "n": n, "text": "ä\u2028\U0001f600"} for n in range(1200)
    ]
    assert helpers.bulk(client, actions, chunk_size=500, refresh=True) == (1200, [])
    assert client.count(index=index)["count"] == 1200
    assert client.get(index=index, id="1199")["_source"]["text"] == "ä\u2028\U0001f600"


def test_bulk_helper_reports_what_was_refused(client, index):
    client.indices.create(index=index, body={"mappings": {"properties": {"n": {"type": "long"}}}})
    actions = [{"_index": index, "_id": str(n), "n": n if n % 2 else "odd"} for n in range(4)]
    with pytest.raises(helpers.BulkIndexError) as raised:
        helpers.bulk(client, actions)
    assert [error["index"]["_id"] for error in raised.value.errors] == ["0", "2"]
    assert raised.value.errors[0]["index"]["error"]["type"] == "mapper_parsing_exception"


async def test_async_bulk_helper(async_client, index):
    actions = [{"_index": index, "_id": str(n), "n": n} for n in range(300)]
    assert await helpers.async_bulk(async_client, actions, refresh=True) == (300, [])
    assert (await async_client.count(index=index))["count"] == 300
