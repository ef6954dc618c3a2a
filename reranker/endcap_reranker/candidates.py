"""What is re-ranked, for whom, and what comes out: arrays aligned on the candidates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Doubles, Floats, Rows, check
from endcap_reranker.exceptions import ShapeError


@dataclass(frozen=True, eq=False)
class Shopper:
    """The last events of one shopper, most recent first; raises ShapeError.

    rows: (k,) rows of the catalogue, -1 unknown. weights: (k,) of the actions, finite and not
    negative. vectors: (k, d) unit rows, nan where the row is unknown. key: the keyed hash, where
    somebody is known by one.
    """

    rows: Rows
    weights: Floats
    vectors: Floats
    key: bytes | None = None

    def __post_init__(self) -> None:
        check("shopper.rows", self.rows, np.int64, None)
        check("shopper.weights", self.weights, np.float32, len(self.rows))
        check("shopper.vectors", self.vectors, np.float32, len(self.rows), None)
        if not np.isfinite(self.weights).all() or (self.weights < 0).any():
            raise ShapeError("shopper.weights must be finite and not negative")


@dataclass(frozen=True, eq=False)
class Candidates:
    """n products of one search, in the order recall found them; raises ShapeError.

    rows: (n,) rows of the catalogue, -1 unknown. lexical: (n,) raw BM25, 0 where the query does
    not match, nan where nobody knows. query_vector: (d,) unit. vectors: (n, d) unit rows, nan
    where the row is unknown. product_columns: (n,) each.
    """

    rows: Rows
    lexical: Floats
    query_vector: Floats | None
    vectors: Floats
    product_columns: Mapping[str, Floats] = field(default_factory=dict)
    shopper: Shopper | None = None

    def __post_init__(self) -> None:
        check("rows", self.rows, np.int64, None)
        check("lexical", self.lexical, np.float32, len(self.rows))
        check("vectors", self.vectors, np.float32, len(self.rows), None)
        dimension = self.vectors.shape[1]
        if self.query_vector is not None:
            check("query_vector", self.query_vector, np.float32, dimension)
        for name, column in self.product_columns.items():
            check(f"product_columns[{name!r}]", column, np.float32, len(self.rows))
        if self.shopper is not None:
            events = len(self.shopper.rows)
            check("shopper.vectors", self.shopper.vectors, np.float32, events, dimension)

    def __len__(self) -> int:
        return len(self.rows)


class Scorer(Protocol):
    """One column of evidence."""

    @property
    def name(self) -> str: ...

    def score(self, candidates: Candidates) -> Floats:
        """(n,) aligned with the candidates, about 0 to 1, more is better; nan: no opinion."""
        ...


class Reranked(NamedTuple):
    """An order and its reasons; every array but `order` is aligned with the candidates."""

    order: NDArray[np.intp]  # (n,) positions, best first
    scores: Floats  # (n,)
    columns: dict[str, Floats]  # what each scorer said, nan where it said nothing
    contributions: dict[str, Doubles]  # these sum to the score
