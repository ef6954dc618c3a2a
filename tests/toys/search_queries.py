"""Queries over the toy shop: a grammar of the query DSL."""

import copy
import random
from collections.abc import Callable
from typing import Any

from dsl_names import QUERIES
from toy_shop import BRANDS, COLOURS, NOUNS

TEXTS = ("title", "brand", "title^2", "t*", "nowhere")
EXACT = ("brand.keyword", "kind", "family")
FIELDS = ("title", "brand", *EXACT, "price", "sales", "nowhere", "_id", "endcap.row")


class Queries:
    """rare: how often there is something in a query that only a server can do."""

    def __init__(self, random: random.Random, rare: float) -> None:
        self.random = random
        self._rare = rare
        self._leaves: list[Callable[[], dict[str, Any]]] = [
            self._match, self._match, self._match, self._match, self._multi_match,
            self._multi_match, self._phrase, self._term,
            self._terms, self._range, self._exists, self._common,
        ]  # fmt: skip
        self._rare_leaves = [self._simple, self._other, self._by_name]

    def query(self, depth: int) -> dict[str, Any]:
        if depth == 0:
            return self._of(*(self._rare_leaves if self._is_rare() else self._leaves))()
        inner = lambda: self.query(depth - 1)  # noqa: E731 - a verb in a table
        return self.random.choice((self._bool, self._bool, self._wrapped))(inner)

    def text(self) -> str:
        words = (*NOUNS, *COLOURS, *BRANDS, "zzz", "the", "n0t")
        return " ".join(self.random.choices(words, k=self.random.randint(1, 3)))

    def _match(self) -> dict[str, Any]:
        field = self._of("title", "title", "title", "brand", "nowhere", "price")
        if self._of(True, False):
            return {"match": {field: self.text()}}
        more = {
            "operator": self._of("or", "and"),
            "boost": self._of(1, 2, 0, 0.1),
            "minimum_should_match": self._of(1, 2, "50%", "-1"),
        }
        if self._is_rare():
            rare = ({"fuzziness": "AUTO"}, {"lenient": True}, {"zero_terms_query": "all"})
            more |= self._of(*rare, {"_name": "named"})
        chosen = self.random.sample(list(more), self.random.randint(0, 2))
        return {"match": {field: {"query": self.text(), **{name: more[name] for name in chosen}}}}

    def _multi_match(self) -> dict[str, Any]:
        kinds = ["best_fields", "most_fields", "cross_fields", "phrase"]
        kinds += ["phrase_prefix", "bool_prefix"] * self._is_rare()
        fields = self.random.sample(TEXTS, self.random.randint(1, 3))
        return {"multi_match": {"query": self.text(), "fields": fields, "type": self._of(*kinds)}}

    def _phrase(self) -> dict[str, Any]:
        rare = ["match_phrase_prefix", "match_bool_prefix"] * self._is_rare()
        kind = self._of("match_phrase", *rare)
        return {kind: {"title": self.text()}}

    def _simple(self) -> dict[str, Any]:
        kind = self._of("query_string", "simple_query_string", "combined_fields")
        fields = ["title", "brand"]
        return {kind: {"query": self.text(), "fields": fields}}

    def _term(self) -> dict[str, Any]:
        words = self._of("Alder", "sofa", "red-sofa")
        return {"term": self._of({self._of(*EXACT, "title"): words}, {"price": self._of(3, 12.0)})}

    def _terms(self) -> dict[str, Any]:
        return {"terms": {self._of("kind", "brand.keyword"): ["sofa", "lamp", "Birch"]}}

    def _range(self) -> dict[str, Any]:
        bounds = {self._of("gte", "gt"): self.random.randint(0, 72), self._of("lt", "lte"): 60}
        return {"range": {self._of("price", "sales", "nowhere"): bounds}}

    def _exists(self) -> dict[str, Any]:
        return {"exists": {"field": self._of(*FIELDS)}}

    def _common(self) -> dict[str, Any]:
        ids = {"values": ["p001", "p030", "p071"]}
        return self._of({"match_all": {}}, {"match_none": {}}, {"ids": ids})

    def _other(self) -> dict[str, Any]:
        return copy.deepcopy(
            self._of(
                {"prefix": {"kind": "so"}},
                {"wildcard": {"family": "*-sofa"}},
                {"regexp": {"kind": "s.*"}},
                {"fuzzy": {"title": "sofas"}},
                {"more_like_this": {"fields": ["title"], "like": "red sofa", "min_term_freq": 1}},
                {"script_score": {"query": {"match": {"title": "sofa"}}, "script": "2"}},
                {"distance_feature": {"field": "price", "origin": 3, "pivot": 2}},
                {"terms_set": {"kind": {"terms": ["sofa"], "minimum_should_match": 1}}},
                {"nested": {"path": "offers", "query": {"match_all": {}}}},
                {"span_term": {"title": "sofa"}},
                {"intervals": {"title": {"match": {"query": "red sofa"}}}},
            )
        )

    def _by_name(self) -> dict[str, Any]:
        """Any query that there is, with something that hardly fits it."""
        return {
            self._of(*QUERIES): self._of({}, {"field": "title"}, {"title": "red"}, self._match())
        }

    def _condition(self) -> dict[str, Any]:
        return self.random.choice((self._term, self._terms, self._range, self._exists))()

    def _bool(self, inner: Callable[[], Any]) -> dict[str, Any]:
        parts: dict[str, Callable[[], Any]] = {
            "must": lambda: [inner() for _ in range(self.random.randint(1, 2))],
            "should": lambda: [inner() for _ in range(self.random.randint(1, 3))],
            "filter": lambda: self._of([self._condition()], self._condition()),
            "must_not": lambda: [self._condition()],
            "minimum_should_match": lambda: self._of(0, 1, "50%"),
            "boost": lambda: self._of(0, 1, 3),
        }
        if self._is_rare():
            parts["_name"] = lambda: "whole"
        names = self.random.sample(list(parts), self.random.randint(1, 4))
        return {"bool": {name: parts[name]() for name in names}}

    def _wrapped(self, inner: Callable[[], Any]) -> dict[str, Any]:
        factor = {"field": "sales", "modifier": "log1p", "missing": 1}
        kinds: dict[str, Callable[[], Any]] = {
            "dis_max": lambda: {"queries": [inner(), inner()], "tie_breaker": 0.3},
            "constant_score": lambda: {"filter": inner(), "boost": self._of(0, 2)},
            "function_score": lambda: {"query": inner(), "field_value_factor": factor},
        }
        if self._is_rare():
            less = {"negative": self._term(), "negative_boost": 0.2}
            kinds = {
                "boosting": lambda: {"positive": inner(), **less},
                "hybrid": lambda: {"queries": [inner()]},
            }
        name = self._of(*kinds)
        return {name: kinds[name]()}

    def _of(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def _is_rare(self) -> bool:
        return self.random.random() < self._rare
