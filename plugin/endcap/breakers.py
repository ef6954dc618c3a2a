"""Breakers: a stage that fails again and again is left out, until one search that tries it ends
well. So a dead stage costs nothing.
"""

import datetime
import logging
import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Literal

State = Literal["closed", "open", "half-open"]
KEPT = 1000  # breakers of one client: stages, times the indices that it searches

logger = logging.getLogger("endcap")


class Breaker:
    """Of one stage. Closed: every search runs it. Open: none does. Half-open: one search tries it.

    It opens after `faults` in a row, and lets one search try the stage every `pause_s` seconds.
    What began while it was closed and ends while it is open changes nothing. Thread-safe.
    """

    def __init__(
        self, stage: str, faults: int, pause_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stage, self._limit, self._pause_s, self._clock = stage, faults, pause_s, clock
        self._lock = threading.Lock()
        self._state: State = "closed"
        self._faults = 0
        self._next = 0.0  # when a search may try the stage again, by the clock
        self._since = self._last = ""

    @property
    def state(self) -> State:
        return self._state

    @property
    def reason(self) -> str:
        """Since when the stage is left out, after how many faults, and what the last one was."""
        return (
            f"{self._stage} is left out since {self._since}:"
            f" {self._faults} faults, the last: {self._last}"
        )

    def admits(self) -> bool:
        """Whether a search may run the stage; it then says how that ended."""
        with self._lock:
            if self._state == "closed":
                return True
            if self._clock() < self._next:
                return False
            self._state = "half-open"
            self._next = self._clock() + self._pause_s  # the trial may never come to an end
            return True

    def succeeded(self) -> None:
        """The stage ended well."""
        with self._lock:
            if self._state == "open":
                return
            closing = self._state == "half-open"
            self._state, self._faults = "closed", 0
        if closing:
            logger.warning("%s is back, left out since %s", self._stage, self._since)

    def failed(self, fault: str) -> None:
        """The stage failed, or was late."""
        with self._lock:
            if self._state == "open":
                return
            self._faults += 1
            self._last = fault
            if self._faults < self._limit:
                return
            opening = self._state == "closed"
            self._state, self._next = "open", self._clock() + self._pause_s
            if opening:
                self._since = _now()
        if opening:
            logger.warning(self.reason)


class Breakers:
    """A client's, one for each stage of each index. A forked child begins with closed ones."""

    def __init__(self, faults: int, pause_s: float) -> None:
        self._faults, self._pause_s = faults, pause_s
        self._begin()
        os.register_at_fork(after_in_child=partial(_begin_anew, weakref.ref(self)))

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._breakers: OrderedDict[tuple[str, str], Breaker] = OrderedDict()

    def of(self, index: str, stage: str) -> Breaker:
        """The breaker of a stage; those that were asked for last are kept."""
        with self._lock:
            if (index, stage) not in self._breakers:
                self._breakers[index, stage] = Breaker(stage, self._faults, self._pause_s)
            self._breakers.move_to_end((index, stage))
            while len(self._breakers) > KEPT:
                self._breakers.popitem(last=False)
            return self._breakers[index, stage]


def _begin_anew(found: "weakref.ref[Breakers]") -> None:
    """In a forked child: its parent's locks may be held."""
    if (breakers := found()) is not None:
        breakers._begin()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
