"""Legs in one thread, round by round: the searches of a round go as one `_msearch`.

The engine runs the searches of one request side by side, and a request less is a large part of a
search's cost: docs/benchmarks.md has what threads with a request each took instead.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from opensearchpy.exceptions import ConnectionTimeout

from endcap.refusals import error_of, may_not
from endcap.steps import Abandoned, Call, Outcome, Step, Steps, advance

# What the header of a line may say, and what is said of the whole request.
HEADER = frozenset(
    "index search_type request_cache preference routing allow_partial_search_results"
    " expand_wildcards ignore_unavailable allow_no_indices ignore_throttled"
    " ccs_minimize_roundtrips cancel_after_time_interval".split()
)
WHOLE = frozenset("headers request_timeout opaque_id http_auth api_key".split())
OWN = 0  # the place of the caller's own search among the legs


def run_in_rounds(legs: Sequence[Steps[Any]]) -> Steps[list[Outcome[Any]]]:
    """How each leg ended: the first, which is the caller's own search, and what adds to it.

    Legs with a deadline need threads (`Legs`): here all are waited for, but where the engine has
    let one wait as long as the client does, no other one is gone on with.
    """
    outcomes: list[Outcome[Any]] = [Outcome()] * len(legs)
    answers: dict[int, Outcome[Any]] = dict.fromkeys(range(len(legs)), Outcome())
    while answers:
        calls: dict[int, Call] = {}
        for place, answer in answers.items():
            reached = yield from _until_search(legs[place], answer)
            if isinstance(reached, Call):
                calls[place] = reached
            else:
                outcomes[place] = reached
        if any(isinstance(outcome.error, ConnectionTimeout) for outcome in outcomes):
            for place in [place for place in calls if place != OWN]:
                del calls[place]
                legs[place].close()
                outcomes[place] = Outcome(error=Abandoned("the engine did not answer in time"))
        answers = yield from _search(calls)
    return outcomes


def _until_search(leg: Steps[Any], answer: Outcome[Any]) -> Steps[Call | Outcome[Any]]:
    """Perform a leg's other steps until it searches, or has ended."""
    while True:
        try:
            step = advance(leg, answer.value, answer.error)
        except StopIteration as stop:
            return Outcome(stop.value)
        except Exception as failure:  # noqa: BLE001 - an outcome carries the failure to the pipeline
            return Outcome(error=failure)
        if isinstance(step, Call) and step.method == "search":
            return step
        answer = yield from _outcome(step)


def _search(calls: Mapping[int, Call]) -> Steps[dict[int, Outcome[Any]]]:
    """The answers of some searches. Where the caller's own fails in company it is asked alone, for
    the plain client's own answer or error: an error of ours is none of the shop's.
    """
    whole = _as_one(list(calls.values()))
    if whole is None:
        return (yield from _alone(calls))
    answered = yield from _outcome(whole)
    if may_not(answered.error):
        return (yield from _alone(calls))
    if answered.error is not None:
        outcomes = dict.fromkeys(calls, answered)
    else:
        responses = answered.result()["responses"]
        outcomes = {place: _read(each) for place, each in zip(calls, responses, strict=True)}
    failed = OWN in calls and outcomes[OWN].error is not None
    return outcomes | (yield from _alone({OWN: calls[OWN]} if failed else {}))


def _read(answer: dict[str, Any]) -> Outcome[Any]:
    """Of one line."""
    if answer["status"] != 200:
        return Outcome(error=error_of(answer))
    del answer["status"]
    return Outcome(answer)


def _as_one(calls: Sequence[Call]) -> Call | None:
    """One request of all; None for a single one and for options that a line cannot say."""
    if len(calls) < 2:
        return None
    lines: list[Any] = []
    whole: dict[str, Any] = {}
    for call in calls:
        options = _options(call.arguments)
        if not options.keys() <= HEADER | WHOLE:
            return None
        lines += [{k: v for k, v in options.items() if k in HEADER}, call.arguments["body"]]
        whole |= {k: v for k, v in options.items() if k in WHOLE}
    # The index stands in the URL: a cluster may forbid one in a line.
    return Call("msearch", {"index": calls[0].arguments["index"], "body": lines, **whole})


def _options(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What a search says besides index and body, by name; a keyword wins over `params`."""
    named = {k: v for k, v in arguments.items() if k not in ("index", "body", "params")}
    said = {**(arguments.get("params") or {}), **named}
    return {name: value for name, value in said.items() if value is not None}


def _alone(calls: Mapping[int, Call]) -> Steps[dict[int, Outcome[Any]]]:
    outcomes = {}
    for place, call in calls.items():
        outcomes[place] = yield from _outcome(call)
    return outcomes


def _outcome(step: Step) -> Steps[Outcome[Any]]:
    try:
        return Outcome((yield step))
    except Exception as failure:  # noqa: BLE001 - an outcome carries the failure to the leg
        return Outcome(error=failure)
