"""Events on their way to arrays: ids become numbers, what is no event is left out and counted."""

from array import array
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Codes, Doubles, Floats
from endcap_reranker.dialects import Typed, plain
from endcap_reranker.events import BadFieldError, Clock, Event, Kind, find_clock, read_event
from endcap_reranker.exceptions import InteractionsError

HOUR = 3600.0
BOTS_PER_HOUR = 500  # a product every seven seconds for an hour without a pause: nobody reads that
NONE = -1

Identify = Callable[[Kind, str], str]  # the kind of an id, and the id → the shopper's keyed hash


class Columns(NamedTuple):
    """The fields of `Interactions`, by these names."""

    users: Codes
    items: Codes
    weights: Floats
    item_ids: NDArray[np.bytes_]
    n_users: int
    times: Doubles | None
    queries: Codes
    query_texts: tuple[str, ...]
    user_keys: NDArray[np.bytes_] | None
    report: Mapping[str, int]


class EventLog:
    """Takes rows one at a time; the only place that ever sees a user's id."""

    def __init__(
        self,
        action_weights: Mapping[str, float],
        identify: Identify | None,
        bots_per_hour: int | None,
    ) -> None:
        self._action_weights = action_weights
        self._identify = identify
        self._bots_per_hour = bots_per_hour
        self._clock: Clock | None = None
        self._report: Counter[str] = Counter()
        self._user_codes: dict[tuple[Kind, str], int] = {}
        self._item_codes: dict[str, int] = {}
        self._text_codes: dict[str, int] = {}
        self._search_codes: dict[str, int] = {}
        self._typed: dict[int, int] = {}  # code of a search → code of its text
        self._users = array("i")
        self._items = array("i")
        self._texts = array("i")
        self._searches = array("i")
        self._weights = array("f")
        self._moments = array("d")

    def append(self, row: Mapping[str, Any]) -> None:
        """Take one row of any dialect; a bad one is counted and raises BadFieldError."""
        found = plain(row)
        if found is None:
            self._report["neither an event nor a search"] += 1
        elif isinstance(found, Typed):
            if found.text:
                search = _code(self._search_codes, found.search)
                self._typed[search] = _code(self._text_codes, found.text)
        else:
            self._append_event(found)

    def _append_event(self, row: Mapping[str, Any]) -> None:
        clock = self._clock or find_clock(row)
        try:
            event: Event = read_event(row, clock, self._action_weights)
        except BadFieldError as error:
            self._report[f"{error.field}: {error.problem}"] += 1
            raise
        self._clock = clock
        if event.weight == 0:
            self._report["actions of weight 0"] += 1
            return
        self._users.append(_code(self._user_codes, (event.kind, event.user)))
        self._items.append(_code(self._item_codes, event.item))
        self._texts.append(_code(self._text_codes, event.query) if event.query else NONE)
        self._searches.append(_code(self._search_codes, event.search) if event.search else NONE)
        self._weights.append(event.weight)
        self._moments.append(len(self._moments) if clock == "file" else event.moment)

    def columns(self) -> Columns:
        """By user and oldest first; raises InteractionsError where no row was good."""
        if not self._users:
            raise InteractionsError("no event: every row was bad, or there was none")
        users, moments = np.array(self._users, np.int32), np.array(self._moments, np.float64)
        item_codes, weights = np.array(self._items, np.int32), np.array(self._weights, np.float32)
        kept = _first_of_each(users, item_codes, moments, weights)
        self._report["duplicates"] += len(users) - len(kept)
        order = kept[np.lexsort((kept, moments[kept], users[kept]))]
        if self._clock == "time" and self._bots_per_hour is not None:
            order = self._without_bots(order, users, moments, self._bots_per_hour)
        items, item_ids = self._sorted_items(item_codes[order])
        present, user_codes = np.unique(users[order], return_inverse=True)
        return Columns(
            users=user_codes.astype(np.int32),
            items=items,
            weights=weights[order],
            item_ids=item_ids,
            n_users=len(present),
            times=moments[order] if self._clock == "time" else None,
            queries=self._queries()[order],
            query_texts=tuple(self._text_codes),
            user_keys=self._keys(present),
            report={reason: count for reason, count in sorted(self._report.items()) if count},
        )

    def _without_bots(
        self, order: NDArray[np.intp], users: Codes, moments: Doubles, per_hour: int
    ) -> NDArray[np.intp]:
        """Without the events of users who had more than `per_hour` of them in some hour."""
        first, last = order[: max(0, len(order) - per_hour)], order[per_hour:]
        hasty = (users[first] == users[last]) & (moments[last] - moments[first] < HOUR)
        bots = np.unique(users[first[hasty]])
        kept = order[~np.isin(users[order], bots)]
        if not len(kept):
            raise InteractionsError(f"no event: every user had more than {per_hour} in an hour")
        self._report["bots"] = len(bots)
        self._report["events of bots"] = len(order) - len(kept)
        return kept

    def _queries(self) -> Codes:
        """What was typed before each event: in its own row, else in the row of its search."""
        texts, searches = np.array(self._texts, np.int32), np.array(self._searches, np.int32)
        typed = np.full(len(self._search_codes) + 1, NONE, np.int32)  # the last is for no search
        typed[list(self._typed)] = list(self._typed.values())
        queries = np.where(texts == NONE, typed[searches], texts)
        unknown = np.count_nonzero((queries == NONE) & (searches != NONE))
        self._report["events whose search is unknown"] = int(unknown)
        return queries

    def _keys(self, present: Codes) -> NDArray[np.bytes_] | None:
        if self._identify is None:
            return None
        ids = list(self._user_codes)
        keys = (
            name if kind == "key" else self._identify(kind, name)
            for kind, name in (ids[code] for code in present)
        )
        return np.array([key.encode() for key in keys])

    def _sorted_items(self, codes: Codes) -> tuple[Codes, NDArray[np.bytes_]]:
        present, items = np.unique(codes, return_inverse=True)
        names = list(self._item_codes)
        ids = np.array([names[code].encode() for code in present])
        order = np.argsort(ids)
        recoded = np.empty(len(ids), np.int32)
        recoded[order] = np.arange(len(ids), dtype=np.int32)
        return recoded[items], ids[order]


def _code(codes: dict[Any, int], value: Any) -> int:
    return codes.setdefault(value, len(codes))


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
