"""One search as the caller wrote it: body, index and options, and what of it is ours."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from endcap.conditions import MATCH_ALL, without_inner_hits
from endcap.cursors import Cursor
from endcap.exceptions import RequestError
from endcap.tuning import COLUMNS

DEFAULT_SIZE = 10
TOTALS = ("track_total_hits", "rest_total_hits_as_int")
SUGGESTIONS = ("suggest", "suggest_field", "suggest_mode", "suggest_size", "suggest_text")
Check = Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _are_weights(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and len(value) > 0
        and all(name in COLUMNS for name in value)
        and all(_is_number(weight) and weight >= 0 for weight in value.values())
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _one_of(*choices: str) -> tuple[Check, str]:
    return lambda value: value in choices, " or ".join(choices)


# What ext.endcap takes: how a value is checked, and what to type instead of a wrong one.
OPTIONS: Mapping[str, tuple[Check, str]] = {
    "user": (_is_text, "a shopper's id, in quotes"),
    "session": (_is_text, "a session's id, in quotes"),
    "history": (lambda value: isinstance(value, (list, tuple)), "a list of product ids"),
    "query": (lambda value: isinstance(value, str), "a text, in quotes"),
    "recall": _one_of("both", "lexical", "vector"),
    "fusion": _one_of("convex", "rrf"),
    "window": (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 1,
        "a whole number from 1",
    ),
    "budget_ms": (lambda value: _is_number(value) and value > 0, "milliseconds above 0"),
    "floor": (lambda value: _is_number(value) and -1 <= value <= 1, "a cosine, -1 to 1"),
    "weights": (_are_weights, f"weights from 0 of {', '.join(COLUMNS)}"),
    "cursor": (lambda value: isinstance(value, str), "what the first page's cursor held"),
    "explain": (lambda value: isinstance(value, bool), "true or false"),
    "rerank": (lambda value: isinstance(value, bool), "true or false"),
}


@dataclass(frozen=True, slots=True)
class Options:
    """What one request asks of endcap; None: as the client or the tuning says."""

    user: str | None = None
    session: str | None = None
    history: tuple[str, ...] | None = None
    query: str | None = None
    recall: str | None = None
    fusion: str | None = None
    window: int | None = None
    budget_ms: float | None = None
    floor: float | None = None
    weights: Mapping[str, float] | None = None
    cursor: Cursor | None = None
    explain: bool = False
    rerank: bool = True

    @classmethod
    def read(cls, section: Any, **keywords: Any) -> "Options":
        """Check a request's own section; `RequestError` names the key and what to type."""
        if not isinstance(section, Mapping):
            raise RequestError(f"ext.endcap must be an object, not {type(section).__name__}")
        said = {name: value for name, value in keywords.items() if value is not None}
        given = {**section, **said}
        for name, value in given.items():
            if name not in OPTIONS:
                raise RequestError(f"ext.endcap.{name} is unknown; it takes {', '.join(OPTIONS)}")
            check, expected = OPTIONS[name]
            if not check(value):
                raise RequestError(f"ext.endcap.{name} is {value!r}; it takes {expected}")
        if "history" in given:
            given["history"] = tuple(str(item) for item in given["history"])
        if "cursor" in given:
            given["cursor"] = Cursor.decode(given["cursor"])
        return cls(**given)

    @property
    def names_shopper(self) -> bool:
        """Whether somebody in particular is asking."""
        return bool(self.user or self.session or self.history)


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A call of `OpenSearch.search`: `body` without our section, `arguments` as given.

    plain_body: what the plain client sends; the caller's own object where nothing in it is ours.
    """

    index: Any
    body: Any
    arguments: Mapping[str, Any]
    options: Options
    plain_body: Any

    @property
    def page(self) -> tuple[int, int]:
        """The first hit and how many; raises TypeError or ValueError for what is no number."""
        return int(self.option("from", 0)), int(self.option("size", DEFAULT_SIZE))

    @property
    def aggregates(self) -> bool:
        """Whether the caller counts as well as searches."""
        return bool(self.body.get("aggs") or self.body.get("aggregations"))

    def option(self, name: str, default: Any = None) -> Any:
        """A search option by its REST name: the URL wins over the body, a keyword over `params`."""
        found = self.url_option(name)
        return self.body.get(name, default) if found is None else found

    def url_option(self, name: str) -> Any:
        """What the URL alone says of an option; None where it does not name it."""
        keyword = "from_" if name == "from" else name
        for place in (self.arguments, self.arguments.get("params") or {}):
            for spelling in (keyword, name):
                if place.get(spelling) is not None:
                    return place[spelling]
        return None

    def without(self, *names: str) -> "SearchRequest":
        """The same request without these options, wherever they stand."""
        dropped = {*names, *("from_" for name in names if name == "from")}
        arguments = {k: v for k, v in self.arguments.items() if k not in dropped}
        if arguments.get("params"):
            arguments["params"] = {k: v for k, v in arguments["params"].items() if k not in dropped}
        body = {k: v for k, v in self.body.items() if k not in dropped}
        return replace(self, arguments=arguments, body=body)

    def asking(self, index: str, **body: Any) -> "SearchRequest":
        """The same request of one concrete index, with these keys of the body replaced."""
        return replace(self, index=index, body={**self.body, **body})

    def as_leg(self) -> "SearchRequest":
        """The same request as a leg asks it: with the post_filter in the query, which finds the
        same hits, and without inner hits, which the page shows.

        OpenSearch 3.6 loses hits to a post_filter once it has counted as many as it is asked to.
        """
        body = dict(self.body)
        query = body.get("query", MATCH_ALL)
        if "post_filter" in body:
            query = {"bool": {"must": [query], "filter": [body.pop("post_filter")]}}
        return replace(self, body={**body, "query": without_inner_hits(query)})

    def keywords(self) -> dict[str, Any]:
        """The keyword arguments of the plain client's `search` for this request as it now is."""
        return {"body": self.body, "index": self.index, **self.arguments}

    def plain_keywords(self) -> dict[str, Any]:
        """The keyword arguments of the plain client's `search` for what the caller asked."""
        return {"body": self.plain_body, "index": self.index, **self.arguments}


def read_request(
    body: Any, index: Any, arguments: Mapping[str, Any], **keywords: Any
) -> SearchRequest:
    """Take our section out of a request; the caller's objects are not changed."""
    parsed = parse_body(body)
    extension = parsed.get("ext") if isinstance(parsed, Mapping) else None
    if not isinstance(extension, Mapping) or "endcap" not in extension:
        return SearchRequest(index, parsed, arguments, Options.read({}, **keywords), body)
    options = Options.read(extension["endcap"], **keywords)
    rest = {key: value for key, value in extension.items() if key != "endcap"}
    kept = {key: value for key, value in parsed.items() if key != "ext"}
    plain = {**kept, "ext": rest} if rest else kept
    return SearchRequest(index, plain, arguments, options, plain)


def parse_body(body: Any) -> Any:
    """opensearch-py takes JSON text too; no body is an empty one. What is no JSON stays."""
    if body is None:
        return {}
    if isinstance(body, (str, bytes)):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            return body
    return body
