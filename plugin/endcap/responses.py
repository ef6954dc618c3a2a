"""The answer in OpenSearch's own shape: the caller's own search answered, its page replaced, our
part under `ext`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from endcap.fusion import Window
from endcap.groups import group_of
from endcap.pages import Page
from endcap.requests import SearchRequest
from endcap_reranker import Reranked

DEFAULT_TOTAL = 10_000  # up to which OpenSearch counts hits unless asked otherwise


def assemble(
    request: SearchRequest,
    answer: Mapping[str, Any],
    pages: Sequence[Mapping[str, Any]],
    hits: list[dict[str, Any]],
    best: float | None,
    extra: int,
) -> dict[str, Any]:
    """The response of one page.

    answer: of the lexical leg. pages: the answers that hold the page's hits and the aggregations.
    best: the highest score of the window. extra: hits that only the vector leg found.
    """
    response = dict(answer)
    for page in pages:
        for key in ("aggregations", "profile"):
            if key in page:
                response[key] = page[key]
    kept = {key: value for key, value in answer["hits"].items() if key not in ("hits", "total")}
    total = _total(request, answer["hits"], extra)
    response["hits"] = {**total, **kept, "max_score": best, "hits": hits}
    response["timed_out"] = any(part["timed_out"] for part in (answer, *pages))
    return response


def with_extension(response: Any, extension: Mapping[str, Any]) -> Any:
    """The response with `ext.endcap`; what is no search response is returned as it is."""
    if not isinstance(response, dict) or "hits" not in response:
        return response
    return {**response, "ext": {**response.get("ext", {}), "endcap": dict(extension)}}


def scored(
    answer: Mapping[str, Any],
    window: Window,
    reranked: Reranked,
    page: Page,
    collapse: str | None,
) -> list[dict[str, Any]]:
    """The page's candidates, or what stands for their groups, in their order with the scores of the
    blend; one deleted meanwhile is left out.
    """
    hits = answer["hits"]["hits"]
    if collapse is None:
        names: Sequence[Any] = window.ids
        found = {hit["_id"]: hit for hit in hits}
    else:
        names = window.groups
        found = {group_of(hit, collapse): hit for hit in hits}
    places = [(names[position], position) for position in page.positions]
    return [_with_score(found[id], reranked.scores[place]) for id, place in places if id in found]


def scored_below(
    answer: Mapping[str, Any], window: Window, reranked: Reranked
) -> list[dict[str, Any]]:
    """Hits behind the window, in the engine's own order, scored below the window's last."""
    hits = answer["hits"]["hits"]
    last = float(reranked.scores[reranked.order[-1]]) if len(reranked.order) else 1.0
    best = float(np.nanmax(window.lexical, initial=0.0))
    shares = [min(1.0, (hit["_score"] or 0.0) / best) if best > 0 else 1.0 for hit in hits]
    return [
        _with_score(hit, last * share if last > 0 else last - 1 + share)
        for hit, share in zip(hits, shares, strict=True)
    ]


def explain(window: Window, reranked: Reranked, page: Page) -> list[dict[str, Any]]:
    """What each column said about the page's candidates, and what it added to their score."""
    return [
        {
            "_id": window.ids[place],
            "score": float(reranked.scores[place]),
            "columns": {name: _number(column[place]) for name, column in reranked.columns.items()},
            "contributions": {
                name: float(part[place]) for name, part in reranked.contributions.items()
            },
        }
        for place in page.positions
    ]


def _with_score(hit: dict[str, Any], score: float) -> dict[str, Any]:
    """A search sorted by `[_score, …]` shows the score among the sort values too."""
    changed = {**hit, "_score": float(score)}
    if "sort" in hit:
        changed["sort"] = [float(score), *hit["sort"][1:]]
    return changed


def _number(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)


def _total(request: SearchRequest, hits: Mapping[str, Any], extra: int) -> dict[str, Any]:
    if "total" not in hits:
        return {}
    if isinstance(hits["total"], int):  # every hit is counted, or none: -1
        return {"total": hits["total"] + extra if hits["total"] >= 0 else hits["total"]}
    total = dict(hits["total"])
    if total["relation"] == "eq":
        total["value"] += extra
        limit = _counted_up_to(request)
        if limit is not None and total["value"] > limit:
            total = {"value": limit, "relation": "gte"}
    return {"total": total}


def _counted_up_to(request: SearchRequest) -> int | None:
    asked = request.option("track_total_hits", DEFAULT_TOTAL)
    return None if str(asked).lower() == "true" else int(asked)
