"""`msearch`: every line is re-ranked by its own rules, the others go to the engine in one call."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from opensearchpy.exceptions import ConnectionError, TransportError

from endcap.exceptions import RequestError
from endcap.requests import SearchRequest, parse_body, read_request
from endcap.responses import with_extension
from endcap.rounds import HEADER
from endcap.stages import Unranked
from endcap.steps import Call, Legs, Outcome, Steps
from endcap_indexer.filter_path import filter_response

# What the call may say of its lines, and of itself. Whatever else is said is left to the engine,
# which refuses it.
COMMON = frozenset(
    "search_type ccs_minimize_roundtrips max_concurrent_shard_requests pre_filter_shard_size"
    " typed_keys rest_total_hits_as_int human pretty error_trace request_timeout ignore opaque_id"
    " http_auth api_key".split()
)
WHOLE = frozenset(("filter_path", "max_concurrent_searches"))
AT_ONCE = 8  # lines, unless max_concurrent_searches says otherwise

Attempt: TypeAlias = Callable[[SearchRequest], Steps[Any]]


@dataclass(frozen=True, slots=True)
class MultiSearch:
    """A call of `OpenSearch.msearch` as given; `keywords` are the shopper's."""

    body: Any
    index: Any
    arguments: Mapping[str, Any]
    keywords: Mapping[str, Any]

    @property
    def options(self) -> Mapping[str, Any]:
        """By name; a keyword wins over `params`."""
        named = {k: v for k, v in self.arguments.items() if k not in ("params", "headers")}
        return {**(self.arguments.get("params") or {}), **named}

    def without(self, names: frozenset[str]) -> "MultiSearch":
        """The same call without these options."""
        arguments = {k: v for k, v in self.arguments.items() if k not in names}
        if arguments.get("params"):
            arguments["params"] = {k: v for k, v in arguments["params"].items() if k not in names}
        return replace(self, arguments=arguments)

    def plain(self, body: Any) -> Call:
        """The plain client's call."""
        return Call("msearch", {"body": body, "index": self.index, **self.arguments})


@dataclass(frozen=True, slots=True)
class Line:
    """header, body: as given. refusal: why our section of the body cannot be read."""

    header: Mapping[str, Any]
    body: Mapping[str, Any]
    request: SearchRequest
    refusal: str | None = None

    @property
    def is_plain(self) -> bool:
        """Whether nothing in it is ours."""
        return self.request.plain_body is self.body


def multi_search(asked: MultiSearch, attempt: Attempt) -> Steps[Any]:
    """Several searches; what goes wrong with one stands in its place."""
    started = time.perf_counter()
    if isinstance(asked.body, Iterator):  # which can be read once
        asked = replace(asked, body=list(asked.body))
    lines = _read_lines(asked)
    answers = yield from _attempt_all(lines, attempt, _at_once(asked))
    left = [place for place, answer in enumerate(answers) if isinstance(answer, Unranked)]
    if len(left) == len(lines):
        whole = all(line.is_plain for line in lines)
        response = yield asked.plain(asked.body if whole else _written(lines))
        return _with_reasons(response, answers)
    if left:
        call = asked.without(WHOLE).plain(_written([lines[place] for place in left]))
        response = _with_reasons((yield call), [answers[place] for place in left])
        for place, answer in zip(left, response["responses"], strict=True):
            answers[place] = answer
    took = int((time.perf_counter() - started) * 1000)
    return filter_response({"took": took, "responses": answers}, asked.options.get("filter_path"))


def _read_lines(asked: MultiSearch) -> list[Line]:
    """The searches; none where the call has to be left to the engine."""
    parts = _parts(asked.body)
    known = asked.options.keys() <= COMMON | WHOLE
    if not known or len(parts) % 2 or not all(isinstance(part, Mapping) for part in parts):
        return []
    return [_line(asked, *pair) for pair in zip(parts[::2], parts[1::2], strict=True)]


def _parts(body: Any) -> list[Any]:
    if isinstance(body, (str, bytes)):
        return [parse_body(line) for line in body.splitlines() if line.strip()]
    return [parse_body(part) for part in body] if isinstance(body, (list, tuple)) else []


def _line(asked: MultiSearch, header: Mapping[str, Any], body: Mapping[str, Any]) -> Line:
    said = {name: value for name, value in header.items() if name != "index"}
    arguments = {**asked.without(WHOLE).arguments, **said}
    index = header.get("index", asked.index)
    try:
        return Line(header, body, read_request(body, index, arguments, **asked.keywords))
    except RequestError as error:
        return Line(header, body, read_request({}, index, arguments), str(error))


def _attempt_all(lines: Sequence[Line], attempt: Attempt, at_once: int) -> Steps[list[Any]]:
    """The answer of each line, or why it is `Unranked`; some lines at once."""
    answers: list[Any] = []
    for start in range(0, len(lines), at_once):
        some = lines[start : start + at_once]
        outcomes = yield Legs(tuple(_attempt_one(line, attempt) for line in some))
        answers += [_taken(outcome) for outcome in outcomes]
    return answers


def _attempt_one(line: Line, attempt: Attempt) -> Steps[Any]:
    if line.refusal is not None:
        cause = {"type": "illegal_argument_exception", "reason": line.refusal}
        return {"error": {"root_cause": [cause], **cause}, "status": 400}
    if unknown := sorted(line.header.keys() - HEADER):
        return Unranked(f"{unknown[0]} in the header is passed through")
    answer = yield from attempt(line.request)
    return answer if isinstance(answer, Unranked) else {**answer, "status": 200}


def _taken(outcome: Outcome[Any]) -> Any:
    """An engine that refuses a line says so in its place; one that is gone raises for all."""
    error = outcome.error
    if isinstance(error, TransportError) and not isinstance(error, ConnectionError):
        return error.info
    return outcome.result()


def _at_once(asked: MultiSearch) -> int:
    limit = str(asked.options.get("max_concurrent_searches", AT_ONCE))
    return int(limit) if limit.isdigit() and int(limit) else AT_ONCE


def _written(lines: Sequence[Line]) -> list[Any]:
    """The body of a plain call."""
    return [part for line in lines for part in (line.header, line.request.plain_body)]


def _with_reasons(response: Any, unranked: Sequence[Unranked]) -> Any:
    """Every answer with the reason why its line was passed through."""
    answers = response.get("responses") if isinstance(response, dict) else None
    if answers is None or len(answers) != len(unranked):  # filter_path has left some of them out
        return response
    said = [{"applied": False, "reason": line.reason} for line in unranked]
    found = [with_extension(*pair) for pair in zip(answers, said, strict=True)]
    return {**response, "responses": found}
