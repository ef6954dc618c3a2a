"""Legs in one thread, round by round: the searches of a round go as one `_msearch`.

The engine runs the searches of one request side by side, and a request less is a large part of a
search's cost: docs/benchmarks.md has what threads with a request each took instead.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from opensearchpy.exceptions import TransportError

from endcap.steps import Call, Outcome, Step, Steps, advance

# What the header of a line may say, and what is said of the whole request.
HEADER = frozenset(
    "index search_type request_cache preference routing allow_partial_search_results"
    " expand_wildcards ignore_unavailable allow_no_indices ignore_throttled"
    " ccs_minimize_roundtrips cancel_after_time_interval".split()
)
WHOLE = frozenset("headers request_timeout opaque_id http_auth api_key".split())
# Of a user who may only `_search`, of a proxy that knows only that, or of all because of one.
REFUSALS = (400, 403, 404, 405, 413)


def run_in_rounds(legs: Sequence[Steps[Any]]) -> Steps[list[Outcome[Any]]]:
    """How each leg ended. All are waited for: legs with a deadline need threads (`Legs`)."""
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
        answers = dict(zip(calls, (yield from _search(list(calls.values()))), strict=True))
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


def _search(calls: Sequence[Call]) -> Steps[list[Outcome[Any]]]:
    """The answers of some searches; one that fails in company is asked alone, for the plain
    client's own error.
    """
    whole = _as_one(calls)
    if whole is None:
        return (yield from _alone(calls))
    answered = yield from _outcome(whole)
    if _is_refused(answered.error):
        return (yield from _alone(calls))
    if answered.error is not None:
        return [answered] * len(calls)
    outcomes = []
    for call, answer in zip(calls, answered.result()["responses"], strict=True):
        if answer.pop("status") == 200:
            outcomes.append(Outcome(answer))
        else:
            outcomes += yield from _alone([call])
    return outcomes


def _is_refused(error: Exception | None) -> bool:
    return isinstance(error, TransportError) and error.status_code in REFUSALS


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


def _alone(calls: Sequence[Call]) -> Steps[list[Outcome[Any]]]:
    outcomes = []
    for call in calls:
        outcomes.append((yield from _outcome(call)))
    return outcomes


def _outcome(step: Step) -> Steps[Outcome[Any]]:
    try:
        return Outcome((yield step))
    except Exception as failure:  # noqa: BLE001 - an outcome carries the failure to the leg
        return Outcome(error=failure)
