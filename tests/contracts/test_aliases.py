"""Aliases, one by one and swapped all or nothing."""

import pytest
from opensearchpy import NotFoundError


@pytest.fixture
def old(client, name):
    client.indices.create(index=name("products-1"))
    return name("products-1")


@pytest.fixture
def new(client, name):
    client.indices.create(index=name("products-2"))
    return name("products-2")


@pytest.fixture
def alias(name):
    return name("products")


def swap(old, new, alias):
    return {
        "actions": [
            {"remove": {"index": old, "alias": alias, "must_exist": True}},
            {"add": {"index": new, "alias": alias, "is_write_index": True}},
        ]
    }


def test_an_alias_stands_for_its_index(client, old, alias):
    assert client.indices.put_alias(index=old, name=alias) == {"acknowledged": True}
    assert client.indices.exists_alias(name=alias) is True
    assert client.indices.exists_alias(name=alias, index=old) is True
    assert client.indices.exists(index=alias) is True
    assert client.indices.get_alias(name=alias) == {old: {"aliases": {alias: {}}}}
    assert client.index(index=alias, id="1", body={"n": 1})["_index"] == old
    assert client.get(index=alias, id="1")["_index"] == old
    client.indices.refresh(index=alias)
    assert client.search(index=alias, body={})["hits"]["hits"][0]["_index"] == old


def test_swap(client, old, new, alias):
    client.indices.put_alias(index=old, name=alias)
    answer = client.indices.update_aliases(body=swap(old, new, alias))
    assert answer["acknowledged"] is True
    assert client.indices.get_alias(name=alias) == {
        new: {"aliases": {alias: {"is_write_index": True}}}
    }


def test_a_swap_that_fails_changes_nothing(client, old, new, alias, name, refusal):
    client.indices.put_alias(index=old, name=alias)
    body = swap(old, name("missing"), alias)
    status, error = refusal(client.indices.update_aliases, body=body)
    assert (status, error["type"]) == (404, "index_not_found_exception")
    body = swap(old, new, old)  # an alias may not have the name of an index
    body["actions"][0]["remove"]["alias"] = alias
    status, error = refusal(client.indices.update_aliases, body=body)
    assert (status, error["type"]) == (400, "invalid_alias_name_exception")
    assert client.indices.get_alias(name=alias) == {old: {"aliases": {alias: {}}}}


def test_removing_what_is_not_there(client, old, new, alias, refusal):
    body = {"actions": [{"remove": {"index": old, "alias": alias, "must_exist": True}}]}
    status, error = refusal(client.indices.update_aliases, body=body)
    assert (status, error["type"]) == (404, "aliases_not_found_exception")
    assert error["reason"] == f"aliases [{alias}] missing"
    status, error = refusal(client.indices.delete_alias, index=old, name=alias)
    assert (status, error["type"]) == (404, "aliases_not_found_exception")
    client.indices.update_aliases(
        body={
            "actions": [
                {"remove": {"index": old, "alias": alias}},
                {"add": {"index": new, "alias": alias}},
            ]
        }
    )
    assert set(client.indices.get_alias(name=alias)) == {new}


def test_an_alias_takes_the_name_of_an_index_it_replaces(client, old, new):
    body = {"actions": [{"add": {"index": new, "alias": old}}, {"remove_index": {"index": old}}]}
    client.indices.update_aliases(body=body)
    assert set(client.indices.get(index=old)) == {new}


def test_several_names_in_one_action(client, old, new, name):
    first, second = name("first"), name("second")
    body = {"actions": [{"add": {"indices": [old, new], "aliases": [first, second]}}]}
    client.indices.update_aliases(body=body)
    assert set(client.indices.get_alias(name=second)) == {old, new}
    body = {"actions": [{"remove": {"index": name("products-*"), "alias": name("f*")}}]}
    client.indices.update_aliases(body=body)
    assert client.indices.exists_alias(name=first) is False
    assert client.indices.exists_alias(name=second) is True


def test_delete(client, old, alias):
    client.indices.put_alias(index=old, name=alias)
    assert client.indices.delete_alias(index=old, name=alias) == {"acknowledged": True}
    assert client.indices.exists_alias(name=alias) is False
    assert client.indices.exists(index=old) is True


def test_aliases_go_with_their_index(client, old, alias):
    client.indices.put_alias(index=old, name=alias)
    client.indices.delete(index=old)
    assert client.indices.exists_alias(name=alias) is False


def test_get_of_an_unknown_alias(client, old, alias, name):
    client.indices.put_alias(index=old, name=alias)
    missing = name("missing")
    with pytest.raises(NotFoundError) as raised:
        client.indices.get_alias(name=missing)
    assert raised.value.info == {"error": f"alias [{missing}] missing", "status": 404}
    with pytest.raises(NotFoundError) as raised:
        client.indices.get_alias(name=[alias, missing])
    assert raised.value.info[old] == {"aliases": {alias: {}}}
    assert client.indices.get_alias(name=name("miss*")) == {}
    assert client.indices.get_alias(index=old) == {old: {"aliases": {alias: {}}}}


def test_writes_go_to_the_write_index(client, old, new, alias, refusal):
    client.indices.put_alias(index=[old, new], name=alias)
    status, error = refusal(client.index, index=alias, id="1", body={})
    assert (status, error["type"]) == (400, "illegal_argument_exception")
    assert error["reason"].startswith(f"no write index is defined for alias [{alias}].")
    client.indices.put_alias(index=new, name=alias, body={"is_write_index": True})
    assert client.index(index=alias, id="1", body={})["_index"] == new
    answer = client.bulk(index=alias, body=[{"index": {"_id": "2"}}, {}])
    assert answer["items"][0]["index"]["_index"] == new
    status, error = refusal(client.get, index=alias, id="1")
    assert (status, error["type"]) == (400, "illegal_argument_exception")
    assert "has more than one index associated with it" in error["reason"]


def test_a_single_index_that_takes_no_writes(client, old, alias, refusal):
    client.indices.put_alias(index=old, name=alias, body={"is_write_index": False})
    status, _ = refusal(client.index, index=alias, id="1", body={})
    assert status == 400


def test_writes_that_need_an_alias(client, old, alias, refusal):
    client.indices.put_alias(index=old, name=alias)
    client.index(index=alias, id="1", body={}, params={"require_alias": "true"})
    status, error = refusal(
        client.index, index=old, id="1", body={}, params={"require_alias": "true"}
    )
    assert (status, error["type"]) == (404, "index_not_found_exception")
    assert "[require_alias] request flag is [true]" in error["reason"]


def test_an_index_may_not_take_the_name_of_an_alias(client, old, alias, refusal):
    client.indices.put_alias(index=old, name=alias)
    status, error = refusal(client.indices.create, index=alias)
    assert (status, error["type"]) == (400, "invalid_index_name_exception")
    assert error["reason"] == f"Invalid index name [{alias}], already exists as alias"


@pytest.mark.parametrize(
    "actions", [[], [{"grow": {"index": "a", "alias": "b"}}], [{"add": {"index": "a"}}]]
)
def test_bad_actions(client, refusal, actions):
    status, error = refusal(client.indices.update_aliases, body={"actions": actions})
    assert status == 400
