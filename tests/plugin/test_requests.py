import pytest

from endcap.cursors import Cursor
from endcap.exceptions import RequestError
from endcap.requests import Options, read_request


def test_our_section_is_taken_out_and_the_caller_s_body_is_left_alone():
    body = {"query": {}, "ext": {"endcap": {"user": "ada"}, "ubi": {"query_id": "7"}}}
    request = read_request(body, "products", {})
    assert request.body == {"query": {}, "ext": {"ubi": {"query_id": "7"}}}
    assert request.options.user == "ada"
    assert "endcap" in body["ext"]


def test_an_empty_ext_does_not_reach_the_engine():
    assert read_request({"ext": {"endcap": {}}}, None, {}).body == {}


def test_a_keyword_wins_over_the_section():
    request = read_request({"ext": {"endcap": {"user": "ada"}}}, None, {}, user="bob")
    assert request.options.user == "bob"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"usr": "ada"}, "ext.endcap.usr is unknown; it takes user"),
        ({"window": "many"}, "ext.endcap.window is 'many'; it takes a whole number"),
        ({"window": 0}, "ext.endcap.window is 0; it takes a whole number from 1"),
        ({"window": True}, "ext.endcap.window is True; it takes a whole number from 1"),
        ({"budget_ms": 0}, "milliseconds above 0"),
        ({"floor": float("nan")}, "a cosine, -1 to 1"),
        ({"weights": {"lexical": "x"}}, "weights from 0 of lexical, text"),
        ({"weights": {"lexcal": 1}}, "weights from 0 of lexical, text"),
        ({"weights": {"lexical": -1}}, "weights from 0 of lexical, text"),
        ({"weights": {}}, "weights from 0 of lexical, text"),
        ({"user": ""}, "a shopper's id"),
        ({"recall": "some"}, "it takes both or lexical or vector"),
        ({"explain": 1}, "it takes true or false"),
        ({"history": "a"}, "it takes a list of product ids"),
        ({"cursor": "%%%"}, "is not one of ours"),
        ("ada", "must be an object, not str"),
    ],
)
def test_a_section_that_cannot_be_read_says_what_to_type(section, message):
    with pytest.raises(RequestError, match=message):
        read_request({"ext": {"endcap": section}}, None, {})


def test_options_are_dropped_wherever_they_stand():
    request = read_request({"size": 1}, "i", {"from_": 2, "params": {"size": 3, "q": "x"}})
    bare = request.without("size", "from")
    assert bare.keywords() == {"body": {}, "index": "i", "params": {"q": "x"}}
    assert request.option("size") == 3
    assert request.option("from") == 2


@pytest.mark.parametrize("cursor", [Cursor("products-000001", None, None), Cursor("p", "m", 3)])
def test_a_cursor_travels_as_text(cursor):
    assert Options.read({"cursor": cursor.encode()}).cursor == cursor
    assert cursor.encode().isascii()


def test_a_body_of_json_text_is_read_too():
    request = read_request('{"size": 3, "ext": {"endcap": {"user": "ada"}}}', "products", {})
    assert (request.body, request.options.user) == ({"size": 3}, "ada")
