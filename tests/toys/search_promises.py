"""What an answer of ours must be, whatever was asked, beside that of a plain client."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

EVERY = 200  # hits: more than there are
NO_PAGE = ("from", "size", "sort", "search_after")
Search = Callable[[Any, Mapping[str, Any]], Any]  # of a body and URL parameters; or what it raises


def timeless(answer: Any) -> Any:
    """An answer without the milliseconds it took, wherever they stand."""
    if isinstance(answer, list):
        return [timeless(part) for part in answer]
    if not isinstance(answer, dict):
        return answer
    kept = answer.keys() - {"took", "profile"}
    return {key: timeless(answer[key]) for key in answer if key in kept}


def same(found: Any, expected: Any) -> bool:
    """Equal; nan is itself."""
    return json.dumps(found, default=repr) == json.dumps(expected, default=repr)


class Checked(NamedTuple):
    """How a search ended, and what is wrong with that; nothing where all is well."""

    kind: str  # "refused", "passed through", "filtered" or "re-ranked"
    broken: list[str]


def check(ours: Search, plain: Search, body: Any, parameters: Mapping[str, Any]) -> Checked:
    expected, found = plain(body, parameters), ours(body, parameters)
    if not isinstance(expected, dict):
        wrong = [] if same(found, expected) else [f"raised {found}, not {expected}"]
        return Checked("refused", wrong)
    if not isinstance(found, dict):
        return Checked("refused", [f"raised {found}"])
    if "filter_path" in parameters:  # nothing says what it is that is left
        return Checked("filtered", [])
    extension = found.get("ext", {}).pop("endcap", {"applied": False})
    if found.get("ext") == {}:
        del found["ext"]
    if extension["applied"]:
        broken = _reranked(found, expected, body, parameters, ours, plain)
        return Checked("re-ranked", list(broken))
    differs = not same(timeless(found), timeless(expected))
    return Checked("passed through", [f"another answer: {found}, not {expected}"] * differs)


def _reranked(found, expected, body, parameters, ours, plain):
    parsed = json.loads(body) if isinstance(body, str) else body or {}
    if found.keys() != expected.keys():
        yield f"the keys {list(found)}, not {list(expected)}"
    hits = found["hits"]["hits"]
    ids = [hit["_id"] for hit in hits]
    if len(ids) != len(set(ids)):
        yield "a hit twice"
    scores = [hit["_score"] for hit in hits]
    if scores != sorted(scores, reverse=True) or not all(map(math.isfinite, scores)):
        yield f"the scores {scores}"
    both = {hit["_id"]: hit for hit in expected["hits"]["hits"]}
    for hit in hits:
        if hit["_id"] in both and not same(_content(hit), _content(both[hit["_id"]])):
            yield f"the hit {_content(hit)}, not {_content(both[hit['_id']])}"
    yield from _whole(parsed, parameters, ours, plain, found)


def _content(hit: Mapping[str, Any]) -> dict[str, Any]:
    """A hit without its score and what shows the union of the legs: how a score is made up, and
    what else is of its group.
    """
    kept = {key: hit[key] for key in hit if key not in ("_score", "_explanation", "inner_hits")}
    if "_explanation" in hit:
        kept["_explanation"] = hit["_explanation"]["value"]
    return {**kept, "sort": hit["sort"][1:]} if "sort" in hit else kept


def _whole(parsed, parameters, ours, plain, found):
    """All hits at once: a permutation, or a union where the vector leg adds some."""
    every = {**{k: v for k, v in parsed.items() if k not in ("from", "size")}, "size": EVERY}
    rest = {k: v for k, v in parameters.items() if k not in ("from", "size")}
    expected, whole = plain(every, rest), ours(every, rest)
    ext = {**(every.get("ext") or {}), "endcap": {"recall": "lexical"}}
    lexical = ours({**every, "ext": ext}, rest)
    for answer in (expected, whole, lexical):
        if not isinstance(answer, dict):
            yield f"all hits at once: {answer}"
            return
    there = {hit["_id"] for hit in expected["hits"]["hits"]}
    ids = [hit["_id"] for hit in whole["hits"]["hits"]]
    if "collapse" not in parsed:
        if not there <= set(ids):
            yield f"lost {sorted(there - set(ids))}"
        if sorted(hit["_id"] for hit in lexical["hits"]["hits"]) != sorted(there):
            yield "lexical recall does more than reorder"
        yield from _page(parsed, parameters, found, ids)
    total = whole["hits"].get("total")
    if isinstance(total, dict) and total["relation"] == "eq" and "collapse" not in parsed:
        if total["value"] != len(ids):
            yield f"a total of {total['value']}, {len(ids)} hits"
    if same(lexical["hits"].get("total"), expected["hits"].get("total")) is False:
        yield f"lexical recall counts {lexical['hits'].get('total')}"
    same_hits = len(ids) == len(there) and not {"collapse", "post_filter"} & parsed.keys()
    if same_hits and not same(whole.get("aggregations"), expected.get("aggregations")):
        yield f"the aggregations {whole['aggregations']}, not {expected['aggregations']}"


def _page(parsed, parameters, found, ids):
    """The page is cut out of the whole."""
    start = int(parameters.get("from", parsed.get("from") or 0))
    size = int(parameters.get("size", parsed.get("size", 10)))
    page = [hit["_id"] for hit in found["hits"]["hits"]]
    if page != ids[start : start + size]:
        yield f"the page {page} is not the whole's {ids[start : start + size]}"
