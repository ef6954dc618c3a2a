"""Which index is meant: one, by whatever name, is re-ranked; several are passed through."""

from uuid import uuid4

import pytest
from opensearchpy.exceptions import AuthorizationException

BODY = {"query": {"match": {"title": "red couch"}}, "size": 5}


@pytest.fixture
def other(shop):
    """A second index whose name begins as the shop's."""
    name = f"{shop.alias}-other-{uuid4().hex[:6]}"
    with shop.plain() as client:
        client.index(index=name, body={"title": "red couch"}, refresh=True)
        yield name
        client.indices.delete(index=name)


def test_one_index_is_re_ranked_by_whatever_name(ours, alias):
    expected = ours.search(BODY, alias)["hits"]
    concrete = expected["hits"][0]["_index"]
    for index in (
        concrete,
        [alias],
        [alias, alias],
        f"{alias},{concrete}",
        f"{alias}*",
        [f"{alias}-0*"],
    ):
        answer = ours.search(BODY, index)
        assert answer["ext"]["endcap"]["applied"] is True, index
        assert answer["hits"] == expected


@pytest.mark.parametrize("form", ["{}*", "{},{other}", "{}*,-{}-nothing*", "{other}"])
def test_several_indices_or_another_are_passed_through(ours, plain, alias, other, outcome, form):
    index = form.format(alias, alias, other=other)
    found = outcome(ours.search, BODY, index)
    if isinstance(found, dict):  # the embedded engine refuses several
        extension = found.pop("ext")["endcap"]
        assert extension["applied"] is False
        assert ("names 2 indices" in extension["reason"]) is (form != "{other}")
    assert found == outcome(plain.search, body=BODY, index=index)


@pytest.mark.parametrize("index", [None, "", "_all", "*", "nowhere*", "nowhere", "<shop-{now/d}>"])
def test_no_index_and_one_that_is_not_there(ours, plain, outcome, index):
    body = {"query": {"ids": {"values": ["nothing"]}}}
    found = outcome(ours.search, body, index, user="ada")
    expected = outcome(plain.search, body=body, index=index)
    if isinstance(found, dict):
        assert found.pop("ext")["endcap"]["applied"] is False
        del found["_shards"], expected["_shards"]  # other indices come and go
    assert found == expected


@pytest.mark.parametrize("shop", ["opensearch"], indirect=True)
def test_an_alias_with_a_filter_is_passed_through(ours, plain, alias, shop, outcome):
    narrow = f"narrow-{uuid4().hex[:6]}"
    concrete = f"{alias}-000001"
    with shop.plain() as client:
        client.indices.put_alias(
            index=concrete, name=narrow, body={"filter": {"term": {"brand.keyword": "Alder"}}}
        )
        for index in (narrow, f"{narrow}*"):
            found = outcome(ours.search, BODY, index)
            reason = found.pop("ext")["endcap"]["reason"]
            assert reason == f"the alias {narrow} has a filter or a routing: passed through"
            assert found == outcome(plain.search, body=BODY, index=index)
        client.indices.delete_alias(index=concrete, name=narrow)


def test_who_may_search_but_not_look_gets_the_plain_search(shop, plain, alias, outcome):
    """And is not asked for again with every search."""
    asked = []
    with shop.client() as client:
        perform = client.transport.perform_request

        def guarded(method, url, **named):
            if method == "GET":
                asked.append(url)
                raise AuthorizationException(403, "security_exception", {})
            return perform(method, url, **named)

        client.transport.perform_request = guarded
        found = [outcome(client.search, BODY, alias) for _ in range(3)]
    expected = outcome(plain.search, body=BODY, index=alias)
    for answer in found:
        reason = answer.pop("ext")["endcap"]["reason"]
        assert reason == f"{alias} may be searched, but not looked at: security_exception"
        assert answer == expected
    assert len(asked) == 1
