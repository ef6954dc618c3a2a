"""Systems side by side on judged queries: rows for a table or a JSON file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from endcap.client import SearchClient
from endcap.evaluation.bootstrap import paired_interval
from endcap.evaluation.judgments import Judgments
from endcap.evaluation.metrics import JUDGED, MRR, NDCG, RECALL, Doubles, measure
from endcap.evaluation.systems import SYSTEMS, Asked, Searcher
from endcap.exceptions import EvaluationError
from endcap.tuning import Tuning

RERANK_NDCG = "rerank_ndcg@10"
COLUMNS = (NDCG, JUDGED, RECALL, MRR, RERANK_NDCG)
BASELINE = "lexical"
DIGITS = 4

Row = dict[str, Any]


@dataclass
class Runs:
    """What each system showed for each query, and how it ordered the judged products."""

    found: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    judged: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def search(
        self, searcher: Searcher, judgments: Judgments, tunings: Mapping[str, Tuning]
    ) -> None:
        """Search all queries of the judgments, each system by its own tuning."""
        for system, tuning in tunings.items():
            found, judged = self.found.setdefault(system, {}), self.judged.setdefault(system, {})
            for query, grades in judgments.grades.items():
                found[query] = searcher.rank(system, tuning, Asked(query))
                among = Asked(query, among=list(grades))
                judged[query] = searcher.rank(system, tuning, among, size=len(grades))

    def measure(self, system: str, judgments: Judgments) -> dict[str, Doubles]:
        """(queries,) of each of COLUMNS."""
        reordered = measure(self.judged[system], judgments)[NDCG]
        return {**measure(self.found[system], judgments), RERANK_NDCG: reordered}

    def rows(self, judgments: Judgments, split: str) -> list[Row]:
        """A row for each system, then one for each difference to the baseline, in NDCG@10."""
        values = {system: self.measure(system, judgments) for system in self.found}
        rows = [_row(system, split, values[system]) for system in values]
        ours = [system for system in values if system != BASELINE and BASELINE in values]
        return rows + [
            _difference(system, split, values[system][NDCG], values[BASELINE][NDCG])
            for system in reversed(ours)
        ]


def evaluate(
    client: SearchClient,
    index: str,
    judgments: Judgments,
    tuning: Tuning,
    *,
    baseline: Tuning | None = None,
    systems: Sequence[str] = SYSTEMS,
    split: str = "all",
) -> list[Row]:
    """Rows of each system with one tuning, and of the differences to the engine alone.

    baseline: the tuning of the system `lexical`, where it has its own boosts.
    """
    usable = require_usable(judgments)
    tunings = {system: tuning for system in systems}
    if baseline is not None and BASELINE in tunings:
        tunings[BASELINE] = baseline
    runs = Runs()
    runs.search(Searcher(client, index), usable, tunings)
    return runs.rows(usable, split)


def require_usable(judgments: Judgments) -> Judgments:
    """The judgments with a relevant product; EvaluationError if there are none."""
    if not len(usable := judgments.usable):
        raise EvaluationError(
            f"none of {len(judgments)} judged queries has a product with a grade above 0"
        )
    return usable


def _row(system: str, split: str, values: Mapping[str, Doubles]) -> Row:
    means = {name: round(float(values[name].mean()), DIGITS) for name in COLUMNS}
    return {"system": system, "split": split, "queries": len(values[NDCG]), **means}


def _difference(system: str, split: str, ours: Doubles, theirs: Doubles) -> Row:
    interval = paired_interval(ours, theirs)
    numbers = {name: round(value, DIGITS) for name, value in interval._asdict().items()}
    return {"system": f"{system}-{BASELINE}", "split": split, **numbers}
