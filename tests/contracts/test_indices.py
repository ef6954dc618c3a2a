"""Creating, describing and deleting indices."""

import pytest


def test_create_and_describe(client, index, name):
    alias = name("alias")
    answer = client.indices.create(
        index=index,
        body={
            "settings": {"index": {"number_of_replicas": 0, "refresh_interval": "5s"}},
            "mappings": {
                "_meta": {"made": "by hand"},
                "properties": {"title": {"type": "text"}, "price": {"type": "float"}},
            },
            "aliases": {alias: {"is_write_index": True}},
        },
    )
    assert answer == {"acknowledged": True, "shards_acknowledged": True, "index": index}
    described = client.indices.get(index=index)[index]
    assert described["mappings"] == {
        "_meta": {"made": "by hand"},
        "properties": {"title": {"type": "text"}, "price": {"type": "float"}},
    }
    assert described["aliases"] == {alias: {"is_write_index": True}}
    settings = described["settings"]["index"]
    assert settings["number_of_replicas"] == "0"
    assert settings["number_of_shards"] == "1"
    assert settings["refresh_interval"] == "5s"
    assert settings["provided_name"] == index
    assert settings["creation_date"].isdigit()
    assert settings["uuid"]


def test_exists(client, index, name):
    assert client.indices.exists(index=index) is False
    client.indices.create(index=index)
    assert client.indices.exists(index=index) is True
    assert client.indices.exists(index=[index, name("other")]) is False
    assert client.indices.get_mapping(index=index) == {index: {"mappings": {}}}


def test_create_twice(client, index, refusal):
    client.indices.create(index=index)
    status, error = refusal(client.indices.create, index=index)
    assert (status, error["type"]) == (400, "resource_already_exists_exception")
    assert error["index"] == index
    assert error["reason"] == f"index [{index}/{error['index_uuid']}] already exists"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("Upper", "must be lowercase"),
        ("_under", "must not start with '_', '-', or '+'"),
        ("-minus", "must not start with '_', '-', or '+'"),
        ("a:b", "must not contain ':'"),
        ("a#b", "must not contain '#'"),
        ("a b", "must not contain the following characters"),
        ("a" * 256, "index name is too long, (256 > 255)"),
    ],
)
def test_bad_name(client, refusal, bad, reason):
    status, error = refusal(client.indices.create, index=bad)
    assert (status, error["type"]) == (400, "invalid_index_name_exception")
    assert error["reason"].startswith(f"Invalid index name [{bad}], {reason}")


def test_a_refused_creation_leaves_nothing(client, index, refusal):
    body = {"mappings": {"properties": {"title": {"type": "no_such_type"}}}}
    status, error = refusal(client.indices.create, index=index, body=body)
    assert (status, error["type"]) == (400, "mapper_parsing_exception")
    status, error = refusal(client.indices.create, index=index, body={"colours": {}})
    assert (status, error["type"]) == (400, "parse_exception")
    assert not client.indices.exists(index=index)


def test_delete(client, index, refusal):
    client.index(index=index, id="1", body={"n": 1})
    assert client.indices.delete(index=index) == {"acknowledged": True}
    assert not client.indices.exists(index=index)
    status, error = refusal(client.indices.delete, index=index)
    assert (status, error["type"]) == (404, "index_not_found_exception")
    assert error["resource.type"] == "index_or_alias"
    assert client.indices.delete(index=index, params={"ignore_unavailable": "true"})["acknowledged"]


def test_a_new_index_of_the_same_name_is_empty(client, index):
    client.index(index=index, id="1", body={"n": 1}, params={"refresh": "true"})
    assert client.count(index=index)["count"] == 1
    client.indices.delete(index=index)
    created = client.index(index=index, id="2", body={"m": 1}, params={"refresh": "true"})
    assert created["_seq_no"] == 0
    assert client.count(index=index)["count"] == 1
    assert not client.exists(index=index, id="1")
    assert "n" not in client.indices.get_mapping(index=index)[index]["mappings"]["properties"]


def test_delete_by_wildcard(client, name):
    first, second, other = name("a-first"), name("a-second"), name("b")
    for each in (first, second, other):
        client.indices.create(index=each)
    client.indices.delete(index=name("a-*"))
    assert not client.indices.exists(index=first)
    assert not client.indices.exists(index=second)
    assert client.indices.exists(index=other)


def test_an_alias_is_not_deleted_as_an_index(client, index, name, refusal):
    alias = name("alias")
    client.indices.create(index=index, body={"aliases": {alias: {}}})
    status, error = refusal(client.indices.delete, index=alias)
    assert (status, error["type"]) == (400, "illegal_argument_exception")
    assert f"The provided expression [{alias}] matches an alias" in error["reason"]


def test_first_write_creates_the_index_and_maps_its_fields(client, index):
    client.index(index=index, id="1", body={"title": "Red", "n": 1, "price": 1.5, "new": True})
    properties = client.indices.get_mapping(index=index)[index]["mappings"]["properties"]
    assert {field: mapped["type"] for field, mapped in properties.items()} == {
        "title": "text",
        "n": "long",
        "price": "float",
        "new": "boolean",
    }
    client.bulk(index=index, body=[{"index": {}}, {"a": {"b": 2}}, {"index": {}}, {"c": "x"}])
    properties = client.indices.get_mapping(index=index)[index]["mappings"]["properties"]
    assert properties["a"] == {"properties": {"b": {"type": "long"}}}
    assert properties["c"]["fields"]["keyword"]["type"] == "keyword"


def test_put_mapping(client, index, refusal):
    client.indices.create(index=index, body={"mappings": {"properties": {"n": {"type": "long"}}}})
    body = {"properties": {"brand": {"type": "keyword"}}}
    assert client.indices.put_mapping(index=index, body=body) == {"acknowledged": True}
    mapping = client.indices.get_mapping(index=index)[index]["mappings"]
    assert mapping["properties"] == {"n": {"type": "long"}, "brand": {"type": "keyword"}}
    status, error = refusal(
        client.indices.put_mapping, index=index, body={"properties": {"n": {"type": "keyword"}}}
    )
    assert (status, error["type"]) == (400, "illegal_argument_exception")
    assert "[n] cannot be changed from type [long] to [keyword]" in error["reason"]
    meta = {"_meta": {"generation": "products-000017"}}
    client.indices.put_mapping(index=index, body=meta)
    assert client.indices.get_mapping(index=index)[index]["mappings"]["_meta"] == meta["_meta"]


def test_settings(client, index, refusal):
    client.indices.create(index=index, body={"settings": {"number_of_replicas": 0}})
    client.indices.put_settings(index=index, body={"index": {"refresh_interval": "-1"}})
    settings = client.indices.get_settings(index=index)[index]["settings"]["index"]
    assert settings["refresh_interval"] == "-1"
    flat = client.indices.get_settings(
        index=index, name="index.number_of_*", params={"flat_settings": "true"}
    )
    assert flat[index]["settings"] == {
        "index.number_of_replicas": "0",
        "index.number_of_shards": "1",
    }
    status, error = refusal(
        client.indices.put_settings, index=index, body={"index.number_of_replicas": "many"}
    )
    assert (status, error["type"]) == (400, "illegal_argument_exception")
    body = {"settings": {"refresh_interval": "soon"}}
    status, error = refusal(client.indices.put_settings, index=index, body=body)
    assert (status, error["type"]) == (400, "illegal_argument_exception")


def test_refresh_answers_its_shards(client, index, refusal):
    client.indices.create(index=index, body={"settings": {"number_of_replicas": 0}})
    answer = client.indices.refresh(index=index)
    assert answer == {"_shards": {"total": 1, "successful": 1, "failed": 0}}
    status, error = refusal(client.indices.refresh, index=f"{index}-none")
    assert (status, error["type"]) == (404, "index_not_found_exception")


def test_what_a_name_means(client, name):
    red, blue, green = name("red"), name("blue"), name("green")
    colours = name("colours")
    for each in (red, blue, green):
        client.indices.create(index=each)
    client.indices.put_alias(index=[red, blue], name=colours)
    every = name("*")
    assert set(client.indices.get(index=every)) == {red, blue, green}
    assert set(client.indices.get(index=f"{every},-{name('b*')}")) == {red, green}
    assert set(client.indices.get(index=colours)) == {red, blue}
    assert set(client.indices.get(index=[red, green])) == {red, green}
    assert set(client.indices.get(index="_all")) >= {red, blue, green}
    assert client.indices.get(index=name("none*")) == {}


def test_a_search_of_no_index(client, name, refusal):
    status, error = refusal(client.search, index=name("none"), body={})
    assert (status, error["type"]) == (404, "index_not_found_exception")
    for arguments in (
        {"index": name("none"), "params": {"ignore_unavailable": "true"}},
        {"index": name("none*")},
    ):
        answer = client.search(body={}, **arguments)
        assert answer["hits"]["hits"] == []
        assert answer["hits"]["total"] == {"value": 0, "relation": "eq"}
        assert client.count(**arguments)["count"] == 0
    status, error = refusal(
        client.search, index=name("none*"), body={}, params={"allow_no_indices": "false"}
    )
    assert (status, error["type"]) == (404, "index_not_found_exception")


def test_cluster(client, index):
    assert client.ping() is True
    assert client.info()["version"]["distribution"] == "opensearch"
    client.indices.create(index=index, body={"settings": {"number_of_replicas": 0}})
    health = client.cluster.health(index=index, wait_for_status="green")
    assert (health["status"], health["timed_out"]) == ("green", False)
    assert health["active_primary_shards"] == health["active_shards"] == 1


def test_wrong_method(client, index, refusal):
    client.indices.create(index=index)
    with pytest.raises(Exception, match="Incorrect HTTP method") as raised:
        client.transport.perform_request("DELETE", f"/{index}/_search")
    assert raised.value.status_code == 405
