"""What plain opensearch-py raises is raised: the same class, status and info."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MATCH = {"match": {"title": "red sofa"}}
WRONG = {
    "an unknown key": {"query": MATCH, "nonsense": 1},
    "an unknown query": {"query": {"nonsense": {"title": "sofa"}}},
    "an unknown query inside": {"query": {"bool": {"must": [MATCH, {"nonsense": {}}]}}},
    "two clauses": {"query": {**MATCH, "term": {"kind": "sofa"}}},
    "no clause": {"query": {}},
    "a query that is no object": {"query": ["sofa"]},
    "no query at all": {"query": None},
    "a match of nothing": {"query": {"match": {}}},
    "a match without a text": {"query": {"match": {"title": {"operator": "and"}}}},
    "a match of two fields": {"query": {"match": {"title": "sofa", "brand": "Alder"}}},
    "a bool that is no object": {"query": {"bool": ["must", MATCH]}},
    "a clause that is no object": {"query": {"bool": {"must": [MATCH, "sofa"]}}},
    "an unknown occurrence": {"query": {"bool": {"most": [MATCH]}}},
    "a dis_max without queries": {"query": {"dis_max": {}}},
    "a function_score that is none": {"query": {"function_score": {"query": MATCH, "nonsense": 1}}},
    "a text for a number": {
        "query": {"bool": {"must": [MATCH], "filter": [{"term": {"price": "x"}}]}}
    },
    "a range of words": {
        "query": {"bool": {"must": [MATCH], "filter": [{"range": {"price": {"gte": "x"}}}]}}
    },
    "a wrong post_filter": {"query": MATCH, "post_filter": {"nonsense": {}}},
    "a wrong aggregation": {"query": MATCH, "aggs": {"kinds": {"nonsense": {"field": "kind"}}}},
    "an aggregation of texts": {"query": MATCH, "aggs": {"titles": {"terms": {"field": "title"}}}},
    "a sort of texts": {"query": MATCH, "sort": ["_score", "title"]},
    "a sort by nothing": {"query": MATCH, "sort": ["_score", "nowhere"]},
    "a wrong highlight": {"query": MATCH, "highlight": {"fields": {"title": {"type": "nonsense"}}}},
    "a wrong _source": {"query": MATCH, "_source": {"nonsense": []}},
    "a wrong size": {"query": MATCH, "size": -7},
    "a wrong from": {"query": MATCH, "from": "one"},
    "a page too far": {"query": MATCH, "from": 10_000, "size": 1},
    "a wrong least score": {"query": MATCH, "min_score": "high"},
    "an ext that is none": {"query": MATCH, "ext": {"nonsense": {}}},
    "an ext that is no object": {"query": MATCH, "ext": 1},
    "wrong track_total_hits": {"query": MATCH, "track_total_hits": "many"},
    "docvalues of texts": {"query": MATCH, "docvalue_fields": ["title"]},
    "a body that is a list": [MATCH],
    "a body that is a number": 3,
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_a_wrong_body_raises_alike(ours, plain, alias, outcome, body):
    expected = outcome(plain.search, body=body, index=alias)
    found = outcome(ours.search, body=body, index=alias)
    if isinstance(found, dict):  # the engine takes it after all
        found.pop("ext")
        assert isinstance(expected, dict)
        assert found.keys() == expected.keys()
    else:
        assert found == expected


def test_what_a_caller_ignores_is_answered(ours, plain, alias, outcome):
    for index, body in (("nowhere", {"query": MATCH}), (alias, {"query": {"nonsense": {}}})):
        named = {"index": index, "body": body, "ignore": [400, 404]}
        assert outcome(ours.search, **named) == outcome(plain.search, **named)


PROFILE = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
words = st.sampled_from(("red sofa", "couch", "navy", "zzz", ""))
fields = st.sampled_from(("title", "brand", "kind", "price", "nowhere"))
leaves = st.one_of(
    st.builds(lambda field, text: {"match": {field: text}}, fields, words),
    st.builds(lambda field, value: {"term": {field: value}}, fields, st.sampled_from(("sofa", 3))),
    st.builds(lambda field: {"exists": {"field": field}}, fields),
    st.builds(lambda low: {"range": {"price": {"gte": low}}}, st.integers(0, 80)),
    st.sampled_from(({"match_all": {}}, {"match_none": {}}, {"ids": {"values": ["p001"]}})),
)
queries = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {},
            optional={
                "must": st.lists(inner, max_size=2),
                "should": st.lists(inner, max_size=2),
                "filter": st.lists(inner, max_size=2),
                "must_not": inner,
                "minimum_should_match": st.sampled_from((0, 1, "50%")),
            },
        ).map(lambda clause: {"bool": clause}),
        st.lists(inner, min_size=1, max_size=2).map(lambda q: {"dis_max": {"queries": q}}),
        inner.map(lambda query: {"constant_score": {"filter": query}}),
    ),
    max_leaves=5,
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "query": queries,
        "size": st.integers(0, 12),
        "from": st.integers(0, 30),
        "sort": st.sampled_from(("_score", ["price"], ["_score", {"price": "desc"}], ["kind"])),
        "post_filter": leaves,
        "_source": st.sampled_from((False, "title", ["brand", "p*"])),
        "aggs": st.just({"kinds": {"terms": {"field": "kind"}}}),
        "track_total_hits": st.sampled_from((True, False, 3)),
        "min_score": st.floats(0, 2),
        "highlight": st.just({"fields": {"title": {}}}),
        "version": st.booleans(),
    },
)
urls = st.fixed_dictionaries(
    {},
    optional={
        "size": st.integers(0, 3),
        "from_": st.integers(0, 3),
        "sort": st.sampled_from(("price", "_score")),
        "_source": st.sampled_from(("false", "title")),
        "rest_total_hits_as_int": st.booleans(),
        "filter_path": st.sampled_from(("hits.total", "took,hits.hits._id")),
    },
)


@PROFILE
@given(body=bodies, url=urls)
def test_without_endcap_every_search_is_the_plain_one(ours, plain, alias, outcome, body, url):
    named = {"body": body, "index": alias, **url}
    assert outcome(ours.search, endcap=False, **named) == outcome(plain.search, **named)


@PROFILE
@given(body=bodies, url=urls)
def test_a_search_is_re_ranked_or_the_plain_one_with_the_reason(
    ours, plain, alias, outcome, body, url
):
    named = {"body": body, "index": alias, **url}
    expected, found = outcome(plain.search, **named), outcome(ours.search, **named)
    if not isinstance(expected, dict) or not isinstance(found, dict):
        assert found == expected
        return
    extension = found.pop("ext", {}).get("endcap", {})
    if extension.get("applied") is False:
        assert extension.keys() == {"applied", "reason"}
        assert found == expected
        assert "failed" not in extension["reason"]
        assert "Error" not in extension["reason"]
    elif "filter_path" not in url:
        assert extension["reason"] is None or "leg" in extension["reason"]
        assert found.keys() == expected.keys()
        assert found["hits"].keys() == expected["hits"].keys()
