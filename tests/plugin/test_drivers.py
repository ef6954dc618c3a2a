import asyncio
import threading
import time

import pytest

from endcap.drivers import AsyncDriver, Executor, SyncDriver
from endcap.steps import Background, Call, Computation, Late, Legs

LIMIT_S = 5


@pytest.fixture(params=["sync", "async"])
def run(request):
    """Runs steps on either driver; a call answers with its own name, `fail` raises."""
    executor = Executor(4)

    def answer(call):
        if call.method == "fail":
            raise ValueError("refused")
        return call.method

    async def answer_later(call):
        return answer(call)

    if request.param == "sync":
        yield SyncDriver(answer, executor).run
    else:
        yield lambda steps: asyncio.run(AsyncDriver(answer_later, executor).run(steps))
    executor.close()


def ask(name):
    return (yield Call(name, {}))


def compute(function):
    return (yield Computation(function))


def test_calls_and_computations_are_answered_in_turn(run):
    def steps():
        first = yield Call("one", {})
        second = yield Computation(lambda: first + " two")
        return second

    assert run(steps()) == "one two"


def test_a_failure_is_handed_to_the_pipeline(run):
    def steps():
        try:
            yield Call("fail", {})
        except ValueError as error:
            return f"{error}, so what"

    assert run(steps()) == "refused, so what"


def test_what_the_pipeline_does_not_handle_is_raised(run):
    with pytest.raises(ValueError, match="refused"):
        run(ask("fail"))


def test_legs_run_side_by_side(run):
    meeting = threading.Barrier(2, timeout=LIMIT_S)

    def steps():
        outcomes = yield Legs((compute(meeting.wait), compute(meeting.wait)))
        return [outcome.error for outcome in outcomes]

    assert run(steps()) == [None, None]


def test_a_leg_that_fails_leaves_the_others_alone(run):
    def steps():
        return (yield Legs((ask("one"), ask("fail"), ask("three"))))

    one, failed, three = run(steps())
    assert (one.value, three.value) == ("one", "three")
    assert isinstance(failed.error, ValueError)
    with pytest.raises(ValueError, match="refused"):
        failed.result()


def test_a_late_leg_is_left_behind_and_the_first_is_not(run):
    release = threading.Event()

    def slow():
        time.sleep(0.05)
        return "slow"

    def steps():
        return (
            yield Legs(
                (compute(slow), compute(lambda: release.wait(LIMIT_S))), time.monotonic() + 0.02
            )
        )

    started = time.monotonic()
    first, late = run(steps())
    release.set()
    assert first.value == "slow"
    assert isinstance(late.error, Late)
    assert time.monotonic() - started < LIMIT_S


def test_nobody_waits_for_the_background(run):
    seen = threading.Event()

    def steps():
        yield Background(compute(seen.set))
        yield Computation(lambda: seen.wait(LIMIT_S))
        return "done"

    assert run(steps()) == "done"
    assert seen.is_set()


def test_abandoned_steps_are_closed(run):
    closed = []

    def steps():
        try:
            yield Call("fail", {})
        finally:
            closed.append(True)

    with pytest.raises(ValueError, match="refused"):
        run(steps())
    assert closed == [True]


def test_the_pool_is_made_anew_after_a_fork(monkeypatch):
    executor = Executor(1)
    before = executor.pool()
    monkeypatch.setattr("endcap.drivers.os.getpid", lambda: -1)
    after = executor.pool()
    assert after is not before
    before.shutdown()
    after.shutdown()
