"""What a pipeline yields and what it is answered: the search is written without I/O, the drivers
perform it.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One engine call: a method of `opensearchpy.OpenSearch` and its keyword arguments."""

    method: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Computation:
    """Work of our own that must not block an event loop."""

    function: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """How a leg ended: with a value or with an error."""

    value: T | None = None
    error: Exception | None = None

    def result(self) -> T:
        """The leg's value; raises what the leg raised."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # a leg may well return None


class Late(Exception):
    """A leg had not ended by its deadline and was left behind."""


class Abandoned(Exception):
    """A leg was not gone on with, for this reason, which is not its own fault."""


@dataclass(frozen=True, slots=True)
class Legs:
    """Steps to run side by side; answered with one `Outcome` each.

    The first leg is always waited for. The others are left behind (`Late`) at `deadline`, in
    `time.monotonic` seconds.
    """

    legs: tuple["Steps[Any]", ...]
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Background:
    """Steps that nobody waits for; where they fail, the driver logs it."""

    steps: "Steps[Any]"


Step: TypeAlias = Call | Computation | Legs | Background
Steps: TypeAlias = Generator[Step, Any, T]


def advance(steps: "Steps[Any]", answer: Any, error: Exception | None) -> Step:
    """Hand a pipeline its answer, or the error that it decides about, and take its next step."""
    return steps.send(answer) if error is None else steps.throw(error)


def nothing() -> "Steps[None]":
    """A leg that has nothing to do is a leg all the same."""
    return None
    yield


def outcome_within(deadline: float | None, steps: "Steps[T]") -> "Steps[Outcome[T]]":
    """How steps ended; `Late` where the deadline passed first."""
    if deadline is not None:
        _, outcome = yield Legs((nothing(), steps), deadline)
        return outcome  # type: ignore[no-any-return]
    try:
        return Outcome((yield from steps))
    except Exception as failure:  # noqa: BLE001 - an outcome carries the failure to the pipeline
        return Outcome(error=failure)
