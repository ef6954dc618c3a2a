"""Protocol A's user-item models: what each choice is worth, without the full grid.

First each loss with the default encoder, then each encoder with the best loss, then each loss and
each interaction with the best encoder, then the best of all by other seeds and without text. Which
is best is what the validation says: the last products are asked for at the end only. Of those that
are no more than a standard error below the highest it is the one that was measured first, and what
is best so far is measured before the other choices (the rule of Breiman et al., 1984): so a dear
loss is taken for all encoders only where it is clearly worth it.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from ranks import averages
from user_models import DOT, Questions, Ranker, Trainer

from endcap.evaluation.comparison import Row
from endcap_reranker.models import ENCODERS, INTERACTIONS, ModelConfiguration
from endcap_reranker.training import LOSSES

SAMPLED = "sampled-softmax"


@dataclass(frozen=True)
class Validated:
    """NDCG@10 of so many cases. error: its standard error at most, as a gain is from 0 to 1 and so
    has a variance of m (1 - m) or less.
    """

    ndcg: float
    cases: int

    @property
    def error(self) -> float:
        return math.sqrt(self.ndcg * (1 - self.ndcg) / self.cases)


@dataclass
class Comparison:
    """Trains and measures one configuration after another, each once."""

    trainer: Trainer
    questions: Questions
    validated: dict[ModelConfiguration, Validated] = field(default_factory=dict)  # as measured

    def rows(self, seeds: int) -> Iterator[tuple[ModelConfiguration, Row]]:
        """Of every choice, then of the best one by every other seed, and without text."""
        default = self.trainer.configure()
        yield from self._each(default, "loss", LOSSES)
        yield from self._each(self.best(), "encoder", ENCODERS)
        yield from self._each(self.best(), "loss", LOSSES)
        yield from self._each(self.best(), "interaction", INTERACTIONS)
        best = self.best()
        yield from ((best, self._row(best, seed)) for seed in range(1, seeds))
        if best.text_dimension:
            blind = replace(best, text_dimension=0)
            yield blind, self._row(blind, 0)

    def best(self) -> ModelConfiguration:
        highest = max(self.validated.values(), key=lambda each: each.ndcg)
        return next(
            configuration
            for configuration, found in self.validated.items()
            if highest.ndcg - found.ndcg <= math.hypot(highest.error, found.error)
        )

    def _each(
        self, configuration: ModelConfiguration, choice: str, names: Sequence[str]
    ) -> Iterator[tuple[ModelConfiguration, Row]]:
        for name in sorted(names, key=lambda name: name != getattr(configuration, choice)):
            changed = replace(configuration, **{choice: name})
            if changed.interaction != DOT and not LOSSES[changed.loss].samples:
                changed = replace(changed, loss=SAMPLED)  # of all pairs there are too many
            if changed not in self.validated:
                row = self._row(changed, 0)
                self.validated[changed] = Validated(row["validation"], row["validation cases"])
                yield changed, row

    def _row(self, configuration: ModelConfiguration, seed: int) -> Row:
        started = time.perf_counter()
        model, record = self.trainer.train(configuration, seed=seed)
        ranker = Ranker.over(model, self.trainer.generation)
        return {
            "system": name_of(configuration),
            "candidates": "all",
            "seed": seed,
            **averages(ranker.ranks(self.questions)),
            "validation": round(record["validation"]["ndcg@10"], 4),
            "validation cases": record["validation"]["cases"],
            "epochs": record["best_epoch"],
            "training_seconds": round(record["seconds"], 3),
            "searches": len(self.questions),
            "seconds": round(time.perf_counter() - started, 1),
        }


def name_of(configuration: ModelConfiguration) -> str:
    """Its three choices."""
    choices = (configuration.encoder, configuration.interaction, configuration.loss)
    return ", ".join(choices if configuration.text_dimension else (*choices, "no text"))


def spread(rows: Sequence[Row]) -> Row:
    """The mean of one system's seeds, and their standard deviation."""
    found: Row = {"system": rows[0]["system"], "candidates": "all", "seed": "mean"}
    for name in ("hr@10", "ndcg@10", "mrr"):
        values = [row[name] for row in rows]
        found[name] = round(float(np.mean(values)), 4)
        found[f"{name} sd"] = round(float(np.std(values, ddof=1)), 4)
    return found
