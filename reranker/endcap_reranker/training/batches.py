"""Histories of one length together, so that little is padded."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Floats
from endcap_reranker.counting import slices
from endcap_reranker.interactions import Histories

POOL = 32  # batches whose histories are sorted by length together: what meets whom stays random


class Batch(NamedTuple):
    """b users, oldest events first, padded behind the last."""

    items: NDArray[np.int64]  # (b, l) codes, 0 where there is no event
    weights: Floats  # (b, l) of the actions, 0 where there is no event
    present: NDArray[np.bool_]  # (b, l)
    users: NDArray[np.int64]  # (b,)


def last_events(histories: Histories, longest: int) -> Histories:
    """The last `longest` events of each user."""
    ends = histories.indptr[1:]
    lengths = np.minimum(np.diff(histories.indptr), longest)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    positions = np.repeat(ends - lengths - indptr[:-1], lengths) + np.arange(indptr[-1])
    return Histories(indptr, histories.items[positions], histories.weights[positions])


def draw_batches(
    histories: Histories, shortest: int, events: int, random: np.random.Generator
) -> list[NDArray[np.int64]]:
    """The users of each batch of at most `events` padded events, in random order."""
    lengths = np.diff(histories.indptr)
    users = random.permutation(np.flatnonzero(lengths >= shortest))
    pool = max(1, POOL * events // max(1, int(lengths[users].mean()) if len(users) else 1))
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(users), pool):
        together = users[start : start + pool]
        together = together[np.argsort(lengths[together], kind="stable")]
        batches += cut(together, lengths[together], events)
    return [batches[place] for place in random.permutation(len(batches))]


def cut(
    users: NDArray[np.int64], lengths: NDArray[np.int64], events: int
) -> Iterator[NDArray[np.int64]]:
    """Users in ascending order of their lengths, in batches of at most `events` padded events."""
    start = 0
    while start < len(users):
        sizes = np.arange(1, len(users) - start + 1) * np.maximum(lengths[start:], 1)
        end = start + max(1, int(np.searchsorted(sizes, events, side="right")))
        yield users[start:end]
        start = end


def pad(histories: Histories, users: NDArray[np.int64]) -> Batch:
    """The batch of these users."""
    positions, lengths = slices(histories.indptr, users)
    longest = max(int(lengths.max(initial=0)), 1)
    present = np.arange(longest) < lengths[:, np.newaxis]
    items = np.zeros(present.shape, np.int64)
    weights = np.zeros(present.shape, np.float32)
    items[present] = histories.items[positions]
    weights[present] = histories.weights[positions]
    return Batch(items, weights, present, users)
