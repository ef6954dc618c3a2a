"""The value of one field, from the JSON of a document or a query to what is indexed."""

import struct
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from .dates import parse_date

Value = str | int | float | bool

INTEGER_BITS = {"byte": 8, "short": 16, "integer": 32, "long": 64}
FLOAT_CODES = {"half_float": "<e", "float": "<f", "double": "<d"}
JAVA_NAMES = {"integer": "int"}
NUMERIC = frozenset(INTEGER_BITS) | frozenset(FLOAT_CODES)


class ValueRefused(Exception):
    """A value that its field cannot hold; type and reason as the server gives them."""

    def __init__(self, type: str, reason: str) -> None:
        super().__init__(reason)
        self.type = type
        self.reason = reason


def parse_value(raw: Any, type: str, format: str) -> Value | None:
    """The indexed value of one JSON value, None where nothing is indexed (an empty number)."""
    return _PARSERS[type](raw, type, format)


def preview(raw: Any) -> str:
    """A JSON value as Java prints it, for error messages."""
    if isinstance(raw, dict):
        return "{" + ", ".join(f"{key}={preview(value)}" for key, value in raw.items()) + "}"
    if isinstance(raw, list):
        return "[" + ", ".join(map(preview, raw)) + "]"
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return "null" if raw is None else str(raw)


def java_number(number: int | float) -> str:
    """A number as Java prints it: 1.0E30."""
    text = repr(number)
    if isinstance(number, int) or number == 0 or 1e-3 <= abs(number) < 1e7:
        return text
    digits, exponent = f"{Decimal(text).normalize():e}".lower().split("e")
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def _parse_text(raw: Any, type: str, format: str) -> str:
    if isinstance(raw, dict | list):
        raise ValueRefused("illegal_state_exception", "Can't get text on a START_OBJECT")
    return raw if isinstance(raw, str) else preview(raw)


def _parse_boolean(raw: Any, type: str, format: str) -> bool:
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str):
        if raw in ("true", "false", ""):
            return raw == "true"
        raise ValueRefused(
            "illegal_argument_exception",
            f"Failed to parse value [{raw}] as only [true] or [false] are allowed.",
        )
    raise ValueRefused("json_parse_exception", "Current token not of boolean type")


def _parse_date(raw: Any, type: str, format: str) -> int:
    if isinstance(raw, bool | dict | list):
        raise ValueRefused(
            "illegal_argument_exception",
            f"failed to parse date field [{preview(raw)}] with format [{format}]",
        )
    try:
        return parse_date(raw, format)
    except ValueError as error:
        raise ValueRefused("illegal_argument_exception", str(error)) from None


def _parse_integer(raw: Any, type: str, format: str) -> int | None:
    number = _number(raw)
    if number is None:
        return None
    truncated = int(number) if not isinstance(number, float) or number == number else 0
    limit = 1 << (INTEGER_BITS[type] - 1)
    if not -limit <= truncated < limit:
        name = JAVA_NAMES.get(type, type)
        raise ValueRefused(
            "input_coercion_exception",
            f"Numeric value ({preview(raw)}) out of range of {name} ({-limit} - {limit - 1})",
        )
    return truncated


def _parse_float(raw: Any, type: str, format: str) -> float | None:
    number = _number(raw)
    if number is None:
        return None
    code = FLOAT_CODES[type]
    try:
        rounded: float = struct.unpack(code, struct.pack(code, float(number)))[0]
    except OverflowError:
        raise ValueRefused(
            "illegal_argument_exception",
            f"[{type}] supports only finite values, but got [Infinity]",
        ) from None
    return rounded


def _number(raw: Any) -> int | float | Decimal | None:
    if isinstance(raw, bool | dict | list):
        raise ValueRefused(
            "json_parse_exception",
            "Current token not numeric, can not use numeric value accessors",
        )
    if not isinstance(raw, str):
        number: int | float = raw
        return number
    if raw == "":
        return None
    try:
        parsed = Decimal(raw)
    except InvalidOperation:
        parsed = Decimal("nan")
    if not parsed.is_finite():
        raise ValueRefused("illegal_argument_exception", f'For input string: "{raw}"')
    return parsed


_PARSERS: dict[str, Callable[[Any, str, str], Value | None]] = {
    "text": _parse_text,
    "keyword": _parse_text,
    "boolean": _parse_boolean,
    "date": _parse_date,
    **dict.fromkeys(INTEGER_BITS, _parse_integer),
    **dict.fromkeys(FLOAT_CODES, _parse_float),
}
