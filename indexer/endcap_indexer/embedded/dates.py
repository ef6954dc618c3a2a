"""Dates as a server reads and writes them: text or numbers in, epoch milliseconds inside."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from .errors import RequestError, unsupported

DEFAULT_FORMAT = "strict_date_optional_time||epoch_millis"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
ISO = (
    r"(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})(?:T(?:(?P<hour>\d{2})"
    r"(?::(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?)?)?"
    r"(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?)?)?)?"
)
LETTERS = {
    "yyyy": r"(?P<year>\d{4})",
    "uuuu": r"(?P<year>\d{4})",
    "MM": r"(?P<month>\d{2})",
    "dd": r"(?P<day>\d{2})",
    "HH": r"(?P<hour>\d{2})",
    "mm": r"(?P<minute>\d{2})",
    "ss": r"(?P<second>\d{2})",
    "SSS": r"(?P<fraction>\d{3})",
    "Z": r"(?P<zone>[+-]\d{4})",
}
STRFTIME = {
    "yyyy": "%Y",
    "uuuu": "%Y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
    "Z": "+0000",
}
NAMED = {
    "strict_date": "yyyy-MM-dd",
    "date": "yyyy-MM-dd",
    "strict_year_month": "yyyy-MM",
    "strict_year": "yyyy",
}
MILLISECONDS = {"epoch_millis": 1, "epoch_second": 1000}


class _Format(NamedTuple):
    parse: Callable[[str, bool], int]  # text, round up -> milliseconds; ValueError
    render: Callable[[int], str]


def parse_date(value: str | int | float, format: str, *, round_up: bool = False) -> int:
    """Milliseconds since the epoch; ValueError when no alternative of ``format`` reads the value.

    ``round_up`` fills a missing time of day with its end, as ``lte`` and ``gt`` of a range do.
    """
    text = value if isinstance(value, str) else str(value)
    for alternative in format.split("||"):
        try:
            return _format(alternative).parse(text, round_up)
        except ValueError:
            continue
    raise ValueError(f"failed to parse date field [{text}] with format [{format}]")


def render_date(milliseconds: int, format: str) -> str:
    """The text of a doc value or a bucket's key: the first alternative of ``format`` writes it."""
    return _format(format.split("||")[0]).render(milliseconds)


def check_format(format: str) -> None:
    """400 for a format that the embedded engine does not know."""
    for alternative in format.split("||"):
        _format(alternative)


def is_dynamic_date(text: str) -> str | None:
    """The format under which a new field with this text is mapped as a date."""
    if not any(mark in text for mark in ":-/"):
        return None
    for format, mapped in (
        ("strict_date_optional_time", DEFAULT_FORMAT),
        ("yyyy/MM/dd HH:mm:ss||yyyy/MM/dd", "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis"),
    ):
        try:
            parse_date(text, format)
        except ValueError:
            continue
        return mapped
    return None


@lru_cache(maxsize=256)
def _format(name: str) -> _Format:
    if name in MILLISECONDS:
        return _epoch(MILLISECONDS[name])
    if name.removeprefix("strict_") in ("date_optional_time", "date_time"):
        return _Format(_reader(ISO, whole=name.endswith("date_time")), _render_iso)
    pattern = NAMED.get(name, name)
    if any(mark in pattern for mark in "xXGEewWQqaAkKhnNVzO'[]"):
        raise unsupported(f"date format {name}")
    parts = re.findall(r"([A-Za-z])(\1*)|([^A-Za-z])", pattern)
    return _Format(_reader("".join(map(_part_pattern, parts))), _writer(parts, name))


def _part_pattern(part: tuple[str, str, str]) -> str:
    letters, literal = part[0] + part[1], part[2]
    if letters and letters not in LETTERS:
        raise _unknown_format(letters)
    return LETTERS[letters] if letters else re.escape(literal)


def _unknown_format(letters: str) -> RequestError:
    if letters[0] in "yuMdHmsSZ":
        return unsupported(f"date format {letters}")
    return RequestError(
        400, "illegal_argument_exception", f"Invalid format: Unknown pattern letter: {letters[0]}"
    )


def _epoch(unit: int) -> _Format:
    def parse(text: str, round_up: bool) -> int:
        if not EPOCH_NUMBER.fullmatch(text):
            raise ValueError(text)
        return int(float(text) * unit) if "." in text else int(text) * unit

    def render(milliseconds: int) -> str:
        return str(milliseconds // unit)

    return _Format(parse, render)


def _reader(pattern: str, *, whole: bool = False) -> Callable[[str, bool], int]:
    compiled = re.compile(pattern, re.ASCII)

    def parse(text: str, round_up: bool) -> int:
        found = compiled.fullmatch(text)
        if found is None or (whole and None in found.group("fraction", "zone")):
            raise ValueError(text)
        return _milliseconds(found.groupdict(), round_up)

    return parse


def _milliseconds(parts: dict[str, str | None], round_up: bool) -> int:
    hour, minute, second = (
        int(value) if value is not None else (default if round_up else 0)
        for value, default in (
            (parts.get("hour"), 23),
            (parts.get("minute"), 59),
            (parts.get("second"), 59),
        )
    )
    fraction = parts.get("fraction") or ("999" if round_up else "0")
    day = datetime(
        int(parts["year"] or 1970),
        int(parts.get("month") or 1),
        int(parts.get("day") or 1),
        hour,
        minute,
        second,
        tzinfo=UTC,
    )
    thousandths = int(fraction.ljust(3, "0")[:3])
    return (
        (day - EPOCH) // timedelta(milliseconds=1) + thousandths - _offset(parts.get("zone") or "Z")
    )


def _offset(zone: str) -> int:
    """Milliseconds east of Greenwich."""
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (minutes if zone[0] == "+" else -minutes) * 60_000


def _render_iso(milliseconds: int) -> str:
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _writer(parts: list[tuple[str, str, str]], name: str) -> Callable[[int], str]:
    def render(milliseconds: int) -> str:
        moment = EPOCH + timedelta(milliseconds=milliseconds)
        return "".join(
            literal
            if literal
            else f"{moment.microsecond // 1000:03d}"
            if first + rest == "SSS"
            else moment.strftime(STRFTIME[first + rest])
            for first, rest, literal in parts
        )

    return render
