"""Legs in one thread: what they search at the same time goes as one request."""

import pytest
from opensearchpy.exceptions import (
    ConnectionError,
    ConnectionTimeout,
    RequestError,
    TransportError,
)

from endcap.drivers import Executor, SyncDriver
from endcap.rounds import run_in_rounds
from endcap.steps import Abandoned, Call, Computation


class Engine:
    """Answers every search with its body; refuses the bodies that say so."""

    def __init__(self, msearch_error=None):
        self.calls = []
        self.msearch_error = msearch_error
        self.get_error = None

    def __call__(self, call):
        self.calls.append((call.method, dict(call.arguments)))
        if call.method == "search":
            return self.search(call.arguments["body"])
        if call.method == "msearch":
            if self.msearch_error is not None:
                raise self.msearch_error
            return {"responses": [self.item(body) for body in call.arguments["body"][1::2]]}
        if self.get_error is not None:
            raise self.get_error
        return call.method

    def search(self, body):
        if body.get("refused"):
            raise RequestError(400, "parsing_exception", {})
        return {"found": body}

    def item(self, body):
        if body.get("refused"):
            return {"error": {"type": "parsing_exception"}, "status": 400}
        if "status" in body:
            return {"error": {"type": "too_much"}, "status": body["status"]}
        return {"found": body, "status": 200}

    def methods(self):
        return [method for method, _ in self.calls]


def search(body, **arguments):
    return Call("search", {"index": "products-1", "body": body, **arguments})


def ask(*steps):
    """A leg of these steps; it returns its answers."""
    answers = []
    for step in steps:
        answers.append((yield step))
    return answers


def run(engine, *legs):
    executor = Executor(1)
    outcomes = SyncDriver(engine, executor).run(run_in_rounds(legs))
    executor.close()
    return outcomes


def test_searches_at_the_same_time_are_one_request():
    engine = Engine()
    one, other = run(engine, ask(search({"a": 1})), ask(search({"b": 2})))
    assert (one.value, other.value) == ([{"found": {"a": 1}}], [{"found": {"b": 2}}])
    asked = {"index": "products-1", "body": [{}, {"a": 1}, {}, {"b": 2}]}
    assert engine.calls == [("msearch", asked)]


def test_what_comes_before_a_search_is_done_first():
    engine = Engine()
    first = ask(search({"a": 1}), search({"c": 3}))
    second = ask(Computation(lambda: "computed"), Call("get", {}), search({"b": 2}))
    one, other = run(engine, first, second)
    assert engine.methods() == ["get", "msearch", "search"]
    assert one.value == [{"found": {"a": 1}}, {"found": {"c": 3}}]
    assert other.value == ["computed", "get", {"found": {"b": 2}}]


def test_a_leg_that_asks_nothing_has_ended():
    engine = Engine()
    one, other = run(engine, ask(search({"a": 1})), ask())
    assert (one.value, other.value) == ([{"found": {"a": 1}}], [])
    assert engine.methods() == ["search"]


def test_a_line_says_what_the_search_said():
    engine = Engine()
    said = {
        "preference": "me",
        "params": {"routing": "a", "preference": "you"},
        "headers": {"x": "y"},
        "request_timeout": 3,
        "search_type": None,
    }
    run(engine, ask(search({"a": 1}, **said)), ask(search({"b": 2}, **said)))
    ((_, asked),) = engine.calls
    line = {"preference": "me", "routing": "a"}
    assert asked == {
        "index": "products-1",
        "body": [line, {"a": 1}, line, {"b": 2}],
        "headers": {"x": "y"},
        "request_timeout": 3,
    }


def test_what_a_line_cannot_say_is_said_by_a_request_each():
    engine = Engine()
    legs = [ask(search({name: 1}, track_total_hits=True)) for name in "ab"]
    one, other = run(engine, *legs)
    assert engine.methods() == ["search", "search"]
    assert (one.value, other.value) == ([{"found": {"a": 1}}], [{"found": {"b": 1}}])
    assert all(arguments["track_total_hits"] is True for _, arguments in engine.calls)


def test_a_search_that_fails_in_company_fails_as_it_does_alone():
    engine = Engine()
    refused, other = run(engine, ask(search({"refused": True})), ask(search({"b": 2})))
    assert isinstance(refused.error, RequestError)
    assert other.value == [{"found": {"b": 2}}]
    assert engine.methods() == ["msearch", "search"]


@pytest.mark.parametrize("status", [400, 403, 405])
def test_who_may_only_search_asks_one_by_one(status):
    engine = Engine(TransportError(status, "refused", {}))
    one, other = run(engine, ask(search({"a": 1})), ask(search({"b": 2})))
    assert engine.methods() == ["msearch", "search", "search"]
    assert (one.value, other.value) == ([{"found": {"a": 1}}], [{"found": {"b": 2}}])


@pytest.mark.parametrize(
    "error",
    [
        ConnectionTimeout("TIMEOUT", "too slow", None),
        ConnectionError("N/A", "refused", OSError()),
        TransportError(429, "too much", {}),
        TransportError(503, "not now", {}),
        ValueError("not JSON"),
    ],
)
def test_a_request_of_ours_that_fails_does_not_fail_the_caller_s_own_search(error):
    engine = Engine(error)
    own, *others, idle = run(engine, ask(search({"a": 1})), ask(search({"b": 2})), ask())
    assert own.value == [{"found": {"a": 1}}]
    assert [outcome.error for outcome in others] == [error]
    assert idle.error is None
    assert engine.methods() == ["msearch", "search"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_line_that_is_refused_is_not_asked_again(status):
    """The caller's own alone would be; the error is what opensearch-py makes of it."""
    engine = Engine()
    own, refused = run(engine, ask(search({"a": 1})), ask(search({"status": status})))
    assert own.value == [{"found": {"a": 1}}]
    assert (refused.error.status_code, refused.error.error) == (status, "too_much")
    assert engine.methods() == ["msearch"]


def test_where_one_has_waited_as_long_as_the_client_does_no_other_goes_on():
    engine = Engine()
    hanging = ask(Call("get", {}), search({"c": 3}))
    legs = (ask(search({"a": 1})), ask(search({"b": 2})), hanging)
    engine.get_error = ConnectionTimeout("TIMEOUT", "too slow", None)
    own, near, hung = run(engine, *legs)
    assert own.value == [{"found": {"a": 1}}]
    assert isinstance(near.error, Abandoned)
    assert hung.error is engine.get_error
    assert engine.methods() == ["get", "search"]


def test_a_leg_decides_about_its_own_failure():
    def forgiving():
        try:
            yield search({"refused": True})
        except RequestError as error:
            return error.error

    def failing():
        yield Computation(lambda: None)
        raise ValueError("wrong")

    forgiven, failed = run(Engine(), forgiving(), failing())
    assert forgiven.value == "parsing_exception"
    with pytest.raises(ValueError, match="wrong"):
        failed.result()
