"""The account of one search: how long its stages took, what was left out, and why."""

import logging
import time
from dataclasses import dataclass, field
from typing import TypeVar

from opensearchpy.exceptions import ConnectionTimeout

from endcap.breakers import Breaker, Breakers
from endcap.steps import Abandoned, Late, Outcome

T = TypeVar("T")

logger = logging.getLogger("endcap")


@dataclass(slots=True)
class Account:
    """For `ext.endcap` of one search of an index.

    degraded: whether a stage was left out. hung: whether one has waited for the engine as long as
    the client does, so that no other one should.
    """

    reasons: list[str]
    breakers: Breakers
    index: str
    degraded: bool = False
    hung: bool = False
    took_ms: dict[str, float] = field(default_factory=dict)
    _last: float = field(default_factory=time.perf_counter)

    def stage(self, name: str) -> None:
        """The time since the last stage ended was this one's."""
        now = time.perf_counter()
        self.took_ms[name] = round((now - self._last) * 1000, 3)
        self._last = now

    def admits(self, stage: str) -> bool:
        """Whether to run a stage; where it is left out, that is said."""
        breaker = self._breaker(stage)
        if breaker.admits():
            return True
        self._leave_out(breaker.reason)
        return False

    def take(self, stage: str, outcome: Outcome[T]) -> T | None:
        """What a stage brought; None where it failed or was late, which is said, and counts."""
        error = outcome.error
        match error:
            case None:
                self._breaker(stage).succeeded()
                return outcome.value
            case Abandoned():
                self._leave_out(f"{stage} is left out: {error}")
            case Late():
                self._leave_out(f"{stage} was late")
                self._breaker(stage).failed("late")
            case _:
                self.hung = self.hung or isinstance(error, ConnectionTimeout)
                self._leave_out(f"{stage} failed: {error}")
                self._breaker(stage).failed(str(error))
                logger.warning("%s failed", stage, exc_info=error)
        return None

    def _leave_out(self, reason: str) -> None:
        self.reasons.append(reason)
        self.degraded = True

    def _breaker(self, stage: str) -> Breaker:
        return self.breakers.of(self.index, stage)
