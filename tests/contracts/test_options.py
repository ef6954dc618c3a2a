"""No silent guess within what is served: each option acts as on the server or is refused."""

from typing import Any

import pytest

WRAPPED = {"boost": 2, "_name": "it"}
MATCH = WRAPPED | {
    "operator": "and",
    "analyzer": "english",
    "fuzziness": "AUTO",
    "prefix_length": 1,
    "max_expansions": 3,
    "minimum_should_match": 2,
    "fuzzy_rewrite": "constant_score",
    "fuzzy_transpositions": False,
    "lenient": True,
    "cutoff_frequency": 0.1,
    "zero_terms_query": "all",
    "auto_generate_synonyms_phrase_query": False,
}
FIELD_QUERIES: dict[str, tuple[str, str, dict[str, Any]]] = {  # field, key of the value, options
    "match": ("t", "query", MATCH),
    "match_phrase": (
        "t",
        "query",
        WRAPPED | {"analyzer": "english", "slop": 2, "zero_terms_query": "all"},
    ),
    "term": ("k", "value", WRAPPED | {"case_insensitive": True}),
    "range": (
        "d",
        "gte",
        WRAPPED
        | {"from": "2026-01-01", "to": "2026-02-01", "include_lower": False, "include_upper": True}
        | {"gt": "2026-01-02", "lt": "2026-03", "lte": "2026-02-01||/M", "format": "yyyy-MM-dd"}
        | {"time_zone": "+02:00", "relation": "within"},
    ),
}
VALUES = {"match": "red hat", "match_phrase": "red hat", "term": "a", "range": "2026-01-02"}
QUERIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # a query and options beside it
    "bool": (
        {"should": [{"term": {"k": "a"}}, {"match": {"t": "red"}}]},
        WRAPPED | {"minimum_should_match": 2, "adjust_pure_negative": False},
    ),
    "constant_score": ({"filter": {"term": {"k": "a"}}}, WRAPPED),
    "dis_max": ({"queries": [{"match": {"t": "red"}}]}, WRAPPED | {"tie_breaker": 0.5}),
    "exists": ({"field": "n"}, WRAPPED),
    "ids": ({"values": ["1", "2"]}, WRAPPED),
    "match_all": ({}, WRAPPED),
    "match_none": ({}, WRAPPED),
    "multi_match": (
        {"query": "red hat", "fields": ["t", "u"]},
        {key: value for key, value in MATCH.items() if key != "analyzer"}
        | {"type": "bool_prefix", "tie_breaker": 0.5, "slop": 1},
    ),
    "terms": ({"k": ["a", "b"]}, WRAPPED | {"value_type": "bitmap"}),
    "function_score": (
        {"query": {"match": {"t": "red"}}},
        WRAPPED
        | {"weight": 3, "min_score": 1.5, "max_boost": 1.5, "boost_mode": "sum"}
        | {"functions": [{"weight": 2}], "score_mode": "avg", "random_score": {}}
        | {"field_value_factor": {"field": "n", "missing": 1}}
        | {"script_score": {"script": "1"}, "gauss": {"n": {"origin": 1, "scale": 2}}}
        | {"exp": {"n": {"origin": 1, "scale": 2}}, "linear": {"n": {"origin": 1, "scale": 2}}},
    ),
}
TERMS = {
    "size": 1,
    "shard_size": 5,
    "min_doc_count": 0,
    "shard_min_doc_count": 1,
    "order": {"_key": "desc"},
    "include": "a.*",
    "exclude": ["a"],
    "missing": "none",
    "show_term_doc_count_error": True,
    "execution_hint": "map",
    "collect_mode": "breadth_first",
    "script": "1",
    "format": "0.0",
    "value_type": "string",
}
AGGREGATIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "terms": ({"field": "k"}, TERMS),
    "range": (
        {"field": "n", "ranges": [{"to": 2}, {"from": 2}]},
        {"keyed": True, "missing": 1, "format": "0.0", "script": "1"},
    ),
    "avg": ({"field": "n"}, {"missing": 1, "format": "0.0", "script": "1", "value_type": "long"}),
    "filters": (
        {"filters": {"a": {"term": {"k": "a"}}}},
        {"other_bucket": True, "other_bucket_key": "rest"},
    ),
    "missing": ({"field": "n"}, {"missing": 1}),
}
HIGHLIGHT = {
    "pre_tags": ["<b>"],
    "post_tags": ["</b>"],
    "tags_schema": "styled",
    "number_of_fragments": 1,
    "fragment_size": 18,
    "fragment_offset": 1,
    "order": "score",
    "encoder": "html",
    "require_field_match": False,
    "boundary_scanner": "word",
    "boundary_chars": ".",
    "boundary_max_scan": 5,
    "boundary_scanner_locale": "en",
    "type": "plain",
    "fragmenter": "simple",
    "no_match_size": 10,
    "matched_fields": ["t"],
    "phrase_limit": 3,
    "force_source": True,
    "highlight_query": {"match": {"t": "hat"}},
    "highlight_filter": True,
    "max_analyzer_offset": 1000,
    "options": {},
}
SORT = {
    "order": "desc",
    "missing": "_first",
    "mode": "avg",
    "unmapped_type": "long",
    "numeric_type": "double",
    "nested": {"path": "x"},
}


@pytest.fixture(scope="module")
def shop(both) -> str:
    types = {"t": "text", "u": "text", "k": "keyword", "n": "integer", "d": "date"}
    sources = {
        "1": {"t": "red hat. A blue <b> one", "k": "a", "n": 1, "d": "2026-01-02"},
        "2": {"t": "red red shoe with a hat", "u": "hat", "k": "a", "n": [2, 5]},
        "3": {"t": "blue shoe", "k": "b", "n": 3, "d": "2026-02-01"},
        "4": {"t": "hats", "k": "A"},
    }
    mappings = {"properties": {name: {"type": type} for name, type in types.items()}}
    return both.build({"mappings": mappings}, sources)


@pytest.fixture
def alike(both, shop):
    """Both answer the same, errors too, unless the embedded engine refuses what it names."""

    def check(body: dict[str, Any], named: str) -> None:
        reason = both.reason(both.embedded, shop, body)
        if "is not supported by the embedded engine" in reason:
            assert named in reason
        else:
            both.compare(shop, body)

    return check


def pairs(table: dict[str, tuple[Any, ...]]) -> list[tuple[str, str]]:
    return [(name, option) for name, (*_, options) in table.items() for option in options]


@pytest.mark.parametrize(("name", "option"), pairs(FIELD_QUERIES))
def test_of_queries_of_a_field(alike, name, option):
    field, key, options = FIELD_QUERIES[name]
    arguments = {key: VALUES[name], option: options[option]}
    alike({"query": {name: {field: arguments}}}, named=option if option != "lte" else "date math")


@pytest.mark.parametrize(("name", "option"), pairs(QUERIES))
def test_of_queries(alike, name, option):
    body, options = QUERIES[name]
    alike({"query": {name: {**body, option: options[option]}}}, named=option)


@pytest.mark.parametrize(("name", "option"), pairs(AGGREGATIONS))
def test_of_aggregations(alike, name, option):
    body, options = AGGREGATIONS[name]
    alike({"aggs": {"it": {name: {**body, option: options[option]}}}}, named=option)


@pytest.mark.parametrize("option", HIGHLIGHT)
@pytest.mark.parametrize("of_field", [True, False])
def test_of_highlights(alike, option, of_field):
    one = {option: HIGHLIGHT[option]}
    highlight = {"fields": {"t": one}} if of_field else {"fields": {"t": {}}, **one}
    alike({"query": {"match": {"t": "red hat"}}, "highlight": highlight}, named=option)


@pytest.mark.parametrize("option", SORT)
def test_of_sorts(alike, option):
    alike({"sort": [{"n": {option: SORT[option]}}]}, named=option)


@pytest.mark.parametrize("option", ["format", "include_unmapped"])
@pytest.mark.parametrize("key", ["docvalue_fields", "fields"])
def test_of_fields(alike, key, option):
    value = "yyyy" if option == "format" else True
    alike({key: [{"field": "d", option: value}]}, named=option)
