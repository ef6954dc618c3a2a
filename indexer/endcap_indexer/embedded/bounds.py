"""The documents whose values, or whose last write's number, lie between bounds."""

import math
from typing import Any

import numpy as np
import tantivy

from .arguments import parsing_error
from .clauses import Clause
from .columns import MARKS, SEQ_NO, Column
from .dates import check_format, parse_date
from .errors import RequestError, unsupported
from .failures import ShardFailure
from .fields import Field
from .snapshots import Snapshot
from .values import FLOAT_CODES, INTEGER_BITS, ValueRefused, java_number, parse_value, preview

SEQUENCE = Column(SEQ_NO, Field("_seq_no", "long"))


def between(snapshot: Snapshot, column: Column, arguments: dict[str, Any]) -> Clause:
    type = column.field.type
    bounds: dict[str, Any]
    if type != "date" and any(arguments[key] == "" for key in _given(arguments)):
        raise not_created("empty String")
    if type == "date":
        bounds = {key: _date_bound(column, key, arguments) for key in _given(arguments)}
        kind = tantivy.FieldType.Integer
    elif type in FLOAT_CODES:
        bounds = {key: _float_bound(column, arguments[key]) for key in _given(arguments)}
        kind = tantivy.FieldType.Float
    elif type in INTEGER_BITS:
        bounds = dict(_integer_bound(column, key, arguments[key]) for key in _given(arguments))
        kind = tantivy.FieldType.Integer
    else:
        raise unsupported(f"range on a field of type {type}")
    if "format" in arguments and type != "date":
        raise not_created(f"Field [{column.field.name}] of type [{type}] does not support format")
    if not bounds:
        marks = tantivy.Query.term_query(snapshot.schema, MARKS, column.name)
        return Clause(marks)
    query = tantivy.Query.range_query(
        snapshot.schema,
        column.name,
        kind,
        lower_bound=bounds.get("gte", bounds.get("gt")),
        upper_bound=bounds.get("lte", bounds.get("lt")),
        include_lower="gt" not in bounds,
        include_upper="lt" not in bounds,
    )
    return Clause(query)


def written_between(snapshot: Snapshot, arguments: dict[str, Any]) -> Clause:
    """The documents whose last write has a number in this range."""
    given = _given(arguments)
    for key in given:
        if read_integer(SEQUENCE, arguments[key]) != math.floor(
            read_integer(SEQUENCE, arguments[key])
        ):
            raise not_created(f"Value [{java_number(arguments[key])}] has a decimal part")
    return between(snapshot, SEQUENCE, arguments) if given else Clause(snapshot.everything)


def read_integer(column: Column, value: Any) -> int | float:
    """A number as a query gives it to an integer field, within what the field could hold."""
    try:
        number = value if type(value) is int else float(parse_value(value, "double", "") or 0)
    except ValueRefused as error:
        raise not_created(error.reason) from None
    name, bits = ("a long", 64) if column.field.type == "long" else ("an integer", 32)
    if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
        raise not_created(f"Value [{java_number(number)}] is out of range for {name}")
    return number


def _given(arguments: dict[str, Any]) -> list[str]:
    """The bounds of a range; null is none."""
    given = [key for key in ("gte", "gt", "lte", "lt") if arguments.get(key) is not None]
    for one, other, side in (("gte", "gt", "lower"), ("lte", "lt", "upper")):
        if one in given and other in given:
            raise parsing_error(f"invalid {side} bound for [range] query")
    return given


def _date_bound(column: Column, key: str, arguments: dict[str, Any]) -> int:
    value = arguments[key]
    format = arguments.get("format", column.field.format)
    check_format(format)
    if isinstance(value, str) and ("||" in value or value.startswith("now")):
        raise unsupported("date math")
    try:
        return parse_date(
            value if isinstance(value, str) else preview(value),
            format,
            round_up=key in ("lte", "gt"),
        )
    except ValueError as error:
        raise ShardFailure("parse_exception", f"{error}: [{error}]") from None


def _float_bound(column: Column, value: Any) -> float:
    try:
        parsed = parse_value(value, column.field.type, "")
    except ValueRefused as error:
        if "finite" in error.reason:
            return math.copysign(np.inf, float(value))
        raise not_created(error.reason) from None
    return float(parsed or 0.0)


def _integer_bound(column: Column, key: str, value: Any) -> tuple[str, int]:
    """A bound with a fraction is moved to the next integer inside the range."""
    number = read_integer(column, value)
    if number == math.floor(number):
        return key, int(number)
    return key[:2] + "e", math.ceil(number) if key.startswith("g") else math.floor(number)


def not_created(reason: str) -> RequestError:
    return ShardFailure("query_shard_exception", f"failed to create query: {reason}")
