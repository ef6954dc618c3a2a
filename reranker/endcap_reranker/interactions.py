"""Who did what, in which order: the events of a shop as arrays."""

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Codes, Doubles, Floats, check
from endcap_reranker.events import (
    ACTION_WEIGHTS,
    BadEvent,
    BadFieldError,
    Clock,
    Event,
    find_clock,
    read_event,
)
from endcap_reranker.exceptions import InteractionsError


class Histories(NamedTuple):
    """The items of user u, oldest first, are `items[indptr[u]:indptr[u + 1]]`."""

    indptr: NDArray[np.int64]  # (users + 1,)
    items: Codes
    weights: Floats


@dataclass(frozen=True, eq=False)
class Interactions:
    """n events, by user and oldest first; raises ShapeError and InteractionsError.

    users: (n,) codes in ascending order. items: (n,) codes into item_ids. weights: (n,) of the
    actions. item_ids: (m,) UTF-8 in ascending order. times: (n,) seconds since 1970, where the
    events have times. queries: (n,) codes into query_texts, -1 none. No user id is kept.
    """

    users: Codes
    items: Codes
    weights: Floats
    item_ids: NDArray[np.bytes_]
    n_users: int
    times: Doubles | None = None
    queries: Codes | None = None
    query_texts: tuple[str, ...] = ()
    duplicates: int = 0

    def __post_init__(self) -> None:
        n = len(self.users)
        check("users", self.users, np.int32, n)
        check("items", self.items, np.int32, n)
        check("weights", self.weights, np.float32, n)
        if self.times is not None:
            check("times", self.times, np.float64, n)
        if self.queries is not None:
            check("queries", self.queries, np.int32, n)
            _check_codes("queries", self.queries, -1, len(self.query_texts))
        _check_codes("users", self.users, 0, self.n_users)
        _check_codes("items", self.items, 0, len(self.item_ids))
        if (np.diff(self.users) < 0).any():
            raise InteractionsError("users must be in ascending order")
        if (self.item_ids[1:] <= self.item_ids[:-1]).any():
            raise InteractionsError("item_ids must be unique and in ascending order")
        if not np.isfinite(self.weights).all() or (self.weights < 0).any():
            raise InteractionsError("weights must be finite and not negative")

    def __len__(self) -> int:
        return len(self.users)

    @classmethod
    def from_rows(
        cls,
        rows: Iterable[tuple[str, Mapping[str, Any]]],
        *,
        action_weights: Mapping[str, float] = ACTION_WEIGHTS,
        on_bad_row: Callable[[BadEvent], None],
    ) -> "Interactions":
        """Events from (place, row) pairs; a bad row goes to `on_bad_row` and is skipped.

        Users are numbered as they first appear. The first row says what orders the events: a
        time, else a position, else the file. An action of weight 0 is no event. Of rows of one
        user, item and moment the heaviest counts. Raises InteractionsError if no row is good.
        """
        events = _Columns()
        for place, row in rows:
            try:
                events.append(row, action_weights)
            except BadFieldError as error:
                on_bad_row(BadEvent(place, error.field, error.reason))
        return events.interactions()

    def histories(self) -> Histories:
        """The events by user; a user without events has an empty history."""
        counts = np.bincount(self.users, minlength=self.n_users)
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Histories(indptr, self.items, self.weights)

    def last(self, n: int) -> NDArray[np.intp]:
        """(users,) position of each user's n-th event from the end, 1 the last; -1: has fewer."""
        indptr = self.histories().indptr
        position = indptr[1:] - n
        return np.where(position >= indptr[:-1], position, -1)

    def distinct(self) -> "Interactions":
        """Each item of a user once, at its last event; users, items and the order stay.

        What is withheld must be gone: of A B X X (a view, then a purchase) `without_last(1)` would
        keep an X, so that whatever is counted or fitted knows the answer.
        """
        keys = self.users.astype(np.int64) * len(self.item_ids) + self.items
        _, from_end = np.unique(keys[::-1], return_index=True)
        kept = np.zeros(len(self), bool)
        kept[len(self) - 1 - from_end] = True
        return self._only(kept)

    def without_last(self, n: int) -> "Interactions":
        """Without each user's last n events; users and items keep their codes."""
        ends = self.histories().indptr[1:]
        return self._only(np.arange(len(self)) < ends[self.users] - n)

    def _only(self, kept: NDArray[np.bool_]) -> "Interactions":
        return replace(
            self,
            users=self.users[kept],
            items=self.items[kept],
            weights=self.weights[kept],
            times=None if self.times is None else self.times[kept],
            queries=None if self.queries is None else self.queries[kept],
        )


def _check_codes(name: str, codes: Codes, least: int, end: int) -> None:
    if len(codes) and not (codes.min() >= least and codes.max() < end):
        raise InteractionsError(f"{name} must be from {least} to {end - 1}")


class _Columns:
    """Events on their way to arrays; the only place that ever sees a user id."""

    def __init__(self) -> None:
        self.clock: Clock | None = None
        self.user_codes: dict[str, int] = {}
        self.item_codes: dict[str, int] = {}
        self.query_codes: dict[str, int] = {"": -1}
        self.users = array("i")
        self.items = array("i")
        self.queries = array("i")
        self.weights = array("f")
        self.moments = array("d")

    def append(self, row: Mapping[str, Any], action_weights: Mapping[str, float]) -> None:
        clock = self.clock or find_clock(row)
        event: Event = read_event(row, clock, action_weights)
        self.clock = clock
        if event.weight == 0:
            return
        self.users.append(self.user_codes.setdefault(event.user, len(self.user_codes)))
        self.items.append(self.item_codes.setdefault(event.item, len(self.item_codes)))
        self.queries.append(self.query_codes.setdefault(event.query, len(self.query_codes) - 1))
        self.weights.append(event.weight)
        self.moments.append(len(self.moments) if clock == "file" else event.moment)

    def interactions(self) -> Interactions:
        if not self.users:
            raise InteractionsError("no event: every row was bad, or there was none")
        users = np.array(self.users, np.int32)
        items, item_ids = self._sorted_items()
        moments = np.array(self.moments, np.float64)
        weights = np.array(self.weights, np.float32)
        kept = _first_of_each(users, items, moments, weights)
        order = kept[np.lexsort((kept, moments[kept], users[kept]))]
        return Interactions(
            users=users[order],
            items=items[order],
            weights=weights[order],
            item_ids=item_ids,
            n_users=len(self.user_codes),
            times=moments[order] if self.clock == "time" else None,
            queries=np.array(self.queries, np.int32)[order],
            query_texts=tuple(self.query_codes)[1:],
            duplicates=len(users) - len(order),
        )

    def _sorted_items(self) -> tuple[Codes, NDArray[np.bytes_]]:
        ids = np.array([item.encode() for item in self.item_codes])
        order = np.argsort(ids)
        recoded = np.empty(len(ids), np.int32)
        recoded[order] = np.arange(len(ids), dtype=np.int32)
        return recoded[np.array(self.items, np.int32)], ids[order]


def _first_of_each(
    users: Codes, items: Codes, moments: Doubles, weights: Floats
) -> NDArray[np.intp]:
    """Positions of the heaviest event of each (user, item, moment)."""
    order = np.lexsort((-weights, moments, items, users))
    new = np.ones(len(order), bool)
    new[1:] = (
        (np.diff(users[order]) != 0) | (np.diff(items[order]) != 0) | (np.diff(moments[order]) != 0)
    )
    return order[new]
