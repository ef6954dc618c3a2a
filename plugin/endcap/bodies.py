"""What is read from a search body: its text and conditions, or the reason why it is passed through.

| the request has | read as |
| --- | --- |
| `endcap=False`, `scroll`, `size=0`, `search_after`, `pit`, `rescore`, `collapse` | bypass |
| a `search_type` other than the default, `slice` | bypass |
| a sort whose first key is not `_score` descending | bypass |
| `q` in the URL, a query that is not one clause, several indices | bypass |
| match, match_phrase(_prefix), match_bool_prefix, multi_match, combined_fields | text |
| query_string, simple_query_string | text |
| term(s), ids, range, exists, prefix, wildcard, nested, geo_*, constant_score, … | conditions |
| bool, dis_max, function_score, boosting | taken apart |
| hybrid, knn, script_score, more_like_this, …; `min_score` | re-ranked without a vector leg |
| no text and no shopper | bypass |

`ext.endcap.query` overrides the text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from endcap.conditions import Apart, NotTakenApart, Query, take_apart
from endcap.requests import SearchRequest

BYPASSES = ("scroll", "search_after", "pit", "rescore", "collapse", "slice", "q")
MATCH_ALL: Query = {"match_all": {}}


@dataclass(frozen=True, slots=True)
class Bypass:
    """The request goes to the engine untouched, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A body that can be re-ranked.

    `query`: the caller's. `text`: what is embedded, "" when there is none. `conditions`: what binds
    the vector leg; None when the query cannot be taken apart (`untaken` says which clause).
    `text_required`: only documents that match the text are found by the caller's query.
    `tie_breakers`: the sort keys after `_score`.
    """

    query: Query
    text: str
    conditions: tuple[Query, ...] | None
    text_required: bool
    untaken: str | None
    start: int
    size: int
    sort: tuple[Any, ...] = ()

    @property
    def matches_all(self) -> bool:
        """The query gives every product the same score."""
        return not self.text and self.conditions is not None


def read_body(request: SearchRequest) -> Reading | Bypass:
    """Read a request by the table above."""
    if not isinstance(request.body, Mapping):
        return Bypass("a body that is no object is passed through")
    if (passed := _passed(request)) is not None:
        return Bypass(passed)
    query = request.body.get("query", MATCH_ALL)
    apart, untaken = _take_apart(query)
    if request.body.get("min_score") is not None:
        untaken = "min_score"
    text = request.options.query or " ".join(dict.fromkeys(apart.texts))
    options = request.options
    if not text.strip() and not (options.user or options.session or options.history):
        return Bypass("no text and no shopper")
    return Reading(
        query=query,
        text=text.strip(),
        conditions=None if untaken else apart.conditions,
        text_required=apart.required,
        untaken=untaken,
        start=int(request.option("from", 0)),
        size=int(request.option("size", 10)),
        sort=tuple(_sort_keys(request.option("sort"))),
    )


def _passed(request: SearchRequest) -> str | None:
    for name in BYPASSES:
        if request.option(name) is not None:
            return f"{name} is passed through"
    if request.option("search_type", "query_then_fetch") != "query_then_fetch":
        return "search_type is passed through"
    if int(request.option("size", 10)) == 0:
        return "size is 0"
    keys = _sort_keys(request.option("sort"))
    if keys and not _by_score(keys[0]):
        return "sorted by a field"
    return None


def _take_apart(query: Query) -> tuple[Apart, str | None]:
    try:
        return take_apart(query), None
    except NotTakenApart as clause:
        return Apart((), (), True), str(clause)


def _sort_keys(sort: Any) -> list[Any]:
    if sort is None:
        return []
    if isinstance(sort, str):
        return [_from_url(key) for key in sort.split(",")]
    return list(sort) if isinstance(sort, (list, tuple)) else [sort]


def _from_url(key: str) -> Any:
    name, _, order = key.partition(":")
    return {name: order} if order else name


def _by_score(key: Any) -> bool:
    if isinstance(key, Mapping) and len(key) == 1:
        ((name, order),) = key.items()
        order = order.get("order", "desc") if isinstance(order, Mapping) else order
        return bool(name == "_score" and order == "desc")
    return bool(key == "_score")
