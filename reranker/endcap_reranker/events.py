"""Rows of an event file, one at a time: which field is what, and what is wrong with it."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

FIELDS: Mapping[str, tuple[str, ...]] = {
    "user": ("user", "user_id", "client_id"),
    "item": ("item", "item_id", "product_id", "object_id"),
    "action": ("action", "action_name", "event"),
    "time": ("time", "timestamp"),
    "position": ("position",),
    "query": ("query", "user_query"),
}
ACTION_WEIGHTS: Mapping[str, float] = {
    "impression": 0.0,
    "view": 1.0,
    "click": 1.0,
    "watch": 1.0,
    "add_to_cart": 2.0,
    "purchase": 3.0,
}
MILLISECONDS = 1e11  # an epoch of seconds has this many in the year 5138
LARGEST = 1e14

Clock = Literal["time", "position", "file"]


class BadEvent(NamedTuple):
    """One row that is skipped; `place` names the file and the line."""

    place: str
    field: str
    reason: str


class BadFieldError(ValueError):
    """A field of the row at hand is missing or wrong."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


class Event(NamedTuple):
    """One thing a shopper did; `moment` is what orders the events of a shopper."""

    user: str
    item: str
    weight: float
    moment: float
    query: str


def find_clock(row: Mapping[str, Any]) -> Clock:
    """What orders the events: their time, else their position, else their order in the file."""
    if _find("time", row) is not None:
        return "time"
    return "file" if _find("position", row) is None else "position"


def read_event(row: Mapping[str, Any], clock: Clock, action_weights: Mapping[str, float]) -> Event:
    """The event in a row; raises BadFieldError."""
    return Event(
        _identifier("user", row),
        _identifier("item", row),
        _weight(row, action_weights),
        math.nan if clock == "file" else _moment(clock, row),
        str(row.get(_find("query", row) or "") or ""),
    )


@lru_cache(maxsize=256)
def _present(keys: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    return {role: tuple(n for n in names if n in keys) for role, names in FIELDS.items()}


def _find(role: str, row: Mapping[str, Any]) -> str | None:
    """The first field of this role that is filled in."""
    for name in _present(tuple(row))[role]:
        if row[name] is not None and row[name] != "":
            return name
    return None


def _identifier(role: str, row: Mapping[str, Any]) -> str:
    name = _find(role, row)
    if name is None:
        raise BadFieldError(role, f"missing; expected one of {', '.join(FIELDS[role])}")
    value = row[name]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadFieldError(name, f"{value!r} is not an id; write a string or a whole number")
    identifier = str(value)
    if "\0" in identifier or not _is_unicode(identifier):
        raise BadFieldError(name, f"{value!r} is not an id; it holds NUL or half a character")
    return identifier


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _weight(row: Mapping[str, Any], action_weights: Mapping[str, float]) -> float:
    name = _find("action", row)
    if name is None:
        return 1.0
    weight = action_weights.get(row[name]) if isinstance(row[name], str) else None
    if weight is None:
        known = ", ".join(action_weights)
        raise BadFieldError(name, f"{row[name]!r} has no weight; known are {known}")
    return weight


def _moment(clock: Clock, row: Mapping[str, Any]) -> float:
    name = _find(clock, row)
    if name is None:
        raise BadFieldError(clock, "missing, but the first row has it")
    if isinstance(row[name], bool):
        raise BadFieldError(name, f"{row[name]!r} is not a number")
    try:
        moment = float(row[name])
    except (TypeError, ValueError, OverflowError):
        moment = _iso(name, row[name]) if clock == "time" else math.nan
    if not math.isfinite(moment):
        raise BadFieldError(name, f"{row[name]!r} is not a number")
    return _seconds(name, moment) if clock == "time" else moment


def _iso(name: str, value: Any) -> float:
    """Seconds since 1970; a time without a zone is UTC."""
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        hint = "write 2026-11-23T09:00:00Z or seconds since 1970"
        raise BadFieldError(name, f"{value!r} is not a time; {hint}") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _seconds(name: str, epoch: float) -> float:
    if abs(epoch) >= LARGEST:
        raise BadFieldError(name, f"{epoch:g} is neither seconds nor milliseconds since 1970")
    return epoch / 1000 if abs(epoch) >= MILLISECONDS else epoch
