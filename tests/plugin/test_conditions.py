import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap.conditions import NotTakenApart, take_apart, without_inner_hits

MATCH = {"match": {"title": "red shoes"}}
MULTI = {"multi_match": {"query": "boots", "fields": ["title"]}}
TERM = {"term": {"brand": "acme"}}
RANGE = {"range": {"price": {"lte": 10}}}
CONSTANT = {"constant_score": {"filter": TERM}}


@pytest.mark.parametrize(
    ("query", "texts", "conditions", "narrows", "positive"),
    [
        (MATCH, ("red shoes",), (), True, True),
        ({"match": {"title": {"query": "red", "operator": "and"}}}, ("red",), (), True, True),
        ({"match": {"title": {"query": "red", "boost": 0}}}, ("red",), (), True, False),
        (MULTI, ("boots",), (), True, True),
        ({"query_string": {"query": "red AND shoes"}}, ("red AND shoes",), (), True, True),
        (TERM, (), (TERM,), False, True),
        ({"match_all": {}}, (), ({"match_all": {}},), False, True),
        ({"constant_score": {"filter": TERM}}, (), (CONSTANT,), False, True),
        ({"bool": {"must": MATCH, "filter": TERM}}, ("red shoes",), (TERM,), True, True),
        ({"bool": {"must": [MATCH, TERM]}}, ("red shoes",), (TERM,), True, True),
        ({"bool": {"should": [MATCH, MULTI]}}, ("red shoes", "boots"), (), True, True),
        ({"bool": {"should": [MATCH, TERM]}}, ("red shoes",), (), True, True),
        ({"bool": {"filter": [TERM], "should": [MATCH]}}, ("red shoes",), (TERM,), False, False),
        (
            {"bool": {"filter": [TERM], "should": [MATCH], "minimum_should_match": 1}},
            ("red shoes",),
            (TERM,),
            True,
            True,
        ),
        ({"bool": {"filter": [MATCH]}}, (), (MATCH,), False, False),
        ({"dis_max": {"queries": [MATCH, MULTI]}}, ("red shoes", "boots"), (), True, True),
        ({"function_score": {"query": MATCH, "weight": 2}}, ("red shoes",), (), True, False),
        ({"boosting": {"positive": MATCH, "negative": TERM}}, ("red shoes",), (), True, True),
        ({"bool": {"should": [TERM, RANGE], "filter": [TERM]}}, (), (TERM,), False, False),
    ],
)
def test_text_and_conditions(query, texts, conditions, narrows, positive):
    assert take_apart(query) == (texts, conditions, narrows, positive)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("query_string", "jacket AND price:<100"),
        ("query_string", "brand:acme"),
        ("query_string", "jacket -rain"),
        ("query_string", "jacket (-rain)"),
        ("query_string", "jacket AND NOT rain"),
        ("query_string", "jacket !rain"),
        ("simple_query_string", "jacket -rain"),
        ("simple_query_string", "-rain"),
    ],
)
def test_conditions_within_a_text_bind_too_so_it_is_not_taken_apart(name, text):
    with pytest.raises(NotTakenApart, match=f"conditions within {name}"):
        take_apart({"bool": {"must": [MATCH, {name: {"query": text}}]}})


@pytest.mark.parametrize("name", ["query_string", "simple_query_string"])
@pytest.mark.parametrize("text", ["t-shirt", '"rain jacket" wool', "wool OR down", "+wool jack*"])
def test_a_text_of_words_is_text_in_any_language(name, text):
    assert take_apart({name: {"query": text}}).texts == (text,)


def test_a_colon_and_a_shout_are_words_of_the_simple_language():
    assert take_apart({"simple_query_string": {"query": "size: 10!"}}).texts == ("size: 10!",)


@pytest.mark.parametrize("name", ["query_string", "simple_query_string"])
@pytest.mark.parametrize("text", ["*", " *:* "])
def test_whatever_there_is_is_no_text(name, text):
    query = {name: {"query": text}}
    assert take_apart(query) == ((), (query,), False, True)


def test_what_is_forbidden_stays_forbidden():
    apart = take_apart({"bool": {"must": [MATCH], "must_not": TERM}})
    assert apart.conditions == ({"bool": {"must_not": [TERM]}},)


def test_alternatives_without_text_bind_as_a_whole():
    apart = take_apart({"bool": {"must": [MATCH], "should": [TERM, RANGE]}})
    assert apart == (("red shoes",), (), True, True)
    apart = take_apart({"bool": {"should": [TERM, RANGE], "minimum_should_match": 2}})
    assert apart.conditions == ({"bool": {"should": [TERM, RANGE], "minimum_should_match": 2}},)


@pytest.mark.parametrize("least", [2, "2", "75%", -1])
def test_several_alternatives_of_texts_and_conditions_are_not_taken_apart(least):
    """How many conditions must hold depends on how many texts do: nothing binds by itself."""
    query = {"bool": {"should": [MATCH, MULTI, TERM], "minimum_should_match": least}}
    with pytest.raises(NotTakenApart, match=f"minimum_should_match {least}"):
        take_apart(query)
    texts_alone = {"bool": {"should": [MATCH, MULTI], "minimum_should_match": least}}
    assert take_apart(texts_alone).conditions == ()


def test_more_alternatives_than_there_are_are_not_taken_apart():
    """Nothing is found, whatever the text says."""
    with pytest.raises(NotTakenApart, match="minimum_should_match 2 of 1"):
        take_apart({"bool": {"should": [MATCH], "minimum_should_match": 2}})
    with pytest.raises(NotTakenApart, match="minimum_should_match 1 of 0"):
        take_apart({"bool": {"must": [MATCH], "minimum_should_match": 1}})
    assert take_apart({"bool": {"must": [MATCH], "minimum_should_match": "75%"}}).texts


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


@pytest.mark.parametrize("said", [0, "0%", "50%", "-1", None])
def test_alternatives_alone_are_never_optional(said):
    apart = take_apart({"bool": {"should": [TERM], "minimum_should_match": said}})
    assert len(apart.conditions) == 1


@pytest.mark.parametrize("said", [0, "0%", "50%", "-1", "0<0", None])
def test_alternatives_beside_a_text_may_be_optional(said):
    beside = {"must": [MATCH], "should": [TERM], "minimum_should_match": said}
    assert take_apart({"bool": beside}).conditions == ()


@pytest.mark.parametrize("said", [1, "1", "100%", "-0", "2<0", "-50%"])
def test_alternatives_beside_a_text_may_bind(said):
    beside = {"must": [MATCH], "should": [TERM], "minimum_should_match": said}
    assert len(take_apart({"bool": beside}).conditions) == 1


def test_a_minimum_that_is_none():
    with pytest.raises(NotTakenApart, match="minimum_should_match many"):
        take_apart({"bool": {"must": [MATCH], "should": [TERM], "minimum_should_match": "many"}})


def test_a_query_without_inner_hits_is_the_same_but_for_them():
    def asked(**shown):
        nested = {"nested": {"path": "offers", "query": {"term": {"inner_hits": 1}}, **shown}}
        parent = {"has_parent": {"parent_type": "line", "query": nested, **shown}}
        return {"bool": {"must": [MATCH, {"terms": {"row": [1, 2]}}], "filter": parent}}

    shown = asked(inner_hits={"size": 1})
    assert without_inner_hits(shown) == asked()
    assert shown == asked(inner_hits={"size": 1})
