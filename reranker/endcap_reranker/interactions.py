"""Who did what, in which order: the events of a shop as arrays."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Codes, Doubles, Floats, check
from endcap_reranker.event_log import BOTS_PER_HOUR, EventLog, Identify
from endcap_reranker.events import ACTION_WEIGHTS, BadEvent, BadFieldError
from endcap_reranker.exceptions import InteractionsError

DAY = 86_400.0


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
    events have times. queries: (n,) codes into query_texts, -1 none. user_keys: (n_users,) the
    users' keyed hashes, where they are wanted; no id of a user is kept. report: what was left out
    while reading, or lacked something, by reason.
    """

    users: Codes
    items: Codes
    weights: Floats
    item_ids: NDArray[np.bytes_]
    n_users: int
    times: Doubles | None = None
    queries: Codes | None = None
    query_texts: tuple[str, ...] = ()
    user_keys: NDArray[np.bytes_] | None = None
    report: Mapping[str, int] = field(default_factory=dict)

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
        if self.user_keys is not None and len(self.user_keys) != self.n_users:
            raise InteractionsError("user_keys must be one of each user")
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
        identify: Identify | None = None,
        bots_per_hour: int | None = BOTS_PER_HOUR,
        on_bad_row: Callable[[BadEvent], None],
    ) -> "Interactions":
        """Events from (place, row) pairs of any dialect; a bad row goes to `on_bad_row`.

        Users are numbered as they first appear. The first event says what orders them all: a time,
        else a position, else the file. An action of weight 0 is no event. Of rows of one user, item
        and moment the heaviest counts. identify: (kind of an id, id) → the shopper's keyed hash;
        None: no key is wanted. bots_per_hour: where events have times, who has more of them in an
        hour is no shopper; None: everybody is. Raises InteractionsError if no row is good.
        """
        log = EventLog(action_weights, identify, bots_per_hour)
        for place, row in rows:
            try:
                log.append(row)
            except BadFieldError as error:
                on_bad_row(BadEvent(place, error.field, error.reason))
        return cls(**log.columns()._asdict())

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
        return self.only(kept)

    def without_last(self, n: int) -> "Interactions":
        """Without each user's last n events; users and items keep their codes."""
        ends = self.histories().indptr[1:]
        return self.only(np.arange(len(self)) < ends[self.users] - n)

    def decayed(self, half_life: float) -> "Interactions":
        """An event so many days before the last counts half; raises InteractionsError."""
        times = self._require_times("decay")
        age = (times.max(initial=-np.inf) - times) / DAY
        return replace(self, weights=(self.weights * 0.5 ** (age / half_life)).astype(np.float32))

    def in_sessions(self, gap: float) -> "Interactions":
        """Each session as a user of its own: it ends where nothing is done for `gap` seconds.

        The keys are gone, since a session is nobody; raises InteractionsError.
        """
        times = self._require_times("sessions")
        begins = np.ones(len(self), bool)
        begins[1:] = (np.diff(self.users) != 0) | (np.diff(times) > gap)
        sessions = np.cumsum(begins).astype(np.int32) - np.int32(1)
        count = int(sessions[-1]) + 1 if len(self) else 0
        return replace(self, users=sessions, n_users=count, user_keys=None)

    def _require_times(self, wanted: str) -> Doubles:
        if self.times is None:
            raise InteractionsError(f"{wanted} needs events with times; these have none")
        return self.times

    def only(self, kept: NDArray[np.bool_]) -> "Interactions":
        """The kept events (n,); users and items keep their codes."""
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
