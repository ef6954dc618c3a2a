"""How many hits are counted, and how their number is said."""

import pytest

AS_NUMBER = "rest_total_hits_as_int"
SAID = (True, False, "true", "false", 0, 2, 3, 100, -1, "-1", "5", 1.5, 2**31 - 1, 2**31, "x", None)


@pytest.fixture(scope="module")
def shop(both):
    return both.build({}, {str(n): {"n": n} for n in range(3)})


@pytest.fixture(scope="module")
def many(build_index):
    """One more than are counted."""
    return build_index({}, {str(n): {} for n in range(10_001)})


@pytest.fixture
def total(client, many):
    """What the search of them answers."""

    def search(**params):
        return client.search(index=many, body={"size": 1}, params=params)["hits"].get("total")

    return search


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("number", ["true", "false", ""])
def test_a_total_said_in_the_body(both, shop, said, number):
    both.compare(shop, {"size": 1, "track_total_hits": said}, **{AS_NUMBER: number})


@pytest.mark.parametrize("said", ["true", "false", "0", "2", "-1", "-2", "2147483648", "x", ""])
@pytest.mark.parametrize("number", ["true", "false", "yes"])
def test_a_total_said_in_the_url(both, shop, said, number):
    params = {"track_total_hits": said, AS_NUMBER: number}
    both.compare(shop, {"size": 1, "track_total_hits": 1}, **params)
    both.compare("nothing-*", {}, **params)


def test_what_the_body_says_wrong_the_url_does_not_mend(both, shop):
    refused = both.compare(shop, {"track_total_hits": "x"}, track_total_hits="3")
    assert refused["type"] == "number_format_exception"


@pytest.mark.parametrize("said", ["true", "false", "5", "-1"])
@pytest.mark.parametrize("number", ["true", "false"])
def test_a_scroll_counts_all(client, many, refusal, said, number):
    params = {"track_total_hits": said, AS_NUMBER: number, "scroll": "1m"}
    if said == "true":
        opened = client.search(index=many, body={}, params=params)
        client.clear_scroll(scroll_id=opened["_scroll_id"])
        return
    status, error = refusal(client.search, index=many, body={}, params=params)
    is_number = number == "true" and said == "5"
    expected = "illegal_argument" if is_number else "action_request_validation"
    assert (status, error["type"]) == (400, f"{expected}_exception")


def test_more_than_ten_thousand(client, many, total):
    exact = {"value": 10_001, "relation": "eq"}
    assert total() == {"value": 10_000, "relation": "gte"}
    assert total(track_total_hits="true") == exact
    assert total(**{AS_NUMBER: "true"}) == 10_001
    assert total(track_total_hits="false") is None
    assert total(track_total_hits="false", **{AS_NUMBER: "true"}) == -1
    assert total(scroll="1m") == exact
    assert client.count(index=many)["count"] == 10_001


@pytest.mark.parametrize("first", ["true", "false"])
@pytest.mark.parametrize("next_one", ["true", "false"])
def test_each_page_of_a_scroll_says_its_total_as_it_is_asked(client, many, first, next_one):
    said = {"true": 10_001, "false": {"value": 10_001, "relation": "eq"}}
    opened = client.search(index=many, body={}, params={"scroll": "1m", AS_NUMBER: first})
    assert opened["hits"]["total"] == said[first]
    page = client.scroll(scroll_id=opened["_scroll_id"], params={AS_NUMBER: next_one})
    assert page["hits"]["total"] == said[next_one]


def test_numbers_in_an_msearch_are_of_all_hits(client, many, refusal):
    params = {AS_NUMBER: "true"}
    answer = client.msearch(body=[{"index": many}, {"size": 0}], params=params)
    assert answer["responses"][0]["hits"]["total"] == 10_001
    lines = [{"index": many}, {"track_total_hits": 5}]
    status, error = refusal(client.msearch, body=lines, params=params)
    assert (status, error["type"]) == (400, "illegal_argument_exception")
    assert error["reason"].endswith("not accurate, got 5")
