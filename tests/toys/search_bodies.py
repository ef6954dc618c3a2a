"""Search bodies over the toy shop: a grammar of the query DSL, and what mutations make of it."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from dsl_names import AGGREGATIONS, KEYS, QUERIES
from search_queries import FIELDS, Queries

JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 7, 2**31, 2**63, -(2**70), 0.5, 1e308, float("nan"), float("inf"),
    "", " ", "x", "price", "NaN", "-1", "2026-13-45", "9" * 400, "ß\u0000\u202e", "\ud800",
    [], {}, [None], [[]], {"x": {}}, ["red", 3], {"query": {"match_all": {}}},
)  # fmt: skip
NAMES = (*QUERIES, *AGGREGATIONS, *KEYS, *FIELDS, "query", "filter", "must", "boost", "nonsense")
DEEP = 40  # levels of what nests deeply
MUTATIONS = (0, 0, 0, 0, 1, 1, 2, 3)  # how many, each as often as it stands here


def search_bodies(seed: int, rare: float) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Bodies and URL parameters without end, the same for a seed.

    rare: how often there is something in them that only a server can do.
    """
    grammar = Grammar(random.Random(seed), rare)
    while True:
        body: Any = grammar.body()
        for _ in range(grammar.random.choice(MUTATIONS)):
            body = grammar.mutated(body)
        yield grammar.sent(body), grammar.parameters()


class Grammar(Queries):
    def body(self) -> dict[str, Any]:
        """What a shop may ask; most of it can be re-ranked."""
        body = {"query": self.query(self.random.choice((0, 1, 1, 2, 3)))}
        extras: dict[str, Callable[[], Any]] = {
            "size": lambda: self._of(0, 1, 3, 10, 72, 200, 10_000),
            "from": lambda: self._of(0, 0, 1, 5, 60, 9_999),
            "post_filter": self._condition,
            "min_score": lambda: self._of(0, 0.3, 1, 5),
            "sort": self._sort,
            "collapse": self._collapse,
            "aggs": self._aggregations,
            "track_total_hits": lambda: self._of(True, False, 3, 72),
            "_source": lambda: self._of(True, False, "title", ["t*", "brand"]),
            "highlight": lambda: {"fields": {self._of("title", "brand", "*"): {}}},
            "docvalue_fields": lambda: [self._of("price", "kind", "brand.keyword")],
            "fields": lambda: [self._of("title", "price", "*")],
            "version": lambda: self._of(True, False),
            "seq_no_primary_term": lambda: True,
            "track_scores": lambda: self._of(True, False),
        }
        for name in self.random.sample(list(extras), self._of(0, 0, 1, 1, 2, 3)):
            body[name] = extras[name]()
        return {**body, **self._rare_extra()} if self._is_rare() else body

    def _rare_extra(self) -> dict[str, Any]:
        rescore = {"query": {"rescore_query": self._match()}, "window_size": 5}
        return self._of(
            {"explain": True},
            {"stored_fields": self._of("_none_", "title", ["title"])},
            {"rescore": rescore},
            {"indices_boost": [{"*": 2}]},
            {"terminate_after": 1000},
            {"suggest": {"s": {"text": self.text(), "term": {"field": "title"}}}},
            {"script_fields": {"one": {"script": "1"}}},
            {"include_named_queries_score": True},
            {"profile": True},
        )

    def parameters(self) -> dict[str, Any]:
        """Of the URL; most searches have none."""
        if self.random.random() < 0.9:
            return {}
        known: list[dict[str, Any]] = [
            {"size": self._of(0, 2, 72, "x")},
            {"from": self._of(0, 3)},
            {"sort": self._of("price", "_score")},
            {"_source": self._of("false", "title")},
            {"track_total_hits": self._of("true", "5")},
            {"rest_total_hits_as_int": "true"},
            {"search_type": self._of("query_then_fetch", "x")},
            {"filter_path": self._of("hits.hits._id", "hits.total,took", "nowhere")},
        ]
        rare = (
            {"nonsense": "1"},
            {"typed_keys": "true"},
            {"q": "title:red"},
            {"request_cache": "true"},
        )
        return self._of(*known, *(rare if self._is_rare() else ()))

    def sent(self, body: Any) -> Any:
        """As an object, as JSON text, or cut off in the middle."""
        chance = self.random.random()
        if chance > 0.06:
            return body
        text = json.dumps(body)
        return text if chance > 0.03 else text[: self.random.randrange(len(text) + 1)]

    def mutated(self, body: Any) -> Any:
        """A copy in which one place is something else."""
        body = copy.deepcopy(body)
        places = list(_places(body))
        if not places or self.random.random() < 0.02:
            return self.junk()
        holder, key = self.random.choice(places)
        change = self.random.randrange(6)
        if change == 0:
            holder[key] = self.junk()
        elif change == 1:
            del holder[key]
        elif change == 2 and isinstance(holder, dict):
            holder[self._of(*NAMES)] = holder.pop(key)
        elif change == 3:
            other, place = self.random.choice(places)
            holder[key] = copy.deepcopy(other[place])
        elif change == 4:
            holder[key] = self._of([holder[key]], {self._of(*NAMES): holder[key]})
        elif isinstance(holder, dict):
            holder[self._of(*NAMES)] = self.junk()
        else:
            holder.append(self.junk())
        return body

    def junk(self) -> Any:
        if self.random.random() > 0.05:
            return copy.deepcopy(self._of(*JUNK))
        deep: Any = self._match()
        for _ in range(DEEP):
            deep = {"bool": {"must": [deep]}}
        return deep

    def _sort(self) -> Any:
        return self._of(
            "_score",
            ["_score"],
            ["_score", {"price": "asc"}],
            [{"_score": {"order": "desc"}}, "kind"],
            ["price"],
            [{"_score": "asc"}],
            "title",
        )

    def _collapse(self) -> Any:
        if self._is_rare():
            return {"field": "family", "inner_hits": {"name": "more", "size": 2}}
        return {"field": self._of("kind", "family")}

    def _aggregations(self) -> dict[str, Any]:
        if self._is_rare():
            return {"it": {self._of(*AGGREGATIONS): {"field": self._of(*FIELDS)}}}
        return copy.deepcopy(
            self._of(
                {"kinds": {"terms": {"field": "kind"}}},
                {"price": {"stats": {"field": "price"}}},
                {"kinds": {"terms": {"field": "kind"}, "aggs": {"p": {"avg": {"field": "price"}}}}},
                {"ranges": {"range": {"field": "price", "ranges": [{"to": 10}, {"from": 10}]}}},
                {"titles": {"terms": {"field": "title"}}},
            )
        )


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where something stands in a JSON value: what holds it, and under which key."""
    if isinstance(value, dict | list):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _places(inner)
