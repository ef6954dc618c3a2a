"""The systems that are compared, each a search through the public client.

| system | the request |
| --- | --- |
| lexical | `endcap=False`: the engine's own answer to the catalogue's query |
| vector | the vector leg alone, without a floor |
| fused | both legs, by the weights of the fusion |
| popularity | both legs, by popularity alone |
| reranked | what a shop's search answers |
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from endcap.client import SearchClient
from endcap.conditions import Query
from endcap.exceptions import EvaluationError
from endcap.opening import NO_ROWS
from endcap.tuning import Tuning
from endcap_reranker import Search

SYSTEMS = ("lexical", "vector", "fused", "reranked")
DEPTH = 100
WINDOW = 200
NO_FLOOR = -1.0  # below every cosine

Options = dict[str, Any]


@dataclass(frozen=True)
class Explained:
    """Candidates in the order of the answer, with what each column said of them."""

    ids: list[str]
    columns: dict[str, Any]  # name → (n,) float32, nan: no opinion

    def graded(self, grades: Mapping[str, int]) -> Search:
        """What `endcap_reranker.fit` reads: the columns with the candidates' grades."""
        known = np.array([grades.get(id, 0) for id in self.ids], np.float32)
        shown = set(self.ids)
        missed = [grade for id, grade in grades.items() if id not in shown]
        return Search(self.columns, known, np.array(missed, np.float32))


class Asked(NamedTuple):
    """What one search asks for.

    history: the shopper's products, oldest first. hidden: products that are not to be shown. among:
    the only ones that are, each of them whatever the text says; None: all.
    """

    text: str
    history: Sequence[str] = ()
    hidden: Sequence[str] = ()
    among: Sequence[str] | None = None


@dataclass(frozen=True)
class Searcher:
    """One index, seen through the public client."""

    client: SearchClient
    index: str
    window: int = WINDOW

    def boosts(self) -> dict[str, float]:
        """The boosts that the catalogue itself names, before any tuning, by field of the engine."""
        ((_, index),) = self.client.indices.get_mapping(index=self.index).items()
        fields = index["mappings"]["_meta"]["endcap"]["text_fields"]
        parted = (field.rpartition("^") for field in fields)
        return {name: float(boost) for name, _, boost in parted}

    def rank(self, system: str, tuning: Tuning, asked: Asked, *, size: int = DEPTH) -> list[str]:
        """The products that a system shows, best first."""
        answer = self._search(asked, tuning, size, self._options(system, tuning))
        return [hit["_id"] for hit in answer["hits"]["hits"]]

    def explain(self, tuning: Tuning, asked: Asked) -> Explained:
        """Every candidate of a shop's search."""
        options = {**(self._options("reranked", tuning) or {}), "explain": True}
        size = 3 * self.window if asked.among is None else len(asked.among)
        answer = self._search(asked, tuning, size, options)
        said = answer["ext"]["endcap"]["explanations"]
        names = said[0]["columns"] if said else {}
        columns = {
            name: np.array([each["columns"][name] for each in said], np.float32) for name in names
        }  # None becomes nan
        return Explained([each["_id"] for each in said], columns)

    def _options(self, system: str, tuning: Tuning) -> Options | None:
        """What `ext.endcap` says for a system; None: the plain client's search."""
        floor = tuning.floor
        options: dict[str, Options | None] = {
            "lexical": None,
            "vector": {"recall": "vector", "weights": {"text": 1.0}, "floor": NO_FLOOR},
            "admitted": {"recall": "vector", "weights": {"text": 1.0}, "floor": floor},
            "fused": {"rerank": False, "weights": dict(tuning.fusion), "floor": floor},
            "popularity": {"weights": {"popularity": 1.0}, "floor": floor},
            "reranked": {"weights": dict(tuning.weights), "floor": floor},
        }
        if system not in options:
            raise EvaluationError(f"system {system!r} is unknown; known are {', '.join(options)}")
        return options[system]

    def _search(
        self, asked: Asked, tuning: Tuning, size: int, options: Options | None
    ) -> dict[str, Any]:
        body = {"query": self._query(asked, tuning), "size": size, "_source": False}
        if options is None:
            plain: dict[str, Any] = self.client.search(body=body, index=self.index, endcap=False)
            return plain
        options = {"window": self.window, **options}
        if asked.history:
            options["history"] = list(asked.history)
        if asked.among is not None:
            window = max(self.window, len(asked.among))
            options |= {"recall": "lexical", "floor": NO_FLOOR, "window": window}
        body["ext"] = {"endcap": options}
        answer: dict[str, Any] = self.client.search(body=body, index=self.index)
        said = answer["ext"]["endcap"]
        if not said["applied"] or said["reason"] not in (None, NO_ROWS):  # slower, not less
            raise EvaluationError(f"{asked.text!r} was not searched as asked: {said['reason']}")
        return answer

    def _query(self, asked: Asked, tuning: Tuning) -> Query:
        """The catalogue's own query with the tuning's boosts, under the conditions."""
        text = self._text_query(asked.text, tuning.boosts)
        if asked.among is not None:
            among = {"ids": {"values": list(asked.among)}}
            return {"bool": {"filter": [among], "should": [text]}}
        if asked.hidden:
            hidden = {"ids": {"values": list(asked.hidden)}}
            return {"bool": {"must": [text], "must_not": [hidden]}}
        return text

    def _text_query(self, text: str, boosts: Mapping[str, float]) -> Query:
        query = dict(self.client.text_query(text, index=self.index)["multi_match"])
        if boosts:
            query["fields"] = [f"{name}^{boost:g}" for name, boost in boosts.items()]
        return {"multi_match": query}
