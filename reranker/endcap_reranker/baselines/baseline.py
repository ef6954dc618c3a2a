"""What a baseline is."""

from typing import Protocol

from endcap_reranker.arrays import Floats
from endcap_reranker.interactions import Interactions
from endcap_reranker.ranking import Cases


class Baseline(Protocol):
    """Scores of all m items for many histories."""

    def __init__(self, interactions: Interactions, text: Floats) -> None:
        """text: (m, t) unit vectors of the items, nan: not known."""
        ...

    def score(self, cases: Cases) -> Floats:
        """(n, m), more is better; nan: no opinion."""
        ...
