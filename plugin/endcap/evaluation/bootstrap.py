"""How sure a difference is: the paired bootstrap over queries."""

from typing import NamedTuple

import numpy as np

from endcap.evaluation.metrics import Doubles

RESAMPLES = 10_000
BLOCK = 500  # resamples drawn at once


class Interval(NamedTuple):
    """A mean difference, and between which values it lies."""

    difference: float
    low: float
    high: float


def paired_interval(
    ours: Doubles, theirs: Doubles, *, level: float = 0.95, seed: int = 0
) -> Interval:
    """The percentile interval of the mean of `ours - theirs`, both (queries,) on the same queries.

    Queries are drawn with replacement, each with both of its values (Efron and Tibshirani, 1993,
    chapter 13).
    """
    differences = np.asarray(ours, np.float64) - np.asarray(theirs, np.float64)
    random = np.random.default_rng(seed)
    size = (BLOCK, len(differences))
    means = np.concatenate(
        [
            differences[random.integers(0, len(differences), size)].mean(axis=1)
            for _ in range(RESAMPLES // BLOCK)
        ]
    )
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(differences.mean()), float(low), float(high))
