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
