"""What a search is worth, and the configuration that makes it worth most."""

from endcap.evaluation.bootstrap import Interval, paired_interval
from endcap.evaluation.comparison import Row, evaluate
from endcap.evaluation.judgments import Judgments
from endcap.evaluation.metrics import measure
from endcap.evaluation.shoppers import TunedOnEvents, Unaware, tune_on_events
from endcap.evaluation.tune import Tuned, Tuner

__all__ = [
    "Interval",
    "Judgments",
    "Row",
    "Tuned",
    "Tuner",
    "evaluate",
    "TunedOnEvents",
    "Unaware",
    "measure",
    "paired_interval",
    "tune_on_events",
]
