"""Python's values as JSON has them: Parquet and databases hold more than text and numbers."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np

from endcap_indexer.catalogue.formats import Broken, Found
from endcap_indexer.catalogue.values import WrongValue

_NUMBERS = {bool, int, float}


def plain_row(values: Mapping[str, Any]) -> Found:
    """A row as a line of JSON would have it, without its nulls; or the first field that is none."""
    row = {}
    for name, value in values.items():
        if isinstance(value, WrongValue):
            return Broken(str(name), str(value))
        if value is None:
            continue
        try:
            row[str(name)] = plain(value)
        except WrongValue as wrong:
            return Broken(str(name), str(wrong))
    return row


def plain(value: Any) -> Any:
    """Text, number, boolean, list or object; WrongValue says what to write instead.

    Dates and times are ISO 8601, with a zone in UTC; decimals are numbers, bytes are UTF-8. An
    object leaves out what it has no value for.
    """
    if type(value) in _NUMBERS or value is None:
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple):
        return _list(value)
    if isinstance(value, Mapping):
        return {_key(key): plain(each) for key, each in value.items() if each is not None}
    return _other(value)


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as broken:
        raise WrongValue(f"character {broken.start + 1} is half a surrogate; write text") from None
    return value


def _list(value: list[Any] | tuple[Any, ...]) -> list[Any]:
    if set(map(type, value)) <= _NUMBERS:  # a vector, say
        return list(value)
    return [plain(each) for each in value]


def _key(value: Any) -> str:
    found = plain(value)
    return found if isinstance(found, str) else str(found)


def _other(value: Any) -> Any:
    if isinstance(value, datetime):
        zoned = value.astimezone(UTC) if value.tzinfo else value
        return zoned.isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        whole = value.is_finite() and value == value.to_integral_value()
        return int(value) if whole and "." not in str(value) else float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _decoded(bytes(value))
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, int | float):  # an enumeration, say
        return value.real
    raise WrongValue(
        f"is of the type {type(value).__name__}, which JSON does not have; write text or a number,"
        " or leave the field out"
    )


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as broken:
        raise WrongValue(
            f"byte {broken.start + 1} is not UTF-8; write text, or leave the field out"
        ) from None
