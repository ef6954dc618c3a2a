"""What one search goes by: the request's own options, the client's settings, the tuning."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from endcap.configuration import SearchSettings
from endcap.requests import Options
from endcap.tuning import Tuning

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """window: hits of each leg. deadline: in `time.monotonic` seconds. weights: of the columns."""

    window: int
    recall: str
    fusion: str
    floor: float
    weights: Mapping[str, float]
    deadline: float | None


def make_plan(options: Options, settings: SearchSettings, tuning: Tuning) -> Plan:
    """What is asked for first wins."""
    budget_ms = _first(options.budget_ms, settings.budget_ms)
    return Plan(
        window=_first(options.window, settings.window),
        recall=_first(options.recall, settings.recall),
        fusion=_first(options.fusion, settings.fusion),
        floor=_first(options.floor, tuning.floor),
        weights=_first(options.weights, tuning.weights if options.rerank else tuning.fusion),
        deadline=None if budget_ms is None else time.monotonic() + budget_ms / 1000,
    )


def _first(asked: T | None, otherwise: T) -> T:
    return otherwise if asked is None else asked
