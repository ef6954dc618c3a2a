import asyncio
import gc
import os
import signal
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from endcap.drivers import AsyncDriver, Executor, SyncDriver
from endcap.steps import Background, Call, Computation, Late, Legs

LIMIT_S = 5
SEARCHES = 64


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


def until(condition):
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "not seen in time"
        time.sleep(0.001)


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


def test_a_failure_in_the_background_is_logged_once_with_its_traceback(run, caplog):
    seen = threading.Event()

    def failing():
        try:
            yield Call("fail", {})
        finally:
            seen.set()

    def steps():
        yield Background(failing())
        yield Computation(lambda: seen.wait(LIMIT_S))
        return "done"

    assert run(steps()) == "done"
    until(lambda: caplog.records)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("endcap", "WARNING")
    assert record.getMessage() == "what ran in the background failed: refused"
    assert "in failing" in caplog.text


def test_a_background_that_ends_well_is_not_logged(run, caplog):
    seen = threading.Event()

    def steps():
        yield Background(compute(seen.set))
        yield Computation(lambda: seen.wait(LIMIT_S))

    run(steps())
    assert seen.is_set()
    assert caplog.records == []


def test_searches_that_outnumber_the_workers_all_end():
    """The workers are few and the searches many, and legs have legs of their own."""
    executor = Executor(2)
    driver = SyncDriver(lambda call: call.method, executor)

    def leg(name):
        outcomes = yield Legs((ask(name), compute(lambda: time.sleep(0.001)), ask(f"{name} again")))
        return [outcomes[0].result(), outcomes[2].result()]

    def steps(number):
        outcomes = yield Legs(tuple(leg(f"{number}.{place}") for place in range(3)))
        return [name for outcome in outcomes for name in outcome.result()]

    with ThreadPoolExecutor(SEARCHES) as shop:
        searches = [shop.submit(driver.run, steps(number)) for number in range(SEARCHES)]
        for number, search in enumerate(searches):
            names = [f"{number}.{place}" for place in range(3)]
            expected = [said for name in names for said in (name, f"{name} again")]
            assert search.result(LIMIT_S) == expected
    executor.close()


def test_tasks_that_outnumber_the_workers_all_end():
    executor = Executor(2)

    async def answer(call):
        return call.method

    async def search_all():
        driver = AsyncDriver(answer, executor)
        searches = (driver.run(steps(number)) for number in range(SEARCHES))
        return await asyncio.wait_for(asyncio.gather(*searches), LIMIT_S)

    def steps(number):
        outcomes = yield Legs((ask(f"{number}"), compute(lambda: number), compute(lambda: number)))
        return [outcome.result() for outcome in outcomes]

    assert asyncio.run(search_all()) == [[f"{n}", n, n] for n in range(SEARCHES)]
    executor.close()


def test_a_leg_that_waits_for_a_worker_is_late_at_the_deadline():
    executor = Executor(1)
    release = threading.Event()
    executor.pool().submit(release.wait, LIMIT_S)
    begun = threading.Event()

    def steps():
        return (yield Legs((ask("one"), compute(begun.set)), time.monotonic() + 0.01))

    first, late = SyncDriver(lambda call: call.method, executor).run(steps())
    release.set()
    executor.close()
    assert first.value == "one"
    assert isinstance(late.error, Late)
    assert not begun.is_set()


def test_closing_waits_for_a_leg_that_was_left_behind():
    executor = Executor(1)
    release, ended = threading.Event(), threading.Event()

    def slow():
        release.wait(LIMIT_S)
        ended.set()
        raise ValueError("nobody listens any more")

    def steps():
        return (yield Legs((ask("one"), compute(slow)), time.monotonic() + 0.01))

    _, late = SyncDriver(lambda call: call.method, executor).run(steps())
    assert isinstance(late.error, Late)
    threading.Timer(0.02, release.set).start()
    executor.close()
    assert ended.is_set()
    executor.close()


def test_a_cancelled_search_takes_its_legs_along():
    """When the caller hears of the cancellation, no call is under way and none is made later."""
    begun, ended = [], []

    async def answer(call):
        begun.append(call.method)
        try:
            await asyncio.sleep(LIMIT_S)
        finally:
            await asyncio.sleep(0.01)
            ended.append(call.method)

    def leg(name):
        try:
            yield Call(name, {})
            yield Call(f"{name} again", {})
        finally:
            ended.append(f"{name} closed")

    async def cancel():
        legs = Legs((leg("one"), leg("two"), leg("three")))
        driver = AsyncDriver(answer, executor)
        search = asyncio.create_task(driver.run((lambda: (yield legs))()))
        while len(begun) < 3:
            await asyncio.sleep(0)
        search.cancel()
        with pytest.raises(asyncio.CancelledError):
            await search
        return len(asyncio.all_tasks())

    executor = Executor(1)
    assert asyncio.run(cancel()) == 1
    assert begun == ["one", "two", "three"]
    assert sorted(ended) == sorted([*begun, "one closed", "two closed", "three closed"])
    executor.close()


def test_a_late_task_is_cancelled():
    ended = []

    async def answer(call):
        try:
            await asyncio.sleep(0 if call.method == "one" else LIMIT_S)
        except asyncio.CancelledError:
            ended.append(call.method)
            raise
        return call.method

    def steps():
        return (yield Legs((ask("one"), ask("two")), time.monotonic() + 0.01))

    executor = Executor(1)
    first, late = asyncio.run(AsyncDriver(answer, executor).run(steps()))
    assert first.value == "one"
    assert isinstance(late.error, Late)
    assert ended == ["two"]
    executor.close()


def test_closing_waits_for_the_background():
    ended = []

    async def answer(call):
        await asyncio.sleep(0.01)
        ended.append(call.method)

    def steps():
        yield Background(ask("behind"))

    async def close():
        driver = AsyncDriver(answer, executor)
        await driver.run(steps())
        assert ended == []
        await driver.close()

    executor = Executor(1)
    asyncio.run(close())
    assert ended == ["behind"]
    executor.close()


def test_threads_that_begin_at_once_share_one_pool(monkeypatch):
    def make_slowly(*arguments, **options):
        time.sleep(0.01)
        return ThreadPoolExecutor(*arguments, **options)

    monkeypatch.setattr("endcap.drivers.ThreadPoolExecutor", make_slowly)
    executor, start = Executor(1), threading.Barrier(SEARCHES)

    def take(_):
        start.wait()
        return executor.pool()

    with ThreadPoolExecutor(SEARCHES) as shop:
        assert len(set(shop.map(take, range(SEARCHES)))) == 1
    executor.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_runs_legs_of_its_own():
    """Although at the fork every worker is busy and another thread holds the lock."""
    executor = Executor(1)
    release = threading.Event()
    executor.pool().submit(release.wait, LIMIT_S)

    def steps():
        outcomes = yield Legs((ask("one"), ask("two"), ask("three")), time.monotonic() + LIMIT_S)
        return [outcome.value for outcome in outcomes]

    driver = SyncDriver(lambda call: call.method, executor)
    with executor._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(LIMIT_S)  # a child that hangs is killed
            well = False
            try:
                well = driver.run(steps()) == ["one", "two", "three"]
                executor.close()
            finally:
                os._exit(0 if well else 1)
    _, status = os.waitpid(child, 0)
    release.set()
    assert driver.run(steps()) == ["one", "two", "three"]
    executor.close()
    assert status == 0


def test_an_executor_that_is_gone_does_not_hinder_a_fork():
    gone = weakref.ref(Executor(1))
    gc.collect()
    assert gone() is None
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
