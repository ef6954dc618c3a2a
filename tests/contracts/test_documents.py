"""Writing and reading one document at a time."""

import asyncio

import pytest
from opensearchpy import NotFoundError


def test_write_answers_what_happened(client, index):
    created = client.index(index=index, id="1", body={"title": "Red shoe"})
    assert created == {
        "_index": index,
        "_id": "1",
        "_version": 1,
        "result": "created",
        "_shards": created["_shards"],
        "_seq_no": 0,
        "_primary_term": 1,
    }
    assert created["_shards"]["successful"] == 1
    updated = client.index(index=index, id="1", body={"title": "Blue shoe"})
    assert (updated["result"], updated["_version"], updated["_seq_no"]) == ("updated", 2, 1)


def test_get_sees_a_write_at_once(client, index):
    client.index(index=index, id="1", body={"title": "Red shoe", "price": 1.5, "none": None})
    assert client.get(index=index, id="1") == {
        "_index": index,
        "_id": "1",
        "_version": 1,
        "_seq_no": 0,
        "_primary_term": 1,
        "found": True,
        "_source": {"title": "Red shoe", "price": 1.5, "none": None},
    }


def test_get_of_what_is_not_there(client, index):
    client.index(index=index, id="1", body={})
    with pytest.raises(NotFoundError) as raised:
        client.get(index=index, id="2")
    assert raised.value.info == {"_index": index, "_id": "2", "found": False}
    assert client.get(index=index, id="2", ignore=404)["found"] is False
    assert client.exists(index=index, id="1") is True
    assert client.exists(index=index, id="2") is False


@pytest.mark.parametrize("id", ["a/b", "ä ö", "50%", "a+b", "x?y=1&z", "#", "日本", "a,b", "*"])
def test_any_id_comes_back(client, index, id):
    assert client.index(index=index, id=id, body={"n": 1})["_id"] == id
    assert client.get(index=index, id=id)["_id"] == id
    assert client.delete(index=index, id=id)["result"] == "deleted"


def test_id_may_be_left_out(client, index):
    first = client.index(index=index, body={"n": 1})
    second = client.index(index=index, body={"n": 2})
    assert first["result"] == second["result"] == "created"
    assert first["_id"] != second["_id"]
    assert client.get(index=index, id=second["_id"])["_source"] == {"n": 2}


def test_id_has_512_bytes_at_most(client, index, refusal):
    client.index(index=index, id="x" * 512, body={})
    status, error = refusal(client.index, index=index, id="x" * 513, body={})
    assert status == 400
    assert "must be no longer than 512 bytes but was: 513" in error["reason"]


@pytest.mark.parametrize("arguments", [{"op_type": "create"}, None])
def test_create_refuses_what_is_there(client, index, arguments, refusal):
    def create(id):
        if arguments is None:
            return client.create(index=index, id=id, body={"n": 1})
        return client.index(index=index, id=id, body={"n": 1}, **arguments)

    assert create("1")["result"] == "created"
    status, error = refusal(create, id="1")
    assert status == 409
    assert error["type"] == "version_conflict_engine_exception"
    assert error["reason"] == (
        "[1]: version conflict, document already exists (current version [1])"
    )
    assert error["index"] == index


def test_conditional_write(client, index, refusal):
    seen = client.index(index=index, id="1", body={"n": 1})
    condition = {"if_seq_no": seen["_seq_no"], "if_primary_term": seen["_primary_term"]}
    client.index(index=index, id="1", body={"n": 2}, **condition)
    status, error = refusal(client.index, index=index, id="1", body={"n": 3}, **condition)
    assert (status, error["type"]) == (409, "version_conflict_engine_exception")
    assert error["reason"] == (
        "[1]: version conflict, required seqNo [0], primary term [1]. "
        "current document has seqNo [1] and primary term [1]"
    )
    assert client.get(index=index, id="1")["_source"] == {"n": 2}


def test_conditional_write_of_what_is_not_there(client, index, refusal):
    client.index(index=index, id="1", body={})
    status, error = refusal(
        client.index, index=index, id="2", body={}, if_seq_no=0, if_primary_term=1
    )
    assert status == 409
    assert error["reason"].endswith("but no document was found")


def test_condition_needs_both_halves(client, index, refusal):
    client.index(index=index, id="1", body={})
    status, error = refusal(client.index, index=index, id="1", body={}, if_seq_no=0)
    assert (status, error["type"]) == (400, "action_request_validation_exception")


def test_delete(client, index):
    client.index(index=index, id="1", body={})
    deleted = client.delete(index=index, id="1")
    assert (deleted["result"], deleted["_version"], deleted["_seq_no"]) == ("deleted", 2, 1)
    with pytest.raises(NotFoundError) as raised:
        client.delete(index=index, id="1")
    assert raised.value.info["result"] == "not_found"


def test_version_goes_on_after_a_deletion(client, index):
    client.index(index=index, id="1", body={})
    client.delete(index=index, id="1")
    again = client.index(index=index, id="1", body={})
    assert (again["result"], again["_version"]) == ("created", 3)


def test_conditional_delete(client, index, refusal):
    client.index(index=index, id="1", body={})
    status, _ = refusal(client.delete, index=index, id="1", if_seq_no=7, if_primary_term=1)
    assert status == 409
    client.delete(index=index, id="1", if_seq_no=0, if_primary_term=1)


def test_update_merges_objects_and_replaces_the_rest(client, index):
    client.index(index=index, id="1", body={"a": {"x": 1, "y": [1, 2]}, "b": 1})
    answer = client.update(index=index, id="1", body={"doc": {"a": {"y": [3], "z": None}}})
    assert (answer["result"], answer["_version"]) == ("updated", 2)
    assert client.get(index=index, id="1")["_source"] == {
        "a": {"x": 1, "y": [3], "z": None},
        "b": 1,
    }


def test_update_that_changes_nothing(client, index):
    client.index(index=index, id="1", body={"n": 1, "m": 2})
    answer = client.update(index=index, id="1", body={"doc": {"n": 1}})
    assert (answer["result"], answer["_version"], answer["_seq_no"]) == ("noop", 1, 0)
    assert answer["_shards"] == {"total": 0, "successful": 0, "failed": 0}
    forced = client.update(index=index, id="1", body={"doc": {"n": 1}, "detect_noop": False})
    assert (forced["result"], forced["_version"]) == ("updated", 2)


def test_update_of_what_is_not_there(client, index, refusal):
    client.index(index=index, id="1", body={})
    status, error = refusal(client.update, index=index, id="2", body={"doc": {"n": 1}})
    assert (status, error["type"]) == (404, "document_missing_exception")
    assert error["reason"] == "[2]: document missing"


def test_upsert(client, index):
    body = {"doc": {"n": 2}, "upsert": {"n": 1}}
    assert client.update(index=index, id="1", body=body)["result"] == "created"
    assert client.get(index=index, id="1")["_source"] == {"n": 1}
    assert client.update(index=index, id="1", body=body)["result"] == "updated"
    assert client.get(index=index, id="1")["_source"] == {"n": 2}
    body = {"doc": {"n": 3}, "doc_as_upsert": True}
    assert client.update(index=index, id="2", body=body)["result"] == "created"
    assert client.get(index=index, id="2")["_source"] == {"n": 3}


def test_conditional_update(client, index, refusal):
    client.index(index=index, id="1", body={"n": 1})
    client.update(index=index, id="1", body={"doc": {"n": 2}}, if_seq_no=0, if_primary_term=1)
    status, _ = refusal(
        client.update, index=index, id="1", body={"doc": {"n": 3}}, if_seq_no=0, if_primary_term=1
    )
    assert status == 409


def test_update_without_a_document(client, index, refusal):
    client.index(index=index, id="1", body={})
    status, error = refusal(client.update, index=index, id="1", body={})
    assert (status, error["type"]) == (400, "action_request_validation_exception")
    assert "script or doc is missing" in error["reason"]


def test_source_alone(client, index, refusal):
    client.index(index=index, id="1", body={"n": 1})
    assert client.get_source(index=index, id="1") == {"n": 1}
    status, error = refusal(client.get_source, index=index, id="2")
    assert (status, error["type"]) == (404, "resource_not_found_exception")
    assert error["reason"] == f"Document not found [{index}]/[2]"


@pytest.mark.parametrize(
    ("parameters", "source"),
    [
        ({"_source": "title"}, {"title": "Red"}),
        ({"_source": "title,brand.*"}, {"title": "Red", "brand": {"name": "A", "id": 7}}),
        ({"_source_includes": "brand.name"}, {"brand": {"name": "A"}}),
        ({"_source_excludes": "brand"}, {"title": "Red", "n": 1}),
        (
            {"_source_includes": "brand,n", "_source_excludes": "*.id"},
            {"brand": {"name": "A"}, "n": 1},
        ),
        ({"_source": "true"}, {"title": "Red", "brand": {"name": "A", "id": 7}, "n": 1}),
    ],
)
def test_part_of_a_source(client, index, parameters, source):
    body = {"title": "Red", "brand": {"name": "A", "id": 7}, "n": 1}
    client.index(index=index, id="1", body=body)
    assert client.get(index=index, id="1", params=parameters)["_source"] == source
    assert client.get_source(index=index, id="1", params=parameters) == source


def test_no_source(client, index):
    client.index(index=index, id="1", body={"n": 1})
    assert "_source" not in client.get(index=index, id="1", params={"_source": "false"})


def test_many_documents_in_one_request(client, index, name):
    client.index(index=index, id="1", body={"a": 1, "b": 2})
    other = name("other")
    docs = [
        {"_index": index, "_id": "1", "_source": ["a"]},
        {"_index": index, "_id": "2"},
        {"_index": index, "_id": "1", "_source": False},
        {"_index": other, "_id": "1"},
    ]
    first, second, third, fourth = client.mget(body={"docs": docs})["docs"]
    assert first["_source"] == {"a": 1}
    assert second == {"_index": index, "_id": "2", "found": False}
    assert third["found"] is True
    assert "_source" not in third
    assert fourth["error"]["type"] == "index_not_found_exception"
    found = client.mget(index=index, body={"ids": ["1", "2"]})["docs"]
    assert [doc["found"] for doc in found] == [True, False]
    filtered = client.mget(index=index, body={"ids": ["1"]}, params={"_source": "b"})["docs"]
    assert filtered[0]["_source"] == {"b": 2}


def test_reads_and_deletions_create_no_index(client, index, refusal):
    for call in (client.get, client.delete, client.get_source):
        status, error = refusal(call, index=index, id="1")
        assert (status, error["type"]) == (404, "index_not_found_exception")
        assert error["reason"] == f"no such index [{index}]"
        assert error["index"] == error["resource.id"] == index
    assert not client.indices.exists(index=index)


@pytest.mark.parametrize("bad", ["Upper", "_under", "with space", "a*b", "a#b"])
def test_bad_index_name(client, bad, refusal):
    status, error = refusal(client.index, index=bad, id="1", body={})
    assert (status, error["type"]) == (400, "invalid_index_name_exception")
    assert error["reason"].startswith(f"Invalid index name [{bad}], must")


@pytest.mark.parametrize("body", ["{", "[1]", '"text"'])
def test_bad_document(client, index, body, refusal):
    client.indices.create(index=index)
    status, error = refusal(client.index, index=index, id="1", body=body)
    assert (status, error["type"]) == (400, "mapper_parsing_exception")
    assert not client.exists(index=index, id="1")


def test_document_that_does_not_fit_its_mapping(client, index, refusal):
    client.indices.create(index=index, body={"mappings": {"properties": {"n": {"type": "long"}}}})
    status, error = refusal(client.index, index=index, id="1", body={"n": "many"})
    assert (status, error["type"]) == (400, "mapper_parsing_exception")
    assert not client.exists(index=index, id="1")
    client.index(index=index, id="1", body={"n": "3"})
    assert client.get(index=index, id="1")["_source"] == {"n": "3"}


@pytest.mark.parametrize("refresh", ["true", "wait_for", "false"])
def test_refresh_decides_what_the_next_search_sees(client, index, refresh):
    client.indices.create(index=index, body={"settings": {"refresh_interval": "-1"}})
    answer = client.index(index=index, id="1", body={"n": 1}, params={"refresh": "true"})
    assert answer["forced_refresh"] is True
    assert client.count(index=index)["count"] == 1
    if refresh == "wait_for":  # with refresh_interval -1 a server would wait for ever
        client.indices.put_settings(index=index, body={"index": {"refresh_interval": "100ms"}})
    client.index(index=index, id="2", body={"n": 1}, params={"refresh": refresh})
    assert client.count(index=index)["count"] == (1 if refresh == "false" else 2)
    client.indices.refresh(index=index)
    assert client.count(index=index)["count"] == 2


def test_unknown_parameter(client, index, refusal):
    client.index(index=index, id="1", body={})
    status, error = refusal(client.get, index=index, id="1", params={"no_such": "1"})
    assert (status, error["type"]) == (400, "illegal_argument_exception")
    assert error["reason"].startswith(
        f"request [/{index}/_doc/1] contains unrecognized parameter: [no_such]"
    )


@pytest.mark.parametrize(
    ("filter_path", "expected"),
    [
        ("_source.b", {"_source": {"b": {"c": 1, "d": 2}}}),
        ("_source.*.c,found", {"_source": {"b": {"c": 1}}, "found": True}),
        ("**.d", {"_source": {"b": {"d": 2}}}),
        ("_source,-_source.b", {"_source": {"a": [1]}}),
        ("nothing", {}),
    ],
)
def test_filter_path(client, index, filter_path, expected):
    client.index(index=index, id="1", body={"a": [1], "b": {"c": 1, "d": 2}})
    assert client.get(index=index, id="1", params={"filter_path": filter_path}) == expected


async def test_async_client_writes_and_reads(async_client, client, index):
    ids = [str(number) for number in range(20)]
    await asyncio.gather(*(async_client.index(index=index, id=id, body={"id": id}) for id in ids))
    answers = await asyncio.gather(*(async_client.get(index=index, id=id) for id in ids))
    assert [answer["_source"]["id"] for answer in answers] == ids
    with pytest.raises(NotFoundError):
        await async_client.get(index=index, id="none")
    assert client.get(index=index, id="3")["found"]
