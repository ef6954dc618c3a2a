"""What a search promises, whatever is asked: permutation, pages, bypass, conditions."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_queries import conditions, shapes, texts, windows

import endcap

PROFILE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def query(text, filters=(), operator="or"):
    match = {"match": {"title": {"query": text, "operator": operator}}}
    return {"bool": {"must": [match], "filter": list(filters)}}


def body(text, filters=(), operator="or", size=10, start=0, **ours):
    asked = {"query": query(text, filters, operator), "size": size, "from": start}
    return {**asked, "ext": {"endcap": ours}} if ours else asked


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def everything(client, text, filters=(), operator="or", **ours):
    return client.search(body(text, filters, operator, size=200, **ours), "products")


@PROFILE
@given(text=texts, filters=conditions, window=windows, operator=st.sampled_from(("or", "and")))
def test_nothing_is_lost_nothing_is_invented(anywhere, text, filters, window, operator):
    answer = everything(anywhere, text, filters, operator, window=window)
    plain = anywhere.search(body(text, filters, operator, size=200), "products", endcap=False)
    found = ids(answer)
    assert len(found) == len(set(found)) == answer["hits"]["total"]["value"]
    assert set(ids(plain)) <= set(found)
    scores = [hit["_score"] for hit in answer["hits"]["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert answer["hits"]["max_score"] == (scores[0] if scores else None)


@PROFILE
@given(asked=shapes, window=windows, size=st.integers(5, 30), post=conditions)
def test_whatever_is_asked_pages_totals_and_aggregations_add_up(
    anywhere, asked, window, size, post
):
    """Nothing is lost, repeated or invented, and what is counted is what is shown."""
    body = {
        "query": asked,
        "post_filter": {"bool": {"filter": post}},
        "aggs": {"kinds": {"terms": {"field": "kind", "size": 50}}},
        "ext": {"endcap": {"window": window}},
    }
    whole = anywhere.search({**body, "size": 200}, "products")
    plain = anywhere.search({**body, "size": 200}, "products", endcap=False)
    found = ids(whole)
    assert len(found) == len(set(found)) == whole["hits"]["total"]["value"]
    assert set(ids(plain)) <= set(found)
    paged = []
    for start in range(0, len(found), size):
        page = anywhere.search({**body, "from": start, "size": size}, "products")
        assert page["aggregations"] == whole["aggregations"]
        paged += page["hits"]["hits"]
    assert paged == whole["hits"]["hits"]
    every = anywhere.search({**body, "post_filter": {"match_all": {}}, "size": 200}, "products")
    shown = {h["_id"]: h["_source"]["kind"] for h in whole["hits"]["hits"] + every["hits"]["hits"]}
    kinds = list(shown.values())
    counts = {b["key"]: b["doc_count"] for b in whole["aggregations"]["kinds"]["buckets"]}
    assert counts == {kind: kinds.count(kind) for kind in set(kinds)}


@PROFILE
@given(asked=shapes, post=conditions, window=windows)
def test_a_post_filter_finds_what_the_same_filter_in_the_query_finds(anywhere, asked, post, window):
    """All of it, though no aggregation makes the engine look at every hit."""
    wanted = {"size": 200, "ext": {"endcap": {"window": window}}}
    behind = {"query": asked, "post_filter": {"bool": {"filter": post}}}
    within = {"query": {"bool": {"must": [asked], "filter": post}}}
    found, expected = (anywhere.search({**wanted, **each}, "products") for each in (behind, within))
    assert ids(found) == ids(expected)
    assert found["hits"]["total"] == expected["hits"]["total"]


@PROFILE
@given(asked=shapes, post=conditions)
def test_whatever_is_asked_its_conditions_bind(anywhere, asked, post):
    """What is shown is what the engine would show if every text matched."""
    post_filter = {"bool": {"filter": post}}
    relaxed = json.loads(json.dumps(asked), object_hook=_matched)
    allowed = {"query": relaxed, "post_filter": post_filter, "size": 200}
    may = set(ids(anywhere.search(allowed, "products", endcap=False)))
    ours = {"endcap": {"floor": -1.0}}
    body = {"query": asked, "post_filter": post_filter, "size": 200, "ext": ours}
    assert set(ids(anywhere.search(body, "products"))) <= may


def _matched(node):
    return {"match_all": {}} if "match" in node else node


@PROFILE
@given(asked=shapes, name=st.text("abcdef", min_size=1))
def test_whatever_is_asked_a_stranger_changes_nothing(anywhere, asked, name):
    body = {"query": asked, "size": 200}
    nobody = anywhere.search(body, "products")
    assert anywhere.search(body, "products", user=name)["hits"] == nobody["hits"]


@PROFILE
@given(asked=shapes, least=st.floats(0.1, 3), window=windows)
def test_a_least_score_binds_hits_and_aggregations(anywhere, asked, least, window):
    body = {
        "query": asked,
        "size": 200,
        "min_score": least,
        "aggs": {"kinds": {"terms": {"field": "kind", "size": 50}}},
        "ext": {"endcap": {"window": window}},
    }
    ours = anywhere.search(body, "products")
    plain = anywhere.search(body, "products", endcap=False)
    assert sorted(ids(ours)) == sorted(ids(plain))
    assert ours["aggregations"] == plain["aggregations"]
    assert ours["hits"]["total"] == plain["hits"]["total"]


@PROFILE
@given(text=texts, filters=conditions, window=windows)
def test_lexical_recall_only_reorders(anywhere, text, filters, window):
    answer = everything(anywhere, text, filters, window=window, recall="lexical")
    plain = anywhere.search(body(text, filters, size=200), "products", endcap=False)
    assert sorted(ids(answer)) == sorted(ids(plain))
    assert answer["hits"]["total"] == plain["hits"]["total"]


@PROFILE
@given(text=texts, filters=conditions, window=windows, size=st.integers(1, 25))
def test_pages_neither_repeat_nor_drop_a_hit(anywhere, text, filters, window, size):
    whole = everything(anywhere, text, filters, window=window)
    paged = []
    for start in range(0, whole["hits"]["total"]["value"], size):
        page = anywhere.search(
            body(text, filters, size=size, start=start, window=window), "products"
        )
        assert page["hits"]["total"] == whole["hits"]["total"]
        assert page["hits"]["max_score"] == whole["hits"]["max_score"]
        paged += page["hits"]["hits"]
    assert paged == whole["hits"]["hits"]


@PROFILE
@given(text=texts, window=windows)
def test_behind_the_window_the_engine_s_own_order_goes_on(anywhere, text, window):
    answer = everything(anywhere, text, window=window)
    plain = anywhere.search(body(text, size=200), "products", endcap=False)
    behind = ids(answer)[answer["ext"]["endcap"]["window"] :]
    assert behind == [id for id in ids(plain) if id in set(behind)]


@PROFILE
@given(text=texts, filters=conditions, post=conditions)
def test_every_condition_binds_both_legs(anywhere, text, filters, post):
    asked = body(text, filters, size=200, floor=0.0)
    asked["post_filter"] = {"bool": {"filter": post}}
    allowed = {"query": {"bool": {"filter": [*filters, *post]}}, "size": 200}
    may = set(ids(anywhere.search(allowed, "products", endcap=False)))
    assert set(ids(anywhere.search(asked, "products"))) <= may


@PROFILE
@given(text=texts, filters=conditions)
def test_a_restrictive_condition_does_not_starve_the_vector_leg(anywhere, text, filters):
    """With the floor at the least cosine the vector leg admits every product that is allowed."""
    answer = everything(anywhere, text, filters, floor=-1.0, window=200)
    allowed = anywhere.search(
        {"query": {"bool": {"filter": filters}}, "size": 200}, "products", endcap=False
    )
    assert sorted(ids(answer)) == sorted(ids(allowed))


@PROFILE
@given(text=texts, filters=conditions, name=st.text("abcdef", min_size=1))
def test_an_unknown_shopper_gets_exactly_the_order_of_nobody(anywhere, text, filters, name):
    nobody = everything(anywhere, text, filters)
    stranger = anywhere.search(body(text, filters, size=200), "products", user=name)
    assert stranger["hits"] == nobody["hits"]


@PROFILE
@given(text=texts, filters=conditions, post=conditions)
def test_aggregations_count_what_is_found(anywhere, text, filters, post):
    """Totals and aggregations count the union of both legs; a post_filter is not seen by them."""
    asked = body(text, filters, size=200)
    asked["aggs"] = {"kinds": {"terms": {"field": "kind", "size": 50}}}
    unfiltered = anywhere.search(asked, "products")
    counts = {b["key"]: b["doc_count"] for b in unfiltered["aggregations"]["kinds"]["buckets"]}
    kinds = [hit["_source"]["kind"] for hit in unfiltered["hits"]["hits"]]
    assert counts == {kind: kinds.count(kind) for kind in set(kinds)}
    filtered = anywhere.search({**asked, "post_filter": {"bool": {"filter": post}}}, "products")
    assert filtered["aggregations"] == unfiltered["aggregations"]


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 0},
        {"sort": [{"price": "desc"}]},
        {"query": {"match_all": {}}},
        {"query": {"term": {"kind": "sofa"}}},
    ],
)
def test_a_bypass_differs_only_by_took_and_our_reason(anywhere, changes):
    asked = {**body("red sofa"), **changes}
    ours = anywhere.search(asked, "products")
    plain = anywhere.search(asked, "products", endcap=False)
    extension = ours.pop("ext")["endcap"]
    assert extension["applied"] is False
    assert extension["reason"]
    del ours["took"], plain["took"]
    assert ours == plain


def test_endcap_false_is_the_plain_client(built_store):
    import opensearchpy

    from endcap_indexer.embedded import EmbeddedConnection

    plain = opensearchpy.OpenSearch(
        connection_class=EmbeddedConnection, folder=str(built_store / "engine")
    )
    expected = plain.search(body=body("red sofa"), index="products")
    with endcap.connect(built_store) as client:
        found = client.search(body("red sofa"), "products", endcap=False)
    plain.close()
    del expected["took"], found["took"]
    assert found == expected
