"""A breaker against what it is meant to be, whatever happens to its stage in whatever order."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from endcap.breakers import Breaker, Breakers

LIMIT, PAUSE_S = 3, 10.0
SEARCHES = 64


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class BreakerMachine(RuleBasedStateMachine):
    """Searches begin and end as they like; the model counts what they said, and when."""

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker("stage", LIMIT, PAUSE_S, self.clock)
        self.in_a_row = 0  # faults, of what counted
        self.opened = None  # when it did so last, or when the last trial began
        self.trying = False

    @rule(seconds=st.floats(0, 2 * PAUSE_S))
    def time_passes(self, seconds):
        self.clock.now += seconds

    @rule()
    def a_search_begins(self):
        due = self.opened is not None and self.clock.now >= self.opened + PAUSE_S
        assert self.breaker.admits() is (self.opened is None or due)
        if due:
            self.opened, self.trying = self.clock.now, True

    @rule()
    def one_ends_well(self):
        self.breaker.succeeded()
        if self.opened is None or self.trying:
            self.in_a_row, self.opened, self.trying = 0, None, False

    @rule()
    def one_fails(self):
        self.breaker.failed("refused")
        if self.opened is None or self.trying:
            self.in_a_row += 1
            if self.in_a_row >= LIMIT:
                self.opened, self.trying = self.clock.now, False

    @precondition(lambda self: self.opened is not None)
    @rule()
    def the_stage_is_back(self):
        """Whatever happened, one pause and one trial that ends well close it."""
        self.clock.now = max(self.clock.now, self.opened + PAUSE_S)
        assert self.breaker.admits()
        assert not self.breaker.admits()
        self.breaker.succeeded()
        assert self.breaker.admits()
        self.in_a_row, self.opened, self.trying = 0, None, False

    @invariant()
    def it_says_what_it_is(self):
        expected = "closed" if self.opened is None else "half-open" if self.trying else "open"
        assert self.breaker.state == expected


BreakerMachine.TestCase.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
test_a_breaker_is_what_it_is_meant_to_be = BreakerMachine.TestCase


def opened(clock):
    breaker = Breaker("vector leg", LIMIT, PAUSE_S, clock)
    for number in range(LIMIT):
        assert breaker.admits()
        breaker.failed(f"fault {number}")
    return breaker


def test_an_open_breaker_says_since_when_and_why(caplog):
    breaker = opened(Clock())
    assert breaker.reason.startswith("vector leg is left out since 2")
    assert breaker.reason.endswith("Z: 3 faults, the last: fault 2")
    (record,) = caplog.records
    assert record.getMessage() == breaker.reason


def test_a_trial_that_fails_leaves_the_day_on_which_it_opened():
    clock = Clock()
    breaker = opened(clock)
    since = breaker.reason.partition("Z:")[0]
    clock.now += PAUSE_S
    assert breaker.admits()
    breaker.failed("again")
    assert not breaker.admits()
    assert breaker.reason == f"{since}Z: 4 faults, the last: again"


@pytest.mark.parametrize("due", [0, 1])
def test_of_many_searches_at_once_one_tries_the_stage(due):
    clock = Clock()
    breaker, start = opened(clock), threading.Barrier(SEARCHES)
    clock.now += due * PAUSE_S

    def ask(_):
        start.wait()
        return breaker.admits()

    with ThreadPoolExecutor(SEARCHES) as shop:
        assert sum(shop.map(ask, range(SEARCHES))) == due


def test_every_stage_of_every_index_has_its_own():
    breakers = Breakers(1, PAUSE_S)
    breakers.of("shoes", "vector leg").failed("refused")
    assert not breakers.of("shoes", "vector leg").admits()
    assert breakers.of("shoes", "history leg").admits()
    assert breakers.of("hats", "vector leg").admits()


def test_a_client_of_many_indices_keeps_as_many_as_it_uses(monkeypatch):
    monkeypatch.setattr("endcap.breakers.KEPT", 2)
    breakers = Breakers(1, PAUSE_S)
    for index in ("one", "two", "three"):
        breakers.of(index, "vector leg").failed("refused")
    assert breakers.of("one", "vector leg").admits()
    assert not breakers.of("three", "vector leg").admits()


def test_a_forked_child_begins_with_closed_ones():
    """Although another thread holds the lock at the fork."""
    breakers = Breakers(1, PAUSE_S)
    breakers.of("shoes", "vector leg").failed("refused")
    with breakers._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if breakers.of("shoes", "vector leg").admits() else 1)
    assert os.waitpid(child, 0)[1] == 0
