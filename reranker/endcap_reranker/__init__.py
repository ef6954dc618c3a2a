"""Events in, model out; candidates in, order out. Arrays only: this package opens no file."""

from endcap_reranker.blend import Blend
from endcap_reranker.calibration import by_best, by_rank
from endcap_reranker.candidates import Candidates, Reranked, Scorer, Shopper
from endcap_reranker.columns import (
    CooccurrenceColumn,
    HistoryColumn,
    LexicalColumn,
    ModelColumn,
    PopularityColumn,
    TextColumn,
)
from endcap_reranker.cooccurrence import Cooccurrence
from endcap_reranker.event_log import BOTS_PER_HOUR, Identify
from endcap_reranker.events import ACTION_WEIGHTS, OURS, BadEvent
from endcap_reranker.exceptions import (
    ArtefactError,
    ColumnError,
    FittingError,
    InteractionsError,
    ModelError,
    RerankerError,
    ShapeError,
)
from endcap_reranker.fitting import Fitted, Search, fit
from endcap_reranker.interactions import Histories, Interactions
from endcap_reranker.reranker import Reranker, order_by, score_column

__all__ = [
    "ACTION_WEIGHTS",
    "ArtefactError",
    "BOTS_PER_HOUR",
    "BadEvent",
    "Blend",
    "Candidates",
    "ColumnError",
    "Cooccurrence",
    "CooccurrenceColumn",
    "Fitted",
    "FittingError",
    "Histories",
    "HistoryColumn",
    "Identify",
    "Interactions",
    "InteractionsError",
    "LexicalColumn",
    "ModelColumn",
    "ModelError",
    "OURS",
    "PopularityColumn",
    "Reranked",
    "Reranker",
    "RerankerError",
    "Scorer",
    "Search",
    "ShapeError",
    "Shopper",
    "TextColumn",
    "by_best",
    "by_rank",
    "fit",
    "order_by",
    "score_column",
]
