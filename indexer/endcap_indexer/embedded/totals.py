"""How many hits are counted, and how their number is said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .arguments import read_integer, read_integer_parameter
from .errors import illegal_argument
from .failures import ShardFailure
from .requests import read_flag

ALL, NONE = 2**31 - 1, -1
UNLESS_SAID = 10_000
COUNTED, AS_NUMBER = "track_total_hits", "rest_total_hits_as_int"
FLAGS = {"true": ALL, "false": NONE}


@dataclass(frozen=True)
class Totals:
    """The total that a search asks for."""

    asked: int | None  # up to how many hits are counted, ALL, NONE; None: not said
    is_number: bool

    @property
    def is_shown(self) -> bool:
        return self.asked != NONE

    def show(self, found: int) -> dict[str, Any]:
        """The part of a response's `hits`."""
        if not self.is_shown:
            return {"total": NONE} if self.is_number else {}
        if self.is_number:
            return {"total": found}
        counted = UNLESS_SAID if self.asked is None else self.asked
        if found <= counted:
            return {"total": {"value": found, "relation": "eq"}}
        return {"total": {"value": counted, "relation": "gte"}}


def read_totals(body: Mapping[str, Any], parameters: Mapping[str, str]) -> Totals:
    """The URL's word over the body's. As a number the total is that of all hits, or of none."""
    asked = _of_body(body[COUNTED]) if COUNTED in body else None
    if COUNTED in parameters:
        asked = _of_url(parameters[COUNTED])
    is_number = read_flag(AS_NUMBER, parameters.get(AS_NUMBER, "false"))
    if is_number and asked not in (None, ALL, NONE):
        raise illegal_argument(
            f"[{AS_NUMBER}] cannot be used if the tracking of total hits is not accurate,"
            f" got {asked}"
        )
    if asked is not None and asked < NONE:
        raise ShardFailure("illegal_argument_exception", f"value must be >= 0, got {asked}")
    return Totals(asked, is_number)


def _of_body(value: Any) -> int:
    if isinstance(value, bool):
        return ALL if value else NONE
    return FLAGS[value] if value in FLAGS else read_integer(value)


def _of_url(text: str) -> int:
    if text in FLAGS:
        return FLAGS[text]
    number = read_integer_parameter(COUNTED, text)
    if number < NONE:
        raise illegal_argument(
            f"[{COUNTED}] parameter must be positive or equals to -1, got {number}"
        )
    return number
