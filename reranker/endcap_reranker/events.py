"""Rows of events, one at a time: which field is what, and what is wrong with it."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from endcap_reranker.dialects import FIELDS

ACTION_WEIGHTS: Mapping[str, float] = {
    "impression": 0.0,
    "view": 1.0,
    "click": 1.0,
    "watch": 1.0,
    "add_to_cart": 2.0,
    "purchase": 3.0,
}
OURS = "endcap"  # the `application` of an event whose client_id is the shopper's hash already
MILLISECONDS = 1e11  # an epoch of seconds has this many in the year 5138
LARGEST = 1e14

Clock = Literal["time", "position", "file"]
Kind = Literal["user", "session", "key"]


class BadEvent(NamedTuple):
    """One row that is skipped; `place` names the file and the line."""

    place: str
    field: str
    reason: str


class BadFieldError(ValueError):
    """A field of the row at hand is missing or wrong; `problem` says so without the value."""

    def __init__(self, field: str, problem: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.problem = problem
        self.reason = reason


class Event(NamedTuple):
    """One thing a shopper did.

    kind: of the user's id; a "key" is a hash already. moment: what orders the events of a shopper.
    query: what was typed, "" where only `search`, the id of the search, is known, or nothing.
    """

    user: str
    kind: Kind
    item: str
    weight: float
    moment: float
    query: str
    search: str


def find_clock(row: Mapping[str, Any]) -> Clock:
    """What orders the events: their time, else their position, else their order in the file."""
    if _find("time", row) is not None:
        return "time"
    return "file" if _find("position", row) is None else "position"


def read_event(row: Mapping[str, Any], clock: Clock, action_weights: Mapping[str, float]) -> Event:
    """The event in the row of a plain table; raises BadFieldError."""
    kind = _kind(row)
    return Event(
        _identifier("session" if kind == "session" else "user", row),
        kind,
        _identifier("item", row),
        _weight(row, action_weights),
        math.nan if clock == "file" else _moment(clock, row),
        _text("query", row),
        _text("search", row),
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


def _kind(row: Mapping[str, Any]) -> Kind:
    """An anonymous session stands in for a shopper whom nobody knows."""
    if row.get("application") == OURS:
        return "key"
    unknown = _find("user", row) is None
    return "session" if unknown and _find("session", row) is not None else "user"


def _identifier(role: str, row: Mapping[str, Any]) -> str:
    name = _find(role, row)
    if name is None:
        raise BadFieldError(role, "missing", f"missing; expected one of {', '.join(FIELDS[role])}")
    value = row[name]
    if isinstance(value, bool) or not isinstance(value, str | int):
        reason = f"{value!r} is not an id; write a string or a whole number"
        raise BadFieldError(name, "no id", reason)
    identifier = str(value)
    if "\0" in identifier or not _is_unicode(identifier):
        reason = f"{value!r} is not an id; it holds NUL or half a character"
        raise BadFieldError(name, "no id", reason)
    return identifier


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _text(role: str, row: Mapping[str, Any]) -> str:
    name = _find(role, row)
    return "" if name is None else str(row[name])


def _weight(row: Mapping[str, Any], action_weights: Mapping[str, float]) -> float:
    name = _find("action", row)
    if name is None:
        return 1.0
    weight = action_weights.get(row[name]) if isinstance(row[name], str) else None
    if weight is None:
        known = ", ".join(action_weights)
        raise BadFieldError(name, "no weight", f"{row[name]!r} has no weight; known are {known}")
    return weight


def _moment(clock: Clock, row: Mapping[str, Any]) -> float:
    name = _find(clock, row)
    if name is None:
        raise BadFieldError(clock, "missing", "missing, but the first row has it")
    if isinstance(row[name], bool):
        raise BadFieldError(name, f"no {clock}", f"{row[name]!r} is not a number")
    try:
        moment = float(row[name])
    except (TypeError, ValueError, OverflowError):
        moment = _iso(name, row[name]) if clock == "time" else math.nan
    if not math.isfinite(moment):
        raise BadFieldError(name, f"no {clock}", f"{row[name]!r} is not a number")
    return _seconds(name, moment) if clock == "time" else moment


def _iso(name: str, value: Any) -> float:
    """Seconds since 1970; a time without a zone is UTC."""
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        hint = "write 2026-11-23T09:00:00Z or seconds since 1970"
        raise BadFieldError(name, "no time", f"{value!r} is not a time; {hint}") from None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def _seconds(name: str, epoch: float) -> float:
    if abs(epoch) >= LARGEST:
        reason = f"{epoch:g} is neither seconds nor milliseconds since 1970"
        raise BadFieldError(name, "no time", reason)
    return epoch / 1000 if abs(epoch) >= MILLISECONDS else epoch
