"""One value of a field in, the value to index out; WrongValue says what to write instead.

Numbers and booleans may come as text, since CSV knows nothing else.
"""

import math
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.catalogue.text import clean

_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_LONGEST_ID = 512  # bytes: the engine's own limit
_LONGEST_KEYWORD = 8191  # characters: 32,766 bytes, Lucene's limit of a term, at four bytes each


class WrongValue(Exception):
    """A value that does not fit its field's role."""


def read_id(value: Any) -> str:
    """Text or a whole number, as text of at most 512 bytes."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise WrongValue(f"{_shown(value)} is no id; write text or a whole number")
    id = str(value).strip()
    if not id:
        raise WrongValue("is empty; every product needs an id")
    if len(id) > _LONGEST_ID // 4 and len(id.encode()) > _LONGEST_ID:
        raise WrongValue(f"is longer than {_LONGEST_ID} bytes")
    return id


def read_title(value: Any) -> str:
    """Text that says something once it is cleaned; a whole number is a title too."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise WrongValue(f"{_shown(value)} is no title; write text")
    title = clean(str(value))
    if not title:
        raise WrongValue("is empty; every product needs a title")
    return title


def read_text(value: Any) -> Any:
    """Text cleaned, alone or in lists; numbers become text."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [read_text(part) for part in value if part is not None]
    if isinstance(value, dict):
        raise WrongValue("is an object; name the field under catalogue.objects")
    return _number_as_text(value)


def read_keyword(value: Any) -> Any:
    """Short text cleaned, alone or in lists; numbers become text."""
    if isinstance(value, list):
        return [read_keyword(part) for part in value if part is not None]
    text: str = read_text(value)
    if len(text) > _LONGEST_KEYWORD:
        raise WrongValue(f"is longer than {_LONGEST_KEYWORD} characters; make it text")
    return text


def read_category(value: Any) -> Any:
    """A path as a list of levels, outermost first, or a list of such paths; `A > B` is split."""
    if isinstance(value, str) and ">" in value:
        return [level for part in clean(value).split(">") if (level := part.strip())]
    return read_keyword(value)


def read_number(value: Any) -> float:
    """A finite number, or text that is one."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise WrongValue(f"{_shown(value)} is no number; write one such as 12.99") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValue(f"{_shown(value)} is no number; write one such as 12.99")
    if not math.isfinite(value):
        raise WrongValue(f"{value} is not finite; leave the field out where nothing is known")
    return value


def read_positive(value: Any) -> float:
    """A finite number from 0."""
    number = read_number(value)
    if number < 0:
        raise WrongValue(f"{number} is negative; write 0 or more, or leave the field out")
    return number


def read_boolean(value: Any) -> bool:
    """true or false, or one of these words."""
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    if not isinstance(value, bool):
        raise WrongValue(f"{_shown(value)} is no boolean; write true or false")
    return value


def read_date(value: Any) -> str | int:
    """ISO 8601 (2024-05-31, 2024-05-31T09:30:00Z), or whole milliseconds since 1970."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            datetime.fromisoformat(value)
        except ValueError:
            raise WrongValue(f"{_shown(value)} is no day of the calendar") from None
        return value
    raise WrongValue(f"{_shown(value)} is no date; write one such as 2024-05-31")


def read_object(value: Any) -> dict[str, Any]:
    """Free attributes: an object, whose values may be anything."""
    if not isinstance(value, dict):
        raise WrongValue(
            f"{_shown(value)} is no object; name the field under catalogue.text instead"
        )
    return value


def read_vector(value: Any) -> NDArray[np.float32]:
    """A list of finite numbers that are not all zero, scaled to unit length."""
    numbers = value if isinstance(value, list) else ()
    if not numbers or not all(type(number) in (float, int) for number in numbers):
        raise WrongValue(f"{_shown(value)} is no vector; write a list of numbers")
    vector = np.array(numbers, dtype=np.float64)
    largest = float(np.abs(vector).max())
    if not math.isfinite(largest) or largest == 0:
        raise WrongValue("has a number that is not finite" if largest else "is zero everywhere")
    vector /= largest
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def words_of(value: Any) -> str:
    """The text among free attributes, cleaned; a number says nothing without its name."""
    words: list[str] = []
    _collect([value], words)
    return clean(" ".join(words))


def _collect(value: Any, words: list[str]) -> None:
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, str):
            words.append(part)
        elif isinstance(part, dict | list):
            _collect(part, words)


def flatten(value: Any) -> Iterator[Any]:
    """The single values of lists and objects, at any depth, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from flatten(part)
    elif value is not None:
        yield value


def _number_as_text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValue(f"{_shown(value)} is no text")
    return str(value)


def _shown(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:37]}…"
