import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap.conditions import NotTakenApart, take_apart

MATCH = {"match": {"title": "red shoes"}}
MULTI = {"multi_match": {"query": "boots", "fields": ["title"]}}
TERM = {"term": {"brand": "acme"}}
RANGE = {"range": {"price": {"lte": 10}}}


@pytest.mark.parametrize(
    ("query", "texts", "conditions", "required"),
    [
        (MATCH, ("red shoes",), (), True),
        ({"match": {"title": {"query": "red", "operator": "and"}}}, ("red",), (), True),
        (MULTI, ("boots",), (), True),
        ({"query_string": {"query": "red AND shoes"}}, ("red AND shoes",), (), True),
        (TERM, (), (TERM,), False),
        ({"match_all": {}}, (), ({"match_all": {}},), False),
        ({"constant_score": {"filter": TERM}}, (), (TERM,), False),
        ({"bool": {"must": MATCH, "filter": TERM}}, ("red shoes",), (TERM,), True),
        ({"bool": {"must": [MATCH, TERM]}}, ("red shoes",), (TERM,), True),
        ({"bool": {"should": [MATCH, MULTI]}}, ("red shoes", "boots"), (), True),
        ({"bool": {"should": [MATCH, TERM]}}, ("red shoes",), (), False),
        ({"bool": {"filter": [TERM], "should": [MATCH]}}, ("red shoes",), (TERM,), False),
        (
            {"bool": {"filter": [TERM], "should": [MATCH], "minimum_should_match": 1}},
            ("red shoes",),
            (TERM,),
            True,
        ),
        ({"dis_max": {"queries": [MATCH, MULTI]}}, ("red shoes", "boots"), (), True),
        ({"function_score": {"query": MATCH, "weight": 2}}, ("red shoes",), (), True),
        ({"boosting": {"positive": MATCH, "negative": TERM}}, ("red shoes",), (), True),
        ({"bool": {"should": [TERM, RANGE], "filter": [TERM]}}, (), (TERM,), False),
    ],
)
def test_text_and_conditions(query, texts, conditions, required):
    assert take_apart(query) == (texts, conditions, required)


def test_what_is_forbidden_stays_forbidden():
    apart = take_apart({"bool": {"must": [MATCH], "must_not": TERM}})
    assert apart.conditions == ({"bool": {"must_not": [TERM]}},)


def test_alternatives_without_text_bind_as_a_whole():
    apart = take_apart({"bool": {"must": [MATCH], "should": [TERM, RANGE]}})
    assert apart == (("red shoes",), (), True)
    apart = take_apart({"bool": {"should": [TERM, RANGE], "minimum_should_match": 2}})
    assert apart.conditions == ({"bool": {"should": [TERM, RANGE], "minimum_should_match": 2}},)


def test_conditions_of_each_alternative_bind_as_alternatives():
    red = {"bool": {"must": [MATCH], "filter": [TERM]}}
    boots = {"bool": {"must": [MULTI], "filter": [RANGE]}}
    (condition,) = take_apart({"dis_max": {"queries": [red, boots]}}).conditions
    assert condition == {
        "bool": {
            "should": [{"bool": {"filter": [TERM]}}, {"bool": {"filter": [RANGE]}}],
            "minimum_should_match": 1,
        }
    }


@pytest.mark.parametrize(
    ("query", "clause"),
    [
        ({"hybrid": {"queries": []}}, "hybrid"),
        ({"bool": {"must": [{"script_score": {}}]}}, "script_score"),
        ({"function_score": {"query": MATCH, "min_score": 1}}, "function_score"),
        ({"knn": {}}, "knn"),
        ({**MATCH, **TERM}, "a query of several clauses"),
    ],
)
def test_a_query_that_cannot_be_taken_apart_is_named(query, clause):
    with pytest.raises(NotTakenApart, match=clause):
        take_apart(query)


leaves = st.sampled_from([MATCH, MULTI, TERM, RANGE])
queries = st.recursive(
    leaves,
    lambda parts: st.fixed_dictionaries(
        {
            "bool": st.fixed_dictionaries(
                {},
                optional={
                    name: st.lists(parts, min_size=1, max_size=3)
                    for name in ("must", "filter", "should", "must_not")
                },
            )
        }
    ),
    max_leaves=8,
)


@given(queries)
def test_every_filter_at_the_top_is_among_the_conditions(query):
    apart = take_apart(query)
    for condition in query.get("bool", {}).get("filter", []):
        assert condition in apart.conditions
    assert all(text in ("red shoes", "boots") for text in apart.texts)
