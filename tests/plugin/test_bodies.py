import pytest

from endcap.bodies import Bypass, Reading, read_body
from endcap.requests import read_request

TEXT = {"query": {"match": {"title": "shoes"}}}


def read(body, **arguments):
    options = {name: arguments.pop(name) for name in ("user", "session") if name in arguments}
    return read_body(read_request(body, "products", arguments, **options))


@pytest.mark.parametrize(
    ("body", "arguments", "reason"),
    [
        (TEXT, {"scroll": "1m"}, "scroll is passed through"),
        ({**TEXT, "size": 0}, {}, "size is 0"),
        (TEXT, {"size": 0}, "size is 0"),
        (TEXT, {"params": {"size": "0"}}, "size is 0"),
        ({**TEXT, "sort": [{"price": "asc"}]}, {}, "sorted by a field"),
        ({**TEXT, "sort": "price"}, {}, "sorted by a field"),
        (TEXT, {"sort": "price:asc,_score"}, "sorted by a field"),
        ({**TEXT, "sort": [{"_score": "asc"}]}, {}, "sorted by a field"),
        ({**TEXT, "search_after": [1]}, {}, "search_after is passed through"),
        ({**TEXT, "pit": {"id": "x"}}, {}, "pit is passed through"),
        ({**TEXT, "rescore": {}}, {}, "rescore is passed through"),
        (TEXT, {"search_type": "dfs_query_then_fetch"}, "search_type is passed through"),
        ({}, {}, "no text and no shopper"),
        ({"suggest": {"s": {}}}, {"user": "ada"}, "suggestions alone are asked for"),
        ({"query": {"term": {"brand": "acme"}}}, {}, "no text and no shopper"),
        (None, {"q": "shoes"}, "q is passed through"),
        ("no json", {}, "a body that is no object is passed through"),
        ('{"query": {"match_all": {}}}', {}, "no text and no shopper"),
        ({"query": {"hybrid": {"queries": []}}}, {}, "hybrid is passed through"),
        ({"query": {"script_score": {}}}, {}, "no text and no shopper (script_score)"),
        (TEXT, {"size": -1}, "from and size are beyond what the engine answers"),
        (TEXT, {"from_": -1}, "from and size are beyond what the engine answers"),
        ({**TEXT, "from": 9_995}, {}, "from and size are beyond what the engine answers"),
        ({**TEXT, "size": "many"}, {}, "from or size is no number"),
        ({**TEXT, "from": {}}, {"from_": 0}, "from or size is no number"),
        ({**TEXT, "from": -1}, {"from_": 0}, "from and size are beyond what the engine answers"),
        (TEXT, {"stored_fields": "_none_"}, "hits without ids are passed through"),
        (TEXT, {"search_pipeline": "p"}, "search_pipeline is passed through"),
    ],
)
def test_what_is_passed_through_and_why(body, arguments, reason):
    assert read(body, **arguments) == Bypass(reason)


def test_a_text_is_read_with_page_and_conditions():
    body = {
        "query": {"bool": {"must": TEXT["query"], "filter": {"term": {"brand": "acme"}}}},
        "from": 20,
        "size": 5,
    }
    reading = read(body)
    assert isinstance(reading, Reading)
    assert (reading.text, reading.start, reading.size) == ("shoes", 20, 5)
    assert reading.apart.conditions == ({"term": {"brand": "acme"}},)
    assert reading.apart.narrows


def test_the_url_wins_over_the_body():
    reading = read({**TEXT, "from": 20, "size": 5}, from_=1, params={"size": 7})
    assert (reading.start, reading.size) == (1, 7)


@pytest.mark.parametrize("sort", ["_score", ["_score", "id"], [{"_score": {"order": "desc"}}]])
def test_a_sort_by_score_is_re_ranked(sort):
    assert isinstance(read({**TEXT, "sort": sort}), Reading)


def test_a_shopper_needs_no_text():
    reading = read({}, user="ada")
    assert (reading.text, reading.untaken) == ("", None)


def test_the_request_s_own_text_wins():
    body = {**TEXT, "ext": {"endcap": {"query": "boots"}}}
    assert read(body).text == "boots"


@pytest.mark.parametrize("clause", ["script_score", "more_like_this"])
def test_what_cannot_be_taken_apart_has_no_vector_leg(clause):
    reading = read({"query": {clause: {}}}, user="ada")
    assert (reading.apart.conditions, reading.untaken) == ((), clause)


def test_a_least_score_binds_the_engine_s_hits_only():
    assert read({**TEXT, "min_score": 2}).untaken == "min_score"


def test_texts_are_joined_once_each():
    clauses = [{"match": {field: "red shoes"}} for field in ("title", "brand")]
    body = {"query": {"bool": {"should": [*clauses, {"match": {"title": "boots"}}]}}}
    assert read(body).text == "red shoes boots"
