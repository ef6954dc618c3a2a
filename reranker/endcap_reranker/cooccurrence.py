"""What is chosen together: item-to-item neighbours and popularity, counted from events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Codes, Floats
from endcap_reranker.counting import (
    HALF_LIFE,
    Neighbours,
    count_neighbours,
    count_popularity,
    slices,
)
from endcap_reranker.exceptions import ArtefactError
from endcap_reranker.ids import find_codes, from_tensor, to_tensor
from endcap_reranker.interactions import Interactions

FORMAT = 1
FAINT = 0.01  # an event that counts less, beside the strongest, is not looked at
LOW_BITS = 0xFFFF
TENSORS: Mapping[str, tuple[type[np.generic], int]] = {
    "format": (np.int64, 1),
    "item_ids": (np.uint8, 2),
    "indptr": (np.int64, 1),
    "neighbours": (np.int32, 1),
    "values": (np.float32, 1),
    "popularity": (np.float32, 1),
    "decay": (np.float32, 1),
}


@dataclass(frozen=True, eq=False)
class Cooccurrence:
    """m items, their neighbours nearest first, and how often each was chosen.

    item_ids: (m,) UTF-8 in ascending order. popularity: (m,) weighted counts. decay: what an
    event counts per step back in the history.
    """

    item_ids: NDArray[np.bytes_]
    neighbours: Neighbours
    popularity: Floats
    decay: float

    @classmethod
    def count(
        cls,
        interactions: Interactions,
        *,
        top: int = 200,
        shrink: float = 10.0,
        decay: float = 0.8,
        longest: int = 100,
        half_life: float = HALF_LIFE,
    ) -> "Cooccurrence":
        """Count the neighbours (see count_neighbours); half_life: of the popularity, in days."""
        return cls(
            interactions.item_ids,
            count_neighbours(interactions, top, shrink, longest),
            count_popularity(interactions, half_life),
            decay,
        )

    def codes(self, ids: Sequence[str]) -> Codes:
        """(n,) the item of each id, -1 for an id without events."""
        return find_codes(self.item_ids, ids)

    def score(self, history: Codes, weights: Floats, candidates: Codes) -> Floats:
        """(n,) `sum(weight · decay^steps · similarity)` over the events of the history.

        history: (k,) most recent first, -1 unknown. nan: no known event, or no such item.
        """
        events, strengths = self._strengths(history, weights)
        if not len(events):
            return np.full(len(candidates), np.nan, np.float32)
        wanted, place = np.unique(candidates, return_inverse=True)
        positions, lengths = slices(self.neighbours.indptr, events)
        others = self.neighbours.items[positions]
        # Most neighbours are no candidates: a look at their low bits spares the binary search.
        marked = np.zeros(LOW_BITS + 1, bool)
        marked[wanted & LOW_BITS] = True
        likely = np.flatnonzero(marked[others & LOW_BITS])
        found = np.searchsorted(wanted[:-1], others[likely])
        likely = likely[hits := wanted[found] == others[likely]]
        event = np.searchsorted(np.cumsum(lengths), likely, side="right")
        values = self.neighbours.values[positions[likely]] * strengths[event]
        sums = np.bincount(found[hits], values, len(wanted)).astype(np.float32)
        return np.where(candidates < 0, np.float32(np.nan), sums[place])

    def score_all(self, history: Codes, weights: Floats) -> Floats:
        """(m,) the same for every item."""
        events, strengths = self._strengths(history, weights)
        if not len(events):
            return np.full(len(self.item_ids), np.nan, np.float32)
        positions, lengths = slices(self.neighbours.indptr, events)
        values = self.neighbours.values[positions] * np.repeat(strengths, lengths)
        sums = np.bincount(self.neighbours.items[positions], values, len(self.item_ids))
        return sums.astype(np.float32)

    def nearest(self, history: Codes, weights: Floats, k: int) -> Codes:
        """At most k items that `score` most, best first; none without a known event."""
        events, strengths = self._strengths(history, weights)
        positions, lengths = slices(self.neighbours.indptr, events)
        values = self.neighbours.values[positions] * np.repeat(strengths, lengths)
        items, place = np.unique(self.neighbours.items[positions], return_inverse=True)
        sums = np.bincount(place, values, len(items))
        return items[np.argsort(-sums, kind="stable")[:k]]

    def _strengths(self, history: Codes, weights: Floats) -> tuple[Codes, Floats]:
        """The known events, less the faintest, and what each counts."""
        known = history >= 0
        steps = np.arange(np.count_nonzero(known), dtype=np.float32)
        strengths = weights[known] * np.float32(self.decay) ** steps
        felt = strengths > FAINT * strengths.max(initial=0.0)
        return history[known][felt], strengths[felt]

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Plain arrays, as `from_tensors` reads them."""
        return {
            "format": np.array([FORMAT], np.int64),
            "item_ids": to_tensor(self.item_ids),
            "indptr": self.neighbours.indptr,
            "neighbours": self.neighbours.items,
            "values": self.neighbours.values,
            "popularity": self.popularity,
            "decay": np.array([self.decay], np.float32),
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[Any]]) -> "Cooccurrence":
        """The counts in these arrays, which are not copied; raises ArtefactError."""
        plain = _checked(tensors)
        return cls(
            from_tensor(plain["item_ids"]),
            Neighbours(plain["indptr"], plain["neighbours"], plain["values"]),
            plain["popularity"],
            float(plain["decay"][0]),
        )


def _checked(tensors: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The tensors without their memory map's slower type."""
    missing = sorted(TENSORS.keys() - tensors.keys())
    if missing:
        raise ArtefactError(f"the co-occurrence lacks {', '.join(missing)}")
    plain = {name: np.asarray(tensors[name]) for name in TENSORS}
    if int(plain["format"].flat[0]) != FORMAT:
        found = plain["format"].flat[0]
        raise ArtefactError(f"the co-occurrence has format {found}, this version reads {FORMAT}")
    for name, (dtype, dimensions) in TENSORS.items():
        if plain[name].dtype != dtype or plain[name].ndim != dimensions:
            raise ArtefactError(f"{name} must be {np.dtype(dtype)} with {dimensions} dimensions")
    items, indptr = len(plain["item_ids"]), plain["indptr"]
    if not len(indptr) - 1 == len(plain["popularity"]) == items:
        raise ArtefactError("item_ids, indptr and popularity are not of the same items")
    if not indptr[-1] == len(plain["neighbours"]) == len(plain["values"]):
        raise ArtefactError("neighbours and values do not end where indptr says")
    return plain
