"""The two drivers: they perform the steps of a pipeline, side by side where it says so."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
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
    abandoned,
    advance,
)

T = TypeVar("T")


class Executor:
    """A thread pool that is made on first use and made anew after a fork."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def pool(self) -> ThreadPoolExecutor:
        if self._pool is None or self._process != os.getpid():
            self._process = os.getpid()
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="endcap")
        return self._pool

    def close(self) -> None:
        if self._pool is not None and self._process == os.getpid():
            self._pool.shutdown(wait=True)
        self._pool = None


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
        with abandoned(steps):
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
                self._executor.pool().submit(self._outcome, step.steps)
                return None
            case Legs():
                return self._side_by_side(step)

    def _side_by_side(self, step: Legs) -> list[Outcome[Any]]:
        pool = self._executor.pool()
        others = [pool.submit(self._outcome, leg) for leg in step.legs[1:]]
        first = self._outcome(step.legs[0])
        return [first, *(_collect(other, step.deadline) for other in others)]

    def _outcome(self, steps: Steps[T]) -> Outcome[T]:
        try:
            return Outcome(value=self.run(steps))
        except Exception as failure:  # noqa: BLE001 - an outcome carries the failure to the pipeline
            return Outcome(error=failure)


def _collect(future: "Future[Outcome[Any]]", deadline: float | None) -> Outcome[Any]:
    wait = None if deadline is None else max(0.0, deadline - time.monotonic())
    try:
        return future.result(wait)
    except FutureTimeout:
        future.cancel()
        return Outcome(error=Late())


class AsyncDriver:
    """Performs steps for `AsyncSearchClient`: calls are awaited, computations leave the loop."""

    def __init__(self, call: Callable[[Call], Awaitable[Any]], executor: Executor) -> None:
        self._call = call
        self._executor = executor
        self._background: set[asyncio.Task[Any]] = set()

    async def run(self, steps: Steps[T]) -> T:
        """Perform the steps and return what they return; raises what they raise."""
        answer: Any = None
        error: Exception | None = None
        with abandoned(steps):
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
        await asyncio.gather(*self._background)

    async def _perform(self, step: Step) -> Any:
        match step:
            case Call():
                return await self._call(step)
            case Computation():
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._executor.pool(), step.function)
            case Background():
                task = asyncio.create_task(self._outcome(step.steps))
                self._background.add(task)
                task.add_done_callback(self._background.discard)
                return None
            case Legs():
                return await self._side_by_side(step)

    async def _side_by_side(self, step: Legs) -> list[Outcome[Any]]:
        others = [asyncio.create_task(self._outcome(leg)) for leg in step.legs[1:]]
        first = await self._outcome(step.legs[0])
        return [first, *[await _await(other, step.deadline) for other in others]]

    async def _outcome(self, steps: Steps[T]) -> Outcome[T]:
        try:
            return Outcome(value=await self.run(steps))
        except Exception as failure:  # noqa: BLE001 - an outcome carries the failure to the pipeline
            return Outcome(error=failure)


async def _await(task: "asyncio.Task[Outcome[Any]]", deadline: float | None) -> Outcome[Any]:
    wait = None if deadline is None else max(0.0, deadline - time.monotonic())
    try:
        return await asyncio.wait_for(task, wait)
    except TimeoutError:
        return Outcome(error=Late())
