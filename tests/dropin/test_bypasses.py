"""What is passed through is the plain client's answer, with the reason added."""

import pytest

from endcap import bodies

TEXT = {"query": {"match": {"title": "red sofa"}}}
INLINE = {"response_processors": [{"truncate_hits": {"target_size": 1}}]}

BYPASSES = {
    "size is 0": {"body": {**TEXT, "size": 0, "aggs": {"n": {"terms": {"field": "kind"}}}}},
    "size is 0 in the URL": {"body": TEXT, "size": 0},
    "no body": {},
    "no query": {"body": {"size": 3}},
    "no text": {"body": {"query": {"term": {"kind": "sofa"}}}},
    "a list of ids": {"body": {"query": {"ids": {"values": ["p001", "p002"]}}}},
    "a sort": {"body": {**TEXT, "sort": [{"price": "desc"}]}},
    "a sort in the URL": {"body": TEXT, "sort": "price:desc,_score"},
    "worst first": {"body": {**TEXT, "sort": [{"_score": "asc"}, "price"]}},
    "search_after": {"body": {**TEXT, "sort": ["price"], "search_after": [3]}},
    "rescore": {"body": {**TEXT, "rescore": {"query": {"rescore_query": {"match_all": {}}}}}},
    "search_type": {"body": TEXT, "search_type": "dfs_query_then_fetch"},
    "terminate_after": {"body": TEXT, "terminate_after": 1},
    "a query in the URL": {"q": "title:sofa", "df": "title"},
    "stored_fields": {"body": {**TEXT, "stored_fields": "_none_"}},
    "script_score": {
        "body": {"query": {"script_score": {"query": TEXT["query"], "script": {"source": "1"}}}}
    },
    "more_like_this": {
        "body": {
            "query": {"more_like_this": {"fields": ["title"], "like": "sofa", "min_term_freq": 1}}
        }
    },
    "hybrid": {"body": {"query": {"hybrid": {"queries": [TEXT["query"]]}}}},
    "a pipeline in the body": {"body": {**TEXT, "search_pipeline": INLINE}},
    "expand_wildcards": {"body": TEXT, "expand_wildcards": "all"},
    "a slice": {"body": {**TEXT, "slice": {"id": 0, "max": 2}}},
    "a source in the URL": {"params": {"source": '{"size": 1}'}},
    "a verbose pipeline": {"body": TEXT, "params": {"verbose_pipeline": "true"}},
    "another format": {"body": TEXT, "format": "yaml"},
    "a pipeline in the URL": {"body": TEXT, "params": {"search_pipeline": "nowhere"}},
    "beyond what is answered": {"body": {**TEXT, "from": 9_999, "size": 10}},
    "a negative page": {"body": {**TEXT, "from": -1}},
    "a size that is no number": {"body": {**TEXT, "size": "many"}},
    "text that is no JSON": {"body": "{"},
    "a profile": {"body": {"query": {"match_all": {}}, "size": 1}, "track_total_hits": False},
}


@pytest.mark.parametrize("named", BYPASSES.values(), ids=BYPASSES)
def test_a_bypass_is_the_plain_answer_with_the_reason(ours, plain, alias, outcome, named):
    expected = outcome(plain.search, index=alias, **named)
    found = outcome(ours.search, index=alias, **named)
    if isinstance(found, dict):
        extension = found.pop("ext")["endcap"]
        assert extension.keys() == {"applied", "reason"}
        assert (extension["applied"], bool(extension["reason"])) == (False, True)
    assert found == expected


@pytest.mark.parametrize("named", [*BYPASSES.values(), {"body": TEXT}], ids=[*BYPASSES, "a text"])
def test_endcap_false_is_the_plain_client(ours, plain, alias, outcome, named):
    assert outcome(ours.search, index=alias, endcap=False, **named) == outcome(
        plain.search, index=alias, **named
    )


def test_a_scroll_is_the_plain_one(ours, plain, alias, outcome):
    """And its pages are read by the plain client's own methods."""
    answers = []
    for client in (ours, plain):
        first = client.search(body={**TEXT, "size": 20}, index=alias, scroll="1m")
        second = client.scroll(body={"scroll_id": first["_scroll_id"], "scroll": "1m"})
        client.clear_scroll(body={"scroll_id": [second["_scroll_id"]]})
        answers.append([first, second])
    extension = answers[0][0].pop("ext")["endcap"]
    assert extension == {"applied": False, "reason": "scroll is passed through"}
    assert [a["hits"] for a in answers[0]] == [a["hits"] for a in answers[1]]
    assert [a.keys() for a in answers[0]] == [a.keys() for a in answers[1]]


@pytest.mark.parametrize("shop", ["opensearch"], indirect=True)
def test_a_point_in_time_is_the_plain_one(ours, plain, alias, outcome):
    pit = ours.create_pit(index=alias, params={"keep_alive": "1m"})["pit_id"]
    body = {**TEXT, "pit": {"id": pit}}
    found, expected = outcome(ours.search, body=body), outcome(plain.search, body=body)
    ours.delete_pit(body={"pit_id": [pit]})
    extension = found.pop("ext")["endcap"]
    assert extension == {"applied": False, "reason": "pit is passed through"}
    assert found == expected


def test_every_option_that_is_passed_through_is_tried():
    tried = {name for named in BYPASSES.values() for part in _parts(named) for name in part}
    assert {*bodies.BYPASSES, *bodies.ORDINARY} - {"scroll", "pit"} <= tried


def _parts(named):
    """Keywords, params and body of a call."""
    body = named.get("body")
    return named, named.get("params", {}), body if isinstance(body, dict) else {}
