"""The two drivers: they perform the steps of a pipeline, side by side where it says so."""

import asyncio
import logging
import os
import threading
import time
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

from endcap.steps import (
    Background,
    Call,
    Computation,
    Late,
    Legs,
    Outcome,
    Step,
    Steps,
    advance,
)

T = TypeVar("T")

logger = logging.getLogger("endcap")


class Executor:
    """A thread pool that is made on first use. Thread-safe; a forked child makes its own."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._begin()
        os.register_at_fork(after_in_child=partial(_begin_anew, weakref.ref(self)))

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    def pool(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="endcap")
            return self._pool

    def close(self) -> None:
        """Wait for what still runs, legs that were left behind included."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()


def _begin_anew(found: "weakref.ref[Executor]") -> None:
    """In a forked child: the pool has lost its threads, and the lock may be held by none."""
    if (executor := found()) is not None:
        executor._begin()


class SyncDriver:
    """Performs steps for `SearchClient`: the first leg in the caller's thread, the others in the
    executor.
    """

    def __init__(self, call: Callable[[Call], Any], executor: Executor) -> None:
        self._call = call
        self._executor = executor

    def run(self, steps: Steps[T]) -> T:
        """Perform the steps and return what they return; raises what they raise."""
        answer: Any = None
        error: Exception | None = None
        with closing(steps):
            while True:
                try:
                    step = advance(steps, answer, error)
                except StopIteration as stop:
                    return stop.value  # type: ignore[no-any-return]
                answer, error = None, None
                try:
                    answer = self._perform(step)
                except Exception as failure:  # noqa: BLE001 - the pipeline decides what a failure means
                    error = failure

    def _perform(self, step: Step) -> Any:
        match step:
            case Call():
                return self._call(step)
            case Computation():
                return step.function()
            case Background():
                self._executor.pool().submit(self._behind, step.steps)
                return None
            case Legs():
                return self._side_by_side(step)

    def _side_by_side(self, step: Legs) -> list[Outcome[Any]]:
        pool = self._executor.pool()
        others = [(leg, pool.submit(self._outcome, leg)) for leg in step.legs[1:]]
        first = self._outcome(step.legs[0])
        return [first, *(self._collect(leg, other, step.deadline) for leg, other in others)]

    def _collect(
        self, leg: Steps[T], future: "Future[Outcome[T]]", deadline: float | None
    ) -> Outcome[T]:
        """The outcome of a leg. Without a deadline, one that no worker has begun is run here, so
        that no search waits for a worker which may itself be waiting.
        """
        if deadline is None and future.cancel():
            return self._outcome(leg)
        try:
            return future.result(_remaining(deadline))
        except TimeoutError:
            future.cancel()
            return Outcome(error=Late())

    def _outcome(self, steps: Steps[T]) -> Outcome[T]:
        try:
            return Outcome(value=self.run(steps))
        except Exception as failure:  # noqa: BLE001 - an outcome carries the failure to the pipeline
            return Outcome(error=failure)

    def _behind(self, steps: Steps[Any]) -> None:
        _log_failure(self._outcome(steps))


class AsyncDriver:
    """Performs steps for `AsyncSearchClient`: calls are awaited, computations leave the loop."""

    def __init__(self, call: Callable[[Call], Awaitable[Any]], executor: Executor) -> None:
        self._call = call
        self._executor = executor
        self._background: set[asyncio.Task[None]] = set()

    async def run(self, steps: Steps[T]) -> T:
        """Perform the steps and return what they return; raises what they raise."""
        answer: Any = None
        error: Exception | None = None
        with closing(steps):
            while True:
                try:
                    step = advance(steps, answer, error)
                except StopIteration as stop:
                    return stop.value  # type: ignore[no-any-return]
                answer, error = None, None
                try:
                    answer = await self._perform(step)
                except Exception as failure:  # noqa: BLE001 - the pipeline decides what a failure means
                    error = failure

    async def close(self) -> None:
        """Wait for what runs in the background."""
        await asyncio.gather(*self._background, return_exceptions=True)

    async def _perform(self, step: Step) -> Any:
        match step:
            case Call():
                return await self._call(step)
            case Computation():
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._executor.pool(), step.function)
            case Background():
                task = asyncio.create_task(self._behind(step.steps))
                self._background.add(task)
                task.add_done_callback(self._background.discard)
                return None
            case Legs():
                return await self._side_by_side(step)

    async def _side_by_side(self, step: Legs) -> list[Outcome[Any]]:
        """What is late, and everything when the search is cancelled, is cancelled and awaited."""
        others = [asyncio.create_task(self._outcome(leg)) for leg in step.legs[1:]]
        try:
            first = await self._outcome(step.legs[0])
            if others:
                await asyncio.wait(others, timeout=_remaining(step.deadline))
            return [
                first,
                *(leg.result() if leg.done() else Outcome(error=Late()) for leg in others),
            ]
        finally:
            for leg in others:
                leg.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    async def _outcome(self, steps: Steps[T]) -> Outcome[T]:
        try:
            return Outcome(value=await self.run(steps))
        except Exception as failure:  # noqa: BLE001 - an outcome carries the failure to the pipeline
            return Outcome(error=failure)

    async def _behind(self, steps: Steps[Any]) -> None:
        _log_failure(await self._outcome(steps))


def _remaining(deadline: float | None) -> float | None:
    """Seconds until a deadline in `time.monotonic` seconds, 0 when it has passed."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _log_failure(outcome: Outcome[Any]) -> None:
    """Nobody waits for the background, so nobody else would hear of it."""
    if outcome.error is not None:
        logger.warning(
            "what ran in the background failed: %s", outcome.error, exc_info=outcome.error
        )
