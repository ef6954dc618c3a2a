"""Made-up searches: whatever is asked, both engines answer the same."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

WORDS = ("red", "blue", "shoe", "shoes", "hat", "running", "the", "of", "quick", "fox", "lamp")
FIELDS = {
    "title": {"type": "text", "analyzer": "english"},
    "text": {"type": "text"},
    "brand": {"type": "keyword"},
    "price": {"type": "double"},
    "stock": {"type": "integer"},
    "added": {"type": "date"},
    "sold": {"type": "boolean"},
}
TEXTS = some.lists(some.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)
BRANDS = some.sampled_from("abcd")
NUMBERS = some.integers(-2, 6)
DAYS = some.integers(1, 9).map("2026-0{}-15".format)
BOOSTS = some.sampled_from((0.5, 1, 2, 3.5))
MINIMA = some.sampled_from((1, 2, -1, "50%", "-25%", "2<75%"))


@pytest.fixture(scope="module")
def shop(both) -> str:
    """Every product lacks something; each word, value and score comes more than once.

    No text is of stop words alone: Lucene counts wrongly how many documents have such a field.
    """
    sources = {}
    for number in range(60):
        words = [WORDS[number * step % len(WORDS)] for step in (1, 2, 3, 5, 7)]
        product = {
            "title": " ".join(["hat", *words[: 1 + number % 5]]),
            "text": [" ".join(words[number % 3 :]), " ".join(words[::-2])],
            "brand": "abcd"[number % 4],
            "price": float(number % 7) / 2,
            "stock": [number % 5, number % 3] if number % 6 == 0 else number % 5 - 2,
            "added": f"2026-0{1 + number % 9}-15",
            "sold": number % 3 == 0,
        }
        del product[list(product)[number % len(product)]]
        sources[f"p{number}"] = product
    return both.build({"mappings": {"properties": FIELDS}}, sources)


def options(**each: some.SearchStrategy[Any]) -> some.SearchStrategy[dict[str, Any]]:
    """Any of them, or none."""
    return some.fixed_dictionaries({}, optional=each)


def words() -> some.SearchStrategy[dict[str, Any]]:
    asked = options(
        operator=some.sampled_from(("or", "and")), minimum_should_match=MINIMA, boost=BOOSTS
    )
    return some.builds(
        lambda field, text, more: {"match": {field: {"query": text, **more}}},
        some.sampled_from(("title", "text", "brand")),
        TEXTS,
        asked,
    )


def many_fields() -> some.SearchStrategy[dict[str, Any]]:
    kinds = some.sampled_from(("best_fields", "most_fields", "cross_fields", "phrase"))
    names = some.sampled_from(("title", "text^2", "title^3", "brand", "t*", "*"))
    more = options(type=kinds, tie_breaker=some.sampled_from((0.0, 0.3, 1.0)), boost=BOOSTS)
    return some.builds(
        lambda text, fields, more: {"multi_match": {"query": text, "fields": fields, **more}},
        TEXTS,
        some.lists(names, min_size=1, max_size=3, unique=True),
        more,
    )


def ranges() -> some.SearchStrategy[dict[str, Any]]:
    numbers = options(gte=NUMBERS, lt=NUMBERS)
    days = options(gt=DAYS, lte=DAYS)
    return some.one_of(
        some.builds(
            lambda field, of: {"range": {field: of}}, some.sampled_from(("price", "stock")), numbers
        ),
        days.map(lambda of: {"range": {"added": of}}),
    )


LEAVES = some.one_of(
    words(),
    many_fields(),
    ranges(),
    TEXTS.map(lambda text: {"match_phrase": {"title": text}}),
    BRANDS.map(lambda brand: {"term": {"brand": brand}}),
    some.booleans().map(lambda sold: {"term": {"sold": sold}}),
    some.lists(NUMBERS, max_size=4).map(lambda values: {"terms": {"stock": values}}),
    some.sampled_from(list(FIELDS)).map(lambda field: {"exists": {"field": field}}),
    some.builds(lambda boost: {"match_all": {"boost": boost}}, BOOSTS),
    some.just({"ids": {"values": ["p3", "p1", "p50"]}}),
    some.just({"match_none": {}}),
)


def compound(parts: some.SearchStrategy[dict[str, Any]]) -> some.SearchStrategy[dict[str, Any]]:
    several = some.lists(parts, min_size=1, max_size=3)
    bools = options(
        must=several,
        should=several,
        filter=several,
        must_not=several,
        minimum_should_match=MINIMA,
        boost=BOOSTS,
    )
    factor = some.fixed_dictionaries(
        {"field": some.just("price"), "missing": some.just(1)},
        optional={"modifier": some.sampled_from(("log1p", "sqrt", "square")), "factor": BOOSTS},
    )
    functions = some.one_of(
        factor.map(lambda one: {"field_value_factor": one}),
        some.builds(lambda weight, on: {"weight": weight, "filter": on}, BOOSTS, parts),
    )
    modes = some.sampled_from(("multiply", "sum", "avg", "max", "min"))
    return some.one_of(
        bools.map(lambda one: {"bool": one}),
        some.builds(
            lambda queries, tie: {"dis_max": {"queries": queries, "tie_breaker": tie}},
            several,
            some.sampled_from((0.0, 0.4)),
        ),
        parts.map(lambda one: {"constant_score": {"filter": one, "boost": 2}}),
        some.builds(
            lambda query, functions, more: {
                "function_score": {"query": query, "functions": functions, **more}
            },
            parts,
            some.lists(functions, min_size=1, max_size=2),
            options(score_mode=modes, boost_mode=modes),
        ),
    )


QUERIES = some.recursive(LEAVES, compound, max_leaves=5)
SORTS = some.lists(
    some.sampled_from(
        ("_score", {"price": "desc"}, {"stock": "asc"}, {"brand": "desc"}, {"added": "asc"})
    ),
    min_size=1,
    max_size=3,
    unique_by=str,
)
AGGREGATIONS = some.sampled_from(
    (
        {"terms": {"field": "brand", "size": 2}},
        {"terms": {"field": "stock"}, "aggs": {"it": {"avg": {"field": "price"}}}},
        {"stats": {"field": "price"}},
        {"range": {"field": "price", "ranges": [{"to": 1}, {"from": 1}]}},
    )
)
BODIES = some.fixed_dictionaries(
    {"query": QUERIES, "_source": some.just(False)},
    optional={
        "size": some.integers(0, 30),
        "from": some.integers(0, 5),
        "post_filter": LEAVES,
        "min_score": some.sampled_from((0.1, 0.7, 2)),
        "sort": SORTS,
        "collapse": some.just({"field": "brand"}),
        "aggs": AGGREGATIONS.map(lambda one: {"it": one}),
        "track_total_hits": some.sampled_from((True, False, 5)),
    },
).filter(lambda body: not {"aggs", "min_score"} <= body.keys())  # not all aggregations heed it


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(body=BODIES)
def test_both_answer_the_same(both, shop, body):
    both.compare(shop, body)
