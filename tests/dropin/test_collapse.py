"""`collapse`: every group once over all pages, by the product that the engine puts first."""

import shutil
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endcap.operations import count_interactions
from endcap_reranker import Interactions

pytestmark = pytest.mark.parametrize("shop", ["opensearch"], indirect=True)
PROFILE = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
INNER = {"name": "variants", "size": 50, "_source": False}
SORTS = ("_score", ["_score", {"price": "desc"}], [{"_score": "desc"}, "brand.keyword"])

texts = st.sampled_from(("sofa", "red couch", "navy jacket lamp", "coat alder"))
fields = st.sampled_from(("family", "line", "kind", "sales"))
posts = st.sampled_from(({"match_all": {}}, {"range": {"price": {"gte": 30}}}))


def query(text):
    return {"multi_match": {"query": text, "fields": ["title", "brand"]}}


def value_of(hit, field):
    return hit["_source"].get(field)


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def groups_of(answer, field):
    return [value_of(hit, field) for hit in answer["hits"]["hits"]]


@PROFILE
@given(text=texts, field=fields, post=posts, window=st.integers(1, 80), size=st.integers(1, 9))
def test_every_group_appears_once_over_all_pages(ours, alias, text, field, post, window, size):
    endcap = {"endcap": {"window": window}}
    body = {"query": query(text), "post_filter": post, "size": 100, "ext": endcap}
    every = ours.search(body, alias)
    body["collapse"] = {"field": field}
    whole = ours.search(body, alias)
    assert whole["ext"]["endcap"]["applied"] is True
    found = groups_of(whole, field)
    assert len(found) == len(set(found))
    assert set(found) <= set(groups_of(every, field))
    assert [hit.get("fields") for hit in whole["hits"]["hits"]] == [
        None if name is None else {field: [name]} for name in found
    ]
    paged = []
    for start in range(0, len(found) + size, size):
        page = ours.search({**body, "from": start, "size": size}, alias)
        assert page["hits"]["total"] == whole["hits"]["total"]
        paged += page["hits"]["hits"]
    assert paged == whole["hits"]["hits"]


@PROFILE
@given(text=texts, field=fields, post=posts, sort=st.sampled_from(SORTS), window=st.integers(1, 80))
def test_what_stands_for_a_group_is_the_engine_s_own(
    ours, plain, alias, text, field, post, sort, window
):
    body = {"query": query(text), "post_filter": post, "sort": sort, "size": 100}
    body["collapse"] = {"field": field, "inner_hits": INNER}
    expected = {
        value_of(hit, field): hit for hit in plain.search(body=body, index=alias)["hits"]["hits"]
    }
    endcap = {"endcap": {"window": window}}
    found = {
        value_of(hit, field): hit
        for hit in ours.search({**body, "ext": endcap}, alias)["hits"]["hits"]
    }
    assert expected.keys() <= found.keys()
    for name, hit in expected.items():
        assert found[name]["_id"] == hit["_id"]


@PROFILE
@given(text=texts, field=fields, post=posts, window=st.integers(1, 80))
def test_inner_hits_and_totals_are_complete(ours, alias, text, field, post, window):
    """They count and show what is found without collapse: nothing is hidden by the page."""
    body = {"query": query(text), "post_filter": post, "size": 100}
    body["ext"] = {"endcap": {"window": window}}
    body["aggs"] = {"kinds": {"terms": {"field": "kind"}}}
    every = ours.search(body, alias)
    members = defaultdict(set)
    for hit in every["hits"]["hits"]:
        members[value_of(hit, field)].add(hit["_id"])
    body["collapse"] = {"field": field, "inner_hits": INNER}
    collapsed = ours.search(body, alias)
    assert collapsed["hits"]["total"] == every["hits"]["total"]
    assert collapsed["aggregations"] == every["aggregations"]
    assert set(groups_of(collapsed, field)) == members.keys()
    for hit in collapsed["hits"]["hits"]:
        inner = hit["inner_hits"]["variants"]["hits"]["hits"]
        assert {found["_id"] for found in inner} == members[value_of(hit, field)]


def test_the_vector_leg_adds_groups_but_no_second_variant(ours, plain, alias):
    body = {"query": {"match": {"title": "couch"}}, "size": 100, "collapse": {"field": "family"}}
    lexical = groups_of(plain.search(body=body, index=alias), "family")
    answer = ours.search(body, alias)
    found = groups_of(answer, "family")
    assert sorted(found[: len(lexical)]) == sorted(lexical)
    assert sorted(found[len(lexical) :]) == ["blue-sofa", "crimson-sofa", "navy-sofa", "red-sofa"]
    assert answer["ext"]["endcap"]["window"] == len(found)


def test_a_shopper_s_order_is_an_order_of_groups(ours, alias):
    body = {"query": {"match": {"title": "sofa"}}, "size": 8, "collapse": {"field": "family"}}
    nobody = groups_of(ours.search(body, alias), "family")
    history = {"endcap": {"history": ["p018", "p042"]}}
    found = groups_of(ours.search({**body, "ext": history}, alias), "family")
    assert sorted(found) == sorted(nobody)
    assert found[0].startswith(("navy", "blue"))


def test_what_goes_with_a_history_is_shown_by_its_group(shop, alias, tmp_path):
    """A companion far behind the window brings in what stands for its group, not itself."""
    store = Path(shutil.copytree(shop.store, tmp_path / "store"))
    pairs = [(user, item) for user in range(9) for item in ("p001", "p060")]
    rows = [("", {"user": user, "item": item, "time": at}) for at, (user, item) in enumerate(pairs)]
    counted = Interactions.from_rows(rows, on_bad_row=pytest.fail)
    count_interactions(store, alias, counted, {})
    body = {"query": {"match": {"title": "sofa"}}, "size": 9, "collapse": {"field": "family"}}
    endcap = {"endcap": {"recall": "lexical", "window": 1, "history": ["p001"]}}
    with shop._replace(store=store).client() as client:
        answer = client.search({**body, "ext": endcap}, alias)
        expected = ids(client.search(body, alias, endcap=False))
    assert answer["ext"]["endcap"]["window"] == 2
    assert set(ids(answer)[:2]) == {"p000", "p012"}  # p012 stands for p060, which is as blue
    assert sorted(ids(answer)) == sorted(expected)


@pytest.mark.parametrize("recall", ["lexical", "vector"])
def test_either_leg_alone_is_collapsed(ours, plain, alias, recall):
    body = {"query": {"match": {"title": "couch"}}, "size": 100, "collapse": {"field": "family"}}
    lexical = groups_of(plain.search(body=body, index=alias), "family")
    found = groups_of(ours.search({**body, "ext": {"endcap": {"recall": recall}}}, alias), "family")
    assert len(found) == len(set(found))
    assert set(lexical) <= set(found)
    assert (set(lexical) == set(found)) is (recall == "lexical")


@pytest.mark.parametrize(
    "collapse", [{}, {"field": "price2"}, {"field": 3}, "family", {"field": "title"}]
)
def test_a_collapse_that_the_engine_refuses_is_refused(ours, plain, alias, outcome, collapse):
    named = {"body": {"query": query("sofa"), "collapse": collapse}, "index": alias}
    assert outcome(ours.search, **named) == outcome(plain.search, **named)
