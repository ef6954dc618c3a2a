"""Which items are chosen by the same users: counted in blocks of items, so memory is bounded."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Codes, Doubles, Floats
from endcap_reranker.interactions import Histories, Interactions

PAIRS = 2_000_000  # of one block: about 200 MB while it is sorted
DAY = 86_400.0
HALF_LIFE = 90.0  # days

Indptr = NDArray[np.int64]


class Neighbours(NamedTuple):
    """The neighbours of item i, nearest first, are `items[indptr[i]:indptr[i + 1]]`."""

    indptr: Indptr  # (m + 1,)
    items: Codes
    values: Floats


def slices(indptr: Indptr, chosen: NDArray[np.integer]) -> tuple[NDArray[np.int64], Indptr]:
    """Positions of the chosen slices of a CSR array, one after the other, and their lengths."""
    starts = indptr[chosen]
    lengths = indptr[chosen + 1] - starts
    offsets = np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    return offsets + np.arange(len(offsets)), lengths


def count_popularity(interactions: Interactions, half_life: float = HALF_LIFE) -> Floats:
    """(m,) sums of weights, where an event `half_life` days before the last counts half.

    Without times each event counts half of the same user's next one: what was chosen last is the
    nearest there is to what is chosen now.
    """
    age = _steps(interactions) if interactions.times is None else _days(interactions) / half_life
    weights = interactions.weights.astype(np.float64) * 0.5**age
    counts = np.bincount(interactions.items, weights, len(interactions.item_ids))
    return counts.astype(np.float32)


def _steps(interactions: Interactions) -> NDArray[np.int64]:
    """(n,) how many events of the same user came after."""
    ends = interactions.histories().indptr[1:]
    return ends[interactions.users] - 1 - np.arange(len(interactions))


def _days(interactions: Interactions) -> NDArray[np.float64]:
    """(n,) how long before the last event of all."""
    assert interactions.times is not None
    days: Doubles = (interactions.times.max(initial=-np.inf) - interactions.times) / DAY
    return days


def count_neighbours(
    interactions: Interactions, top: int, shrink: float, longest: int
) -> Neighbours:
    """The `top` nearest items by `sum(w_ui w_uj) / (|i| |j| + shrink)`, |i|² = sum(w_ui²).

    ItemKNN with the shrunk cosine (Sarwar et al., WWW 2001; Ferrari Dacrema et al., RecSys 2019).
    An item counts once per user, with its heaviest action; of a user the last `longest` items.
    """
    histories = _distinct(interactions, longest)
    n_items = len(interactions.item_ids)
    norms = np.sqrt(np.bincount(histories.items, histories.weights.astype(float) ** 2, n_items))
    counts = np.zeros(n_items, np.int64)
    neighbours = [np.empty(0, np.int32)]
    values = [np.empty(0, np.float32)]
    for items, others, sums in _blocks(histories, n_items):
        similar = sums / (norms[items] * norms[others] + shrink)
        order = np.lexsort((-similar, items))  # stable: equal ones stay in the order of items
        items = items[order]
        nearest = np.arange(len(items)) - np.searchsorted(items, items) < top
        counts += np.bincount(items[nearest], minlength=n_items)
        order = order[nearest]
        neighbours.append(others[order].astype(np.int32))
        values.append(similar[order].astype(np.float32))
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return Neighbours(indptr, np.concatenate(neighbours), np.concatenate(values))


def _distinct(interactions: Interactions, longest: int) -> Histories:
    """Each user's distinct items in the order of their last event, at most the last `longest`."""
    histories = interactions.histories()
    keys = interactions.users.astype(np.int64) * len(interactions.item_ids) + histories.items
    order = np.argsort(keys, kind="stable")
    first = np.flatnonzero(np.diff(keys[order], prepend=-1))
    last = np.append(first[1:], len(keys))[: len(first)] - 1
    by_time = np.argsort(order[last])
    position = order[last][by_time]
    users, items = interactions.users[position], histories.items[position]
    heaviest = histories.weights[order]
    if len(keys):
        heaviest = np.maximum.reduceat(heaviest, first)[by_time]
    ends = np.searchsorted(users, users, side="right")
    recent = ends - np.arange(len(users)) <= longest
    counts = np.bincount(users[recent], minlength=interactions.n_users)
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return Histories(indptr, items[recent], heaviest[recent])


def _blocks(
    histories: Histories, n_items: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], Doubles]]:
    """(items, other items, sums of products of weights), a block of items at a time."""
    lengths = np.diff(histories.indptr)
    users = np.repeat(np.arange(len(lengths)), lengths)
    by_item = np.argsort(histories.items, kind="stable")
    ends = np.cumsum(np.bincount(histories.items, minlength=n_items))
    pairs = np.concatenate([[0], np.cumsum(lengths[users[by_item]])])[np.append(0, ends)]
    start = 0
    while start < n_items:
        end = max(int(np.searchsorted(pairs, pairs[start] + PAIRS, side="right")) - 1, start + 1)
        events = by_item[(ends[start - 1] if start else 0) : ends[end - 1]]
        yield _pairs(histories, users, events, n_items)
        start = end


def _pairs(
    histories: Histories, users: NDArray[np.int64], events: NDArray[np.intp], n_items: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Doubles]:
    """Every item of `events` with every other item of the same user, equal pairs summed."""
    positions, lengths = slices(histories.indptr, users[events])
    items = np.repeat(histories.items[events], lengths).astype(np.int64)
    products = np.repeat(histories.weights[events], lengths) * histories.weights[positions]
    others = histories.items[positions]
    different = items != others
    keys, place = np.unique((items * n_items + others)[different], return_inverse=True)
    sums = np.bincount(place, products[different], len(keys)).astype(np.float64)
    return keys // n_items, keys % n_items, sums
