"""A re-ranked answer holds whatever else the caller asked for, as the plain client's does."""

import pytest

MATCH = {"match": {"title": "red sofa"}}
BOTH = {"bool": {"must": [MATCH], "filter": [{"range": {"price": {"gte": 5}}}]}}
NAMED = {
    "bool": {
        "must": [{"match": {"title": {"query": "red sofa", "_name": "words"}}}],
        "should": [{"term": {"brand.keyword": {"value": "Alder", "_name": "alder"}}}],
    }
}
NESTED = {
    "nested": {"path": "offers", "query": {"term": {"offers.seller": "s1"}}, "inner_hits": {}}
}
SCRIPT = {"double": {"script": {"source": "doc['price'].value * 2"}}}
MARKED = {
    "fields": {"title": {}, "brand": {"number_of_fragments": 0}},
    "pre_tags": ["<b>"],
    "post_tags": ["</b>"],
}
KINDS = {
    "kinds": {"terms": {"field": "kind"}, "aggs": {"dear": {"max": {"field": "price"}}}},
    "best": {"top_hits": {"size": 1, "_source": ["title"]}},
}

# Each is asked of both clients: what it adds to a hit, and to the answer, is the same.
EVERYWHERE = {
    "the whole _source": {},
    "no _source": {"_source": False},
    "a field of _source": {"_source": "title"},
    "fields of _source": {"_source": ["title", "pr*"]},
    "a filter of _source": {"_source": {"includes": ["title", "price"], "excludes": ["price"]}},
    "docvalue_fields": {"docvalue_fields": ["kind", {"field": "price"}]},
    "marks": {"highlight": MARKED},
    "versions": {"version": True, "seq_no_primary_term": True},
    "a sort by score": {"sort": ["_score"]},
    "a sort by score and price": {"sort": ["_score", {"price": "desc"}]},
    "a post_filter": {"post_filter": {"term": {"kind": "sofa"}}},
    "a least score": {"min_score": 0.7},
    "a dismax": {"query": {"dis_max": {"queries": [MATCH, {"term": {"kind": "sofa"}}]}}},
    "an exact total": {"track_total_hits": True},
    "no total": {"track_total_hits": False},
    "a total up to 5": {"track_total_hits": 5},
}
SERVER = {
    "stored_fields": {"stored_fields": ["title"], "_source": True},
    "fields": {"fields": ["kind", {"field": "price"}], "_source": False},
    "script_fields": {"script_fields": SCRIPT, "_source": ["title"]},
    "an explanation": {"explain": True},
    "names of queries": {"query": NAMED},
    "nested inner hits": {"query": {"bool": {"must": [MATCH, NESTED]}}},
    "nested inner hits in a filter": {"query": {"bool": {"must": [MATCH], "filter": [NESTED]}}},
    "an index boost": {"indices_boost": [{"shop*": 2.0}]},
    "a timeout": {"timeout": "10s"},
    "statistics": {"stats": ["shop"]},
}
IN_THE_URL = {
    "_source": {"_source": "title,price"},
    "a list of _source": {"_source": ["title", "price"]},
    "_source_includes": {"_source_includes": "title,brand", "_source_excludes": "brand"},
    "no _source": {"_source": "false"},
    "docvalue_fields": {"docvalue_fields": "kind,price"},
    "versions": {"version": "true", "seq_no_primary_term": True},
    "a sort": {"sort": "_score:desc,price:desc"},
    "a list of sorts": {"sort": ["_score", "price:desc"]},
    "a total": {"track_total_hits": "true"},
    "no total": {"track_total_hits": "false"},
}
SERVER_URL = {
    "stored_fields": {"stored_fields": "title", "_source": "true"},
    "an explanation": {"explain": "true"},
    "a preference": {"preference": "_local"},
    "typed keys": {"typed_keys": True},
    "shards at once": {"max_concurrent_shard_requests": 1, "batched_reduce_size": 2},
    "a timeout": {"timeout": "10s", "request_timeout": 10, "cancel_after_time_interval": "10s"},
    "leniency": {"allow_partial_search_results": True, "ignore_unavailable": True},
    "a cache": {"request_cache": True, "pre_filter_shard_size": 1},
    "the time of phases": {"phase_took": True, "human": True, "pretty": True, "error_trace": True},
}
ON_SERVER = pytest.mark.parametrize("shop", ["opensearch"], indirect=True)


def check(ours, plain, alias, body, named, window=200):
    """Every hit of the engine's is the plain client's, its score and its place apart."""
    body = {"query": BOTH, "size": 100, **body}
    expected = plain.search(body=body, index=alias, **named)
    lexical = {**body, "ext": {"endcap": {"recall": "lexical", "window": window}}}
    answer = ours.search(lexical, alias, **named)
    assert answer.pop("ext")["endcap"]["applied"] is True
    assert answer.keys() - {"phase_took"} == expected.keys() - {"phase_took"}
    hits, plain_hits = answer.pop("hits"), expected.pop("hits")
    assert hits.get("total") == plain_hits.get("total")
    found = {hit["_id"]: without_score(hit) for hit in hits["hits"]}
    assert found == {hit["_id"]: without_score(hit) for hit in plain_hits["hits"]}
    scores = [hit["_score"] for hit in hits["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert hits["max_score"] == scores[0]
    for hit in hits["hits"]:
        assert hit.get("sort", [hit["_score"]])[0] == hit["_score"]


def without_score(hit):
    kept = {key: value for key, value in hit.items() if key != "_score"}
    return {**kept, "sort": hit["sort"][1:]} if "sort" in hit else kept


@pytest.mark.parametrize("body", EVERYWHERE.values(), ids=EVERYWHERE)
def test_what_a_body_asks_for_is_answered(ours, plain, alias, body):
    check(ours, plain, alias, body, {})
    check(ours, plain, alias, body, {}, window=3)  # most hits lie behind it


@ON_SERVER
@pytest.mark.parametrize("body", SERVER.values(), ids=SERVER)
def test_what_a_body_asks_for_is_answered_on_a_server(ours, plain, alias, body):
    check(ours, plain, alias, body, {})
    check(ours, plain, alias, body, {}, window=3)


@pytest.mark.parametrize("named", IN_THE_URL.values(), ids=IN_THE_URL)
def test_what_a_url_asks_for_is_answered(ours, plain, alias, named):
    check(ours, plain, alias, {"_source": ["kind"]}, named)
    if all(isinstance(value, str) for value in named.values()):  # params are sent as they are
        check(ours, plain, alias, {}, {"params": named})


@ON_SERVER
@pytest.mark.parametrize("named", SERVER_URL.values(), ids=SERVER_URL)
def test_what_a_url_asks_for_is_answered_on_a_server(ours, plain, alias, named):
    check(ours, plain, alias, {"_source": ["kind"]}, named)


def test_a_hit_of_the_vector_leg_is_shown_as_any_other(ours, plain, alias):
    body = {"query": {"match": {"title": "couch"}}, "size": 100, "_source": ["title"]}
    body |= {"docvalue_fields": ["price"], "version": True, "highlight": MARKED}
    answer = ours.search(body, alias)["hits"]["hits"]
    near = [hit for hit in answer if "sofa" in hit["_source"]["title"]]
    ids = {"ids": {"values": [hit["_id"] for hit in near]}}
    shown = plain.search(body={**body, "query": ids}, index=alias)["hits"]["hits"]
    assert len(near) == 12
    assert {hit["_id"]: without_score(hit) for hit in near} == {
        hit["_id"]: without_score(hit) for hit in shown
    }


@ON_SERVER
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("query_string", "couch -red"),
        ("query_string", "couch AND price:<30"),
        ("query_string", "*"),
        ("simple_query_string", "couch -red"),
        ("simple_query_string", "*"),
    ],
)
def test_a_shopper_finds_what_a_query_s_own_language_allows(ours, plain, alias, name, text):
    query = {name: {"query": text, "fields": ["title"], "default_operator": "and"}}
    expected = plain.search(body={"query": query, "size": 100}, index=alias)["hits"]
    body = {"query": query, "size": 100, "ext": {"endcap": {"history": ["p000"]}}}
    found = ours.search(body, alias)
    assert found["ext"]["endcap"]["applied"] is True
    assert {hit["_id"] for hit in found["hits"]["hits"]} == {hit["_id"] for hit in expected["hits"]}
    assert found["hits"]["total"] == expected["total"]


@ON_SERVER
@pytest.mark.parametrize("place", ["filter", "post_filter"])
def test_inner_hits_of_a_condition_are_shown_whoever_found_the_product(ours, plain, alias, place):
    sold = {"path": "offers", "query": {"term": {"offers.seller": "s1"}}, "inner_hits": {}}
    couch = {"match": {"title": "couch"}}
    body = {"query": couch, "size": 100, place: {"nested": sold}}
    if place == "filter":
        body = {"query": {"bool": {"must": [couch], "filter": [{"nested": sold}]}}, "size": 100}
    found = ours.search(body, alias)
    assert found["ext"]["endcap"]["reason"] is None
    assert any("sofa" in hit["_source"]["title"] for hit in found["hits"]["hits"])
    for hit in found["hits"]["hits"]:
        (inner,) = hit["inner_hits"]["offers"]["hits"]["hits"]
        assert inner["_source"] == {"seller": "s1"}
    assert {hit["_id"] for hit in plain.search(body=body, index=alias)["hits"]["hits"]} <= {
        hit["_id"] for hit in found["hits"]["hits"]
    }


@ON_SERVER
def test_words_of_a_query_s_own_language_find_by_meaning(ours, alias):
    body = {"query": {"simple_query_string": {"query": "couch"}}, "size": 100}
    found = ours.search(body, alias)["hits"]["hits"]
    assert any("sofa" in hit["_source"]["title"] for hit in found)


def test_what_is_asked_beside_the_score_breaks_its_ties(ours, plain, alias):
    """Brand for brand the words score alike, so that the price decides, as in the plain answer."""
    body = {"query": MATCH, "sort": ["_score", {"price": "desc"}], "size": 100}
    alone = {"endcap": {"recall": "lexical", "weights": {"lexical": 1}}}
    found = ours.search({**body, "ext": alone}, alias)["hits"]["hits"]
    expected = plain.search(body=body, index=alias)["hits"]["hits"]
    assert [hit["_id"] for hit in found] == [hit["_id"] for hit in expected]
    for start in (0, 4, 20):
        page = ours.search({**body, "from": start, "size": 4, "ext": alone}, alias)["hits"]["hits"]
        assert page == found[start : start + 4]


@ON_SERVER
def test_aggregations_count_the_query_and_not_the_page(ours, plain, alias):
    """With and without a post_filter, on every page, whatever is re-ranked."""
    lexical = {"endcap": {"recall": "lexical"}}
    for post in ({}, {"post_filter": {"term": {"brand.keyword": "Alder"}}}):
        body = {"query": MATCH, "aggs": KINDS, **post}
        expected = plain.search(body=body, index=alias)["aggregations"]
        for start, size in ((0, 10), (5, 3), (60, 10)):
            page = {**body, "from": start, "size": size, "ext": lexical}
            assert ours.search(page, alias)["aggregations"] == expected
    typed = ours.search({"query": MATCH, "aggs": KINDS}, alias, typed_keys=True)["aggregations"]
    assert typed.keys() == {"sterms#kinds", "top_hits#best"}


@ON_SERVER
def test_suggestions_and_profiles_are_the_engine_s(ours, plain, alias):
    suggest = {"near": {"text": "sofx", "term": {"field": "title"}}}
    body = {"query": MATCH, "suggest": suggest, "profile": True}
    answer = ours.search(body, alias)
    assert answer["ext"]["endcap"]["applied"] is True
    assert answer["suggest"] == plain.search(body=body, index=alias)["suggest"]
    assert len(answer["profile"]["shards"]) == 1
    assert "profile" in ours.search({**body, "from": 500}, alias)
    url = {"suggest_field": "title", "suggest_text": "sofx", "suggest_mode": "always"}
    by_url = ours.search({"query": MATCH}, alias, **url)
    assert by_url["suggest"] == plain.search(body={"query": MATCH}, index=alias, **url)["suggest"]


@pytest.mark.parametrize("asked", [{}, {"track_total_hits": True}, {"track_total_hits": False}])
def test_totals_as_numbers(ours, plain, alias, asked):
    body = {"query": MATCH, "ext": {"endcap": {"recall": "lexical"}}}
    found = ours.search(body, alias, rest_total_hits_as_int=True, **asked)
    expected = plain.search(
        body={"query": MATCH}, index=alias, rest_total_hits_as_int=True, **asked
    )
    assert found["ext"]["endcap"]["applied"] is True
    assert found["hits"].get("total") == expected["hits"].get("total")


def test_a_total_that_is_no_number_is_refused(ours, plain, alias, outcome):
    named = {"index": alias, "rest_total_hits_as_int": True, "track_total_hits": 5}
    assert outcome(ours.search, body={"query": MATCH}, **named) == outcome(
        plain.search, body={"query": MATCH}, **named
    )


@pytest.mark.parametrize(
    "paths",
    [
        "hits.hits._id",
        "hits.hits._source.title,hits.total",
        ["took", "hits.hits._id"],
        "hits.**",
        "**._id",
        "-hits.hits._source,-_shards",
        "hits,-hits.hits._score",
        "hits.hits",
        "_shards.*,timed_out",
        "nothing",
        "ext.endcap.applied",
    ],
)
def test_parts_of_an_answer_are_the_parts_of_the_whole(ours, plain, alias, paths):
    lexical = {"query": MATCH, "ext": {"endcap": {"recall": "lexical", "weights": {"lexical": 1}}}}
    answer = ours.search(lexical, alias, filter_path=paths)
    expected = plain.search(body={"query": MATCH}, index=alias, filter_path=paths)
    if isinstance(paths, str) and "ext" in paths:
        assert answer == {"ext": {"endcap": {"applied": True}}}
        return
    assert structure(answer) == structure(expected)
    whole = ours.search(lexical, alias)
    if "hits" in answer and "hits" in answer["hits"] and "_id" in answer["hits"]["hits"][0]:
        assert [hit["_id"] for hit in answer["hits"]["hits"]] == [
            hit["_id"] for hit in whole["hits"]["hits"]
        ]


def structure(value):
    """The keys of an answer, level by level; `ext` is ours."""
    if isinstance(value, dict):
        return {key: structure(part) for key, part in value.items() if key != "ext"}
    return [structure(part) for part in value] if isinstance(value, list) else None
