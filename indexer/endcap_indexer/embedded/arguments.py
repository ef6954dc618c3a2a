"""Reading the objects of the query language: what is unknown is refused, by name."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from .errors import RequestError, malformed, unsupported
from .failures import ShardFailure

INTEGERS = range(-(2**31), 2**31)


def parsing_error(reason: str) -> RequestError:
    return RequestError(400, "parsing_exception", reason)


def check_keys(
    query: str, arguments: dict[str, Any], known: Iterable[str], elsewhere: Iterable[str] = ()
) -> None:
    """400 for a key that is neither ``known``; those ``elsewhere`` are a server's and not ours."""
    for key in arguments.keys() - set(known):
        if key in elsewhere or key == "_name":
            raise unsupported(f"{query}.{key}")
        raise parsing_error(f"[{query}] query does not support [{key}]")


def read_object(query: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise parsing_error(f"[{query}] query malformed, no start_object after query name")
    return value


def one_field(query: str, body: Any, short: str) -> tuple[str, dict[str, Any]]:
    """The field and its arguments of ``{field: {...}}``, or of ``{field: value}`` as ``short``."""
    fields = list(read_object(query, body).items())
    if len(fields) > 1:
        names = " and ".join(f"[{name}]" for name, _ in fields[:2])
        raise parsing_error(f"[{query}] query doesn't support multiple fields, found {names}")
    if not fields:
        raise parsing_error(_EMPTY.get(query, f"[{query}] query has no field"))
    name, value = fields[0]
    if isinstance(value, list):
        raise parsing_error(
            "[term] query does not support array of values"
            if query == "term"
            else f"[{query}] query does not support [{name}]"
        )
    return name, value if isinstance(value, dict) else {short: value}


def read_whole(kind: str, arguments: dict[str, Any], key: str, default: int) -> int:
    """A whole number of an aggregation."""
    value = arguments.get(key, default)
    try:
        return int(not_flag(value))
    except (TypeError, ValueError):
        raise malformed(f"[{kind}] failed to parse field [{key}]") from None


def is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)


def not_flag(value: Any) -> Any:
    """The value, unless it is true or false, which Python takes for numbers."""
    if isinstance(value, bool):
        reason = f"Current token ({value}) not numeric, can not use numeric value accessors"
        raise RequestError(400, "json_parse_exception", reason)
    return value


def read_integer(value: Any) -> int:
    """A whole number of a search's body, as far as Java's reach."""
    try:
        number = int(not_flag(value))
    except ValueError:
        raise RequestError(400, "number_format_exception", f'For input string: "{value}"') from None
    if number not in INTEGERS:
        reason = f"Numeric value ({value}) out of range of int (-2147483648 - 2147483647)"
        raise RequestError(400, "input_coercion_exception", reason)
    return number


def read_integer_parameter(name: str, text: str) -> int:
    """The same of a URL."""
    with suppress(ValueError):
        if (number := int(text)) in INTEGERS:
            return number
    reason = f"Failed to parse int parameter [{name}] with value [{text}]"
    cause = {"type": "number_format_exception", "reason": f'For input string: "{text}"'}
    raise RequestError(400, "illegal_argument_exception", reason, caused_by=cause)


def read_float(query: str, arguments: dict[str, Any], key: str, default: float) -> float:
    value = not_flag(arguments.get(key, default))
    try:
        return float(value)
    except (TypeError, ValueError):
        raise parsing_error(f"[{query}] [{key}] is no number: [{value}]") from None


def read_boost(query: str, arguments: dict[str, Any]) -> float:
    boost = read_float(query, arguments, "boost", 1.0)
    if boost < 0:
        reason = f"negative [boost] are not allowed in [{query}], use a value between 0 and 1"
        raise RequestError(400, "illegal_argument_exception", reason)
    return boost


def minimum_matches(specification: Any, clauses: int) -> int:
    """How many of so many optional clauses must match: `3`, `-1`, `75%`, `-25%`, `2<75% 5<90%`."""
    text = str(specification).strip()
    if "<" not in text:
        return max(0, _simple_minimum(text, clauses))
    result = clauses
    for condition in text.split():
        bound, _, wanted = condition.partition("<")
        if clauses <= _integer(bound, text):
            return result
        result = max(0, _simple_minimum(wanted, clauses))
    return result


def _simple_minimum(text: str, clauses: int) -> int:
    if text.endswith("%"):
        share = int(clauses * _integer(text[:-1], text) / 100)
        return clauses + share if text.startswith("-") else share
    number = _integer(text, text)
    return clauses + number if number < 0 else number


def _integer(text: str, whole: str) -> int:
    try:
        return int(text)
    except ValueError:
        reason = f'failed to create query: For input string: "{whole}"'
        raise ShardFailure("query_shard_exception", reason) from None


_EMPTY = {"match": "No text specified for text query"}
