"""The re-ranker's columns without an engine: any rows of the catalogue as the candidates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.generations import Generation
from endcap_reranker import (
    Blend,
    Candidates,
    Cooccurrence,
    CooccurrenceColumn,
    HistoryColumn,
    Interactions,
    PopularityColumn,
    Scorer,
    Shopper,
    TextColumn,
)

COLUMNS = ("popularity", "cooccurrence", "history")
TEXT = "text"

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Columns:
    """popularity, cooccurrence, history and text over one generation, from what was counted."""

    generation: Generation
    scorers: Mapping[str, Scorer]

    @classmethod
    def count(cls, generation: Generation, interactions: Interactions) -> "Columns":
        return cls(generation, cls.of_counted(generation, Cooccurrence.count(interactions)))

    @staticmethod
    def of_counted(generation: Generation, counted: Cooccurrence) -> dict[str, Scorer]:
        """The columns by name, as a search makes them."""
        codes = counted.codes(generation.ids(np.arange(len(generation))))
        counts = np.where(codes >= 0, counted.popularity[codes], np.float32(np.nan))
        scorers: tuple[Scorer, ...] = (
            PopularityColumn(counts.astype(np.float32)),
            CooccurrenceColumn(counted, codes),
            HistoryColumn(),
            TextColumn(),
        )
        return {scorer.name: scorer for scorer in scorers}

    def also(self, scorer: Scorer) -> "Columns":
        """With one column more."""
        return replace(self, scorers={**self.scorers, scorer.name: scorer})

    @cached_property
    def every(self) -> Rows:
        return np.arange(len(self.generation), dtype=np.int64)

    def rows(self, ids: Sequence[str]) -> Rows:
        """Of the products that the catalogue has."""
        rows = self.generation.rows(ids)
        return rows[rows >= 0]

    def of(
        self,
        rows: Rows,
        history: Sequence[str],
        names: Sequence[str],
        query: Floats | None = None,
    ) -> dict[str, Floats]:
        """(rows,) each, for a shopper with this history, oldest first. query: (d,) unit."""
        vectors = self.generation.index.vectors
        past = self.generation.rows(history[::-1])
        shopper = Shopper(past, np.ones(len(past), np.float32), vectors(past))
        silent = np.full(len(rows), np.nan, np.float32)
        found = self._vectors if rows is self.every else vectors(rows)
        candidates = Candidates(rows, silent, query, found, {}, shopper)
        return {name: self.scorers[name].score(candidates) for name in names}

    def scores(
        self,
        rows: Rows,
        history: Sequence[str],
        weights: Mapping[str, float],
        query: Floats | None = None,
    ) -> Doubles:
        """(rows,) the blend of the columns that have a weight."""
        names = [name for name, weight in weights.items() if weight > 0]
        parts = Blend(weights).contributions(self.of(rows, history, names, query))
        total: Any = sum(parts.values(), np.zeros(len(rows)))
        return np.asarray(total, np.float64)

    @cached_property
    def _vectors(self) -> Floats:
        return self.generation.index.vectors(self.every)
