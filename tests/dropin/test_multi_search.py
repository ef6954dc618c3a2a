"""`msearch`: line by line what `search` answers, and what the plain client raises."""

import json

import pytest

TEXT = {"query": {"match": {"title": "red sofa"}}, "size": 3}
FIELD = {**TEXT, "sort": ["price"]}
PRICED = {**TEXT, "aggs": {"price": {"max": {"field": "price"}}}}


def hits(answers):
    return [answer["hits"] for answer in answers["responses"]]


def applied(answers):
    return [answer["ext"]["endcap"]["applied"] for answer in answers["responses"]]


def test_every_line_is_re_ranked_by_its_own_rules(ours, plain, alias):
    few = {**TEXT, "ext": {"endcap": {"recall": "lexical", "window": 1}}}
    lines = [TEXT, FIELD, few, PRICED, {"size": 0}]
    body = [part for line in lines for part in ({"index": alias}, line)]
    answers = ours.msearch(body=body)
    assert applied(answers) == [True, False, True, True, False]
    assert hits(answers) == [ours.search(line, alias)["hits"] for line in lines]
    assert [answer["status"] for answer in answers["responses"]] == [200] * 5
    passed = answers["responses"][1]
    assert passed["ext"]["endcap"]["reason"] == "sorted by a field"
    assert passed["hits"] == plain.search(body=FIELD, index=alias)["hits"]
    assert answers["responses"][2]["ext"]["endcap"]["window"] == 1
    assert answers["responses"][3]["aggregations"]["price"] == {"value": 67.0}
    assert isinstance(answers["took"], int)


def test_more_lines_than_run_side_by_side(ours, alias):
    lines = [{**TEXT, "from": start} for start in range(19)]
    body = [part for line in lines for part in ({}, line)]
    answers = ours.msearch(body, alias)
    assert hits(answers) == [ours.search(line, alias)["hits"] for line in lines]
    few = ours.msearch(body=body, index=alias, max_concurrent_searches=2)
    assert hits(few) == hits(answers)


@pytest.mark.parametrize("form", [iter, tuple, "\n".join, lambda parts: "\n".join(parts).encode()])
def test_the_body_comes_in_every_form(ours, alias, form):
    parts = [json.dumps(part) for part in ({"index": alias}, TEXT, {}, FIELD)]
    answers = ours.msearch(body=form(parts), index=alias)
    assert applied(answers) == [True, False]


def test_what_a_header_says_is_honoured(ours, alias, shop):
    header = {"index": alias, "preference": "_local", "routing": "a", "request_cache": False}
    body = [header, TEXT, {"index": alias, "search_type": "dfs_query_then_fetch"}, TEXT]
    if shop.is_embedded:
        del header["request_cache"], header["routing"]
    answers = ours.msearch(body=body, index="nowhere")
    assert applied(answers) == [True, False]
    assert answers["responses"][1]["ext"]["endcap"]["reason"] == "search_type is passed through"


def test_the_call_s_own_options_reach_every_line(ours, alias):
    answers = ours.msearch([{}, TEXT, {}, FIELD], alias, rest_total_hits_as_int=True)
    assert [found["total"] for found in hits(answers)] == [48, 27]
    kept = ours.msearch([{}, TEXT, {}, FIELD], alias, filter_path="responses.hits.hits._id")
    assert [[*line] for line in kept["responses"]] == [["hits"], ["hits"]]
    assert kept.keys() == {"responses"}
    assert kept["responses"][0]["hits"]["hits"][0].keys() == {"_id"}


def test_a_shopper_is_named_for_all_lines_or_in_one(ours, alias):
    ours.record(user="ada", item="p018", action="purchase")
    nobody = ours.search(TEXT, alias)["hits"]
    named = {**TEXT, "ext": {"endcap": {"user": "ada"}}}
    by_line = hits(ours.msearch([{}, named, {}, TEXT], alias))
    assert by_line[0] == ours.search(TEXT, alias, user="ada")["hits"] != nobody
    assert by_line[1] == nobody
    assert hits(ours.msearch([{}, TEXT], alias, user="ada")) == by_line[:1]
    assert hits(ours.msearch([{}, TEXT], alias, session="ada")) == by_line[1:]
    ours.forget(user="ada")


def test_the_errors_of_a_line_are_its_own(ours, plain, alias):
    wrong = {**TEXT, "ext": {"endcap": {"windw": 3}}}
    script = {"query": {"range": {"price": {"gte": "many"}}}}
    lines = [({}, TEXT), ({"index": "nowhere"}, TEXT), ({}, script), ({}, wrong)]
    answers = ours.msearch([part for line in lines for part in line], alias)["responses"]
    expected = plain.msearch(body=[part for line in lines[:3] for part in line], index=alias)
    assert answers[0]["ext"]["endcap"]["applied"] is True
    assert answers[1:3] == expected["responses"][1:]
    assert answers[3]["status"] == 400
    assert answers[3]["error"]["reason"].startswith("ext.endcap.windw is unknown; it takes user")


BODIES = {
    "nothing to re-rank": [{}, FIELD, {}, {"size": 0}],
    "another index": [{"index": "nowhere"}, FIELD],
    "no lines": [],
    "an odd number of lines": [{}],
    "no body": None,
    "text that is no JSON": "{}\n{",
    "a body that the engine refuses": [{}, TEXT, {}, {"query": {"nonsense": {}}}],
    "a header that the engine refuses": [{"nonsense": 1}, TEXT],
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("endcap", [True, False])
def test_what_is_passed_through_is_the_plain_answer(ours, plain, alias, outcome, body, endcap):
    expected = outcome(plain.msearch, body=body, index=alias)
    found = outcome(ours.msearch, body=body, index=alias, endcap=endcap)
    for answer in found["responses"] if endcap and isinstance(found, dict) else ():
        if "hits" in answer:
            assert answer.pop("ext")["endcap"]["applied"] is False
    assert found == expected


@pytest.mark.parametrize("wrong", [{"size": 3}, {"params": {"size": 3}}, {"nonsense": 1}])
def test_what_the_plain_client_refuses_is_refused(ours, plain, alias, outcome, wrong):
    named = {"body": [{}, TEXT], "index": alias, **wrong}
    assert outcome(ours.msearch, **named) == outcome(plain.msearch, **named)


def test_without_endcap_no_line_is_re_ranked(ours, plain, alias, outcome):
    named = {"body": [{}, TEXT, {}, PRICED], "index": alias}
    assert outcome(ours.msearch, endcap=False, **named) == outcome(plain.msearch, **named)
