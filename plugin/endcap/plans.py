"""What one search goes by: the request's own options, the client's settings, the tuning."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from endcap.configuration import SearchSettings
from endcap.requests import Options
from endcap.tuning import Tuning

RECALL_SHARE = 0.8  # of a budget: what orders the candidates takes the rest, a few milliseconds
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """window: hits of each leg. weights: of the columns. recall_deadline, deadline: in
    `time.monotonic` seconds, after which legs, and what orders their finds, are left behind.
    """

    window: int
    recall: str
    fusion: str
    floor: float
    weights: Mapping[str, float]
    recall_deadline: float | None
    deadline: float | None


@dataclass(frozen=True, slots=True)
class Budget:
    """began, seconds: when it began, in `time.monotonic` seconds, and how long it lasts."""

    began: float
    seconds: float

    def until(self, share: float) -> float:
        """When a share of it is spent."""
        return self.began + share * self.seconds


def begin_budget(options: Options, settings: SearchSettings) -> Budget | None:
    """The budget of a search that begins now; None: late stages are waited for."""
    budget_ms = _first(options.budget_ms, settings.budget_ms)
    return None if budget_ms is None else Budget(time.monotonic(), budget_ms / 1000)


def make_plan(
    options: Options, settings: SearchSettings, tuning: Tuning, budget: Budget | None
) -> Plan:
    """What is asked for first wins."""
    return Plan(
        window=_first(options.window, settings.window),
        recall=_first(options.recall, settings.recall),
        fusion=_first(options.fusion, settings.fusion),
        floor=_first(options.floor, tuning.floor),
        weights=_first(options.weights, tuning.weights if options.rerank else tuning.fusion),
        recall_deadline=None if budget is None else budget.until(RECALL_SHARE),
        deadline=None if budget is None else budget.until(1),
    )


def _first(asked: T | None, otherwise: T) -> T:
    return otherwise if asked is None else asked
