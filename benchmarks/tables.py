"""In which numbers the products' vectors of a model are kept: what it costs, and what it loses.

The model is protocol A's default one, and so are the questions: each user's last product, ranked
among all outside of the history. A search gathers the rows of its candidates and scores them.
"""

import one_thread  # isort: skip  # noqa: F401 - before numpy
import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Protocol

import numpy as np
from columns import Floats, Rows
from numpy.typing import NDArray
from options import parser, run
from ranks import averages
from rich.console import Console
from shop import live_generation, open_shop
from user_models import Questions, Ranker, Trainer

from endcap.evaluation.comparison import Row
from endcap_indexer.vectors import StoredVectors
from endcap_reranker.models import UserItemModel
from endcap_reranker.training import TrainingConfiguration

EPOCHS = TrainingConfiguration().epochs
LIMIT = 5000  # questions
CANDIDATES = (200, 500)
RUNS = 2000
DEPTH = 10


class Table(Protocol):
    """(n, d) by row."""

    @property
    def bytes(self) -> int: ...

    def vectors(self, rows: Rows) -> Floats: ...


@dataclass(frozen=True)
class Float32:
    values: Floats

    @classmethod
    def of(cls, vectors: Floats) -> "Float32":
        return cls(vectors)

    @property
    def bytes(self) -> int:
        return self.values.nbytes

    def vectors(self, rows: Rows) -> Floats:
        return self.values[rows]


@dataclass(frozen=True)
class Float16:
    """As a store keeps them: divided by the length of the longest."""

    stored: StoredVectors
    scale: np.float32

    @classmethod
    def of(cls, vectors: Floats) -> "Float16":
        scale = np.float32(np.nanmax(np.linalg.norm(vectors, axis=1)))
        return cls(StoredVectors((vectors / scale).astype(np.float16)), scale)

    @property
    def bytes(self) -> int:
        return self.stored.stored.nbytes

    def vectors(self, rows: Rows) -> Floats:
        return self.stored.vectors(rows) * self.scale


@dataclass(frozen=True)
class Int8:
    """Each row divided by its own largest number, which is kept beside."""

    values: NDArray[np.int8]
    scales: Floats

    @classmethod
    def of(cls, vectors: Floats) -> "Int8":
        scales = np.abs(np.nan_to_num(vectors)).max(axis=1, keepdims=True) / np.float32(127)
        values = np.rint(np.nan_to_num(vectors) / np.maximum(scales, 1e-12))
        return cls(values.astype(np.int8), np.where(np.isnan(vectors[:, :1]), np.nan, scales))

    @property
    def bytes(self) -> int:
        return self.values.nbytes + self.scales.nbytes

    def vectors(self, rows: Rows) -> Floats:
        return self.values[rows].astype(np.float32) * self.scales[rows]


TABLES = {"float32": Float32, "float16": Float16, "int8": Int8}


def main(arguments: list[str] | None = None) -> None:
    made = parser(__doc__)
    made.add_argument("--epochs", type=int, default=EPOCHS, help="of the model at most")
    made.add_argument("--limit", type=int, default=LIMIT, help="questions")
    run(made.parse_args(arguments), measure)


def measure(options: argparse.Namespace, console: Console) -> list[Row]:
    shop = open_shop(options.data, options.store, options.model, console)
    interactions = shop.folder.events(console).interactions
    with shop.open() as client:
        generation = live_generation(client, shop.store)
    trainer = Trainer.of_known(shop.store, generation, interactions, options.epochs, console)
    model = trainer.train(trainer.configure()).model
    questions = Questions.last(interactions, generation, options.limit)
    exact = Ranker.over(model, generation).table
    tables: Mapping[str, Table] = {name: kind.of(exact) for name, kind in TABLES.items()}
    return [_row(name, table, model, exact, questions) for name, table in tables.items()]


def _row(name: str, table: Table, model: UserItemModel, exact: Floats, questions: Questions) -> Row:
    kept = table.vectors(np.arange(len(exact)))
    ranker = Ranker(model, kept)
    return {
        "table": name,
        "bytes_of_product": round(table.bytes / len(exact), 1),
        **averages(ranker.ranks(questions)),
        "overlap@10": round(_overlap(model, exact, kept), 4),
        **{f"p50_ms_{n}": round(_median(table, model, len(exact), n), 4) for n in CANDIDATES},
        "searches": len(questions),
    }


def _overlap(model: UserItemModel, exact: Floats, kept: Floats) -> float:
    """How many of the first ten of exact scores are among the first ten, for random shoppers."""
    random = np.random.default_rng(0)
    shares = []
    for _ in range(RUNS // 10):
        past = random.integers(0, len(exact), 10)
        first, found = (
            set(np.argsort(-model.score(model.shopper_state(vectors[past]), vectors))[:DEPTH])
            for vectors in (exact, kept)
        )
        shares.append(len(first & found) / DEPTH)
    return float(np.mean(shares))


def _median(table: Table, model: UserItemModel, products: int, n: int) -> float:
    """Milliseconds of gathering and scoring n candidates."""
    random = np.random.default_rng(0)
    state = model.shopper_state(table.vectors(random.integers(0, products, 10)))
    took = []
    for _ in range(RUNS):
        rows = random.integers(0, products, n)
        started = perf_counter()
        model.score(state, table.vectors(rows))
        took.append((perf_counter() - started) * 1000)
    return float(np.median(took))


if __name__ == "__main__":
    main()
