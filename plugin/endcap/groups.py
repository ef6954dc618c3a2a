"""Groups: what `collapse` shows is one product of each, the one that the engine puts first.

A leg finds products, not groups. For what the lexical leg has not shown already the engine is asked
which product stands for the group, so that a group appears once over all pages, whoever found it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from endcap.bodies import Reading
from endcap.conditions import Query
from endcap.keys import Hits
from endcap.opening import Snapshot
from endcap.recall import DECORATIONS, LexicalLeg, Scored
from endcap.requests import SUGGESTIONS, TOTALS, SearchRequest
from endcap.steps import Call, Steps

Group: TypeAlias = str | int | float | None  # None: all products without a value are one group


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of what the legs found.

    lexical: of each hit of the lexical leg. by_row: of every row. shown: row and score of the
    product that stands for a group, where the generation knows it.
    """

    lexical: Sequence[Group]
    by_row: Mapping[int, Group]
    shown: Mapping[Group, tuple[int, float]]

    def represent(self, found: Scored) -> Scored:
        """What stands for the groups of these products, in their order."""
        groups = dict.fromkeys(self.by_row[row] for row in found.rows.tolist())
        shown = [self.shown[group] for group in groups if group in self.shown]
        if not shown:
            return Scored.nothing()
        rows, scores = zip(*shown, strict=True)
        return Scored(np.array(rows, dtype=np.int64), np.array(scores, dtype=np.float32))

    def of(self, rows: NDArray[np.int64], lexical: int) -> list[Group]:
        """The groups of a window's rows, of which the first `lexical` are the lexical leg's."""
        return [*self.lexical[:lexical], *(self.by_row[row] for row in rows[lexical:].tolist())]


def group(
    request: SearchRequest,
    snapshot: Snapshot,
    reading: Reading,
    field: str,
    lexical: LexicalLeg,
    found: Sequence[Scored],
    extra: NDArray[np.int64],
) -> Steps[Groups]:
    """The groups of the lexical leg's hits and of what the other legs found; `extra` are the rows
    that the caller's own query does not find.
    """
    groups = [group_of(hit, field) for hit in lexical.answer["hits"]["hits"]]
    known = [place for place, row in enumerate(lexical.rows.tolist()) if row >= 0]
    shown = {
        groups[place]: (int(lexical.rows[place]), float(lexical.scores[place])) for place in known
    }
    by_row = {row: name for name, (row, _) in shown.items()}
    rows = np.unique(np.concatenate([lexical.rows[:0], *(each.rows for each in found)]))
    by_row |= yield from _groups_of(request, snapshot, field, np.setdiff1d(rows, lexical.rows))
    missing = [name for name in dict.fromkeys(by_row.values()) if name not in set(groups)]
    others = yield from _shown(request, snapshot, reading, field, missing, extra)
    by_row |= {row: name for name, (row, _) in others.items()}
    return Groups(groups, by_row, shown | others)


def group_of(hit: Mapping[str, Any], field: str) -> Group:
    """The engine shows the value that it has collapsed on among the hit's fields."""
    value: Group = hit.get("fields", {}).get(field, (None,))[0]
    return value


def among_groups(field: str, groups: Sequence[Group]) -> Query:
    """The condition that a product belongs to one of these groups."""
    options: list[Query] = [{"terms": {field: [name for name in groups if name is not None]}}]
    if None in groups:
        options.append({"bool": {"must_not": {"exists": {"field": field}}}})
    return {"bool": {"should": options, "minimum_should_match": 1}}


def _groups_of(
    request: SearchRequest, snapshot: Snapshot, field: str, rows: NDArray[np.int64]
) -> Steps[dict[int, Group]]:
    if not len(rows):
        return {}
    wanted = {"bool": {"filter": [snapshot.keys.among(rows)]}}
    shown = snapshot.keys.options
    fields = [*shown.get("docvalue_fields", ()), field]
    hits, found = yield from _ask(
        request.without("sort", "min_score"),
        snapshot,
        query=wanted,
        size=len(rows),
        **{**shown, "docvalue_fields": fields},
    )
    groups = [group_of(hit, field) for hit in hits]
    return dict(zip(found, groups, strict=True))


def _shown(
    request: SearchRequest,
    snapshot: Snapshot,
    reading: Reading,
    field: str,
    groups: Sequence[Group],
    extra: NDArray[np.int64],
) -> Steps[dict[Group, tuple[int, float]]]:
    """What stands for groups of which the lexical leg has no hit: far behind, or not found."""
    if not groups:
        return {}
    query = reading.query
    if len(extra):
        others = {"bool": {"filter": [snapshot.keys.among(extra)]}}
        query = {"bool": {"should": [query, others], "minimum_should_match": 1}}
    conditions = [among_groups(field, groups)]
    if "post_filter" in request.body:
        conditions.append(request.body["post_filter"])
    hits, rows = yield from _ask(
        request,
        snapshot,
        query=query,
        post_filter={"bool": {"filter": conditions}},
        collapse={"field": field},
        size=len(groups),
        track_scores=True,
        **snapshot.keys.options,
    )
    pairs = [(row, float(hit["_score"] or 0.0)) for hit, row in zip(hits, rows, strict=True)]
    names = [group_of(hit, field) for hit in hits]
    return {name: pair for name, pair in zip(names, pairs, strict=True) if pair[0] >= 0}


def _ask(request: SearchRequest, snapshot: Snapshot, **body: Any) -> Steps[tuple[Hits, list[int]]]:
    bare = request.without(*DECORATIONS, *SUGGESTIONS, *TOTALS)
    asked = bare.asking(snapshot.index, track_total_hits=False, **body)
    answer = yield Call("search", asked.as_leg().keywords())
    hits: Hits = answer["hits"]["hits"]
    rows = yield from snapshot.keys.rows(hits)
    return hits, rows.tolist()
