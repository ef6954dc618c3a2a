"""function_score: a query's scores times, plus or in place of functions of the documents."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import tantivy
from numpy.typing import NDArray

from .arguments import check_keys, parsing_error, read_boost, read_float, read_object
from .clauses import NOTHING, Clause, Scores, found_by, is_found
from .columns import Column
from .errors import RequestError, illegal_argument, unsupported
from .failures import ShardFailure, no_doc_values
from .snapshots import Snapshot
from .values import NUMERIC

T = TypeVar("T")
ParseQuery = Callable[[Snapshot, Any], Clause]

FUNCTIONS = {"weight", "field_value_factor"}
ELSEWHERE = {"random_score", "script_score", "gauss", "linear", "exp"}
TOP = {"query", "functions", "boost", "boost_mode", "score_mode", "max_boost", "min_score"}
MAX_FLOAT = float(np.finfo(np.float32).max)
MODIFIERS: dict[str, Callable[[Scores], Scores]] = {
    "none": lambda x: x,
    "log": np.log10,
    "log1p": lambda x: np.log10(x + 1),
    "log2p": lambda x: np.log10(x + 2),
    "ln": np.log,
    "ln1p": np.log1p,
    "ln2p": lambda x: np.log1p(x + 1),
    "square": np.square,
    "sqrt": np.sqrt,
    "reciprocal": lambda x: 1.0 / x,
}


class _Factor(NamedTuple):
    """field_value_factor: modifier(factor · value)."""

    column: Column
    factor: float
    modifier: str
    missing: float | None


class _Function(NamedTuple):
    filter: Clause | None  # None: every document
    weight: float
    factor: _Factor | None  # None: the weight alone


def function_score(snapshot: Snapshot, body: Any, parse_query: ParseQuery) -> Clause:
    arguments = read_object("function_score", body)
    check_keys("function_score", arguments, TOP | FUNCTIONS, ELSEWHERE)
    if "min_score" in arguments:
        raise unsupported("function_score.min_score")
    clause = parse_query(snapshot, arguments.get("query", {"match_all": {}}))
    functions = _read_functions(snapshot, arguments, parse_query)
    if clause is NOTHING:
        return NOTHING
    combine = _choice(_SCORE_MODES, "score_mode", arguments)
    merge = _choice(_BOOST_MODES, "boost_mode", arguments)
    most = read_float("function_score", arguments, "max_boost", MAX_FLOAT)

    def score(snapshot: Snapshot, seq_nos: NDArray[np.int64], within: tantivy.Query) -> Scores:
        found = is_found(snapshot, clause, seq_nos, within)
        own = clause.scores(snapshot, seq_nos, within)
        if not functions or not found.any():
            return own
        values, present = _evaluate(snapshot, functions, seq_nos, within, found)
        weights = np.array([function.weight for function in functions])[:, None]
        factors = np.where(present.any(axis=0), combine(values, present, weights), 1.0)
        return np.where(found, merge(own, np.minimum(factors, most)), 0.0)

    scored = Clause(clause.query, None, clause.phrases, score)
    return scored.boosted(read_boost("function_score", arguments))


def _read_functions(
    snapshot: Snapshot, arguments: dict[str, Any], parse_query: ParseQuery
) -> list[_Function]:
    single = {key: arguments[key] for key in FUNCTIONS & arguments.keys()}
    if "functions" not in arguments:
        return [_read_function(snapshot, single, parse_query)] if single else []
    if single:
        raise parsing_error(
            "failed to parse [function_score] query. already found [functions] array, now"
            f" encountering [{next(iter(single))}]."
        )
    if not isinstance(arguments["functions"], list):
        raise parsing_error("failed to parse [function_score] query. [functions] is no array")
    return [_read_function(snapshot, item, parse_query) for item in arguments["functions"]]


def _read_function(snapshot: Snapshot, body: Any, parse_query: ParseQuery) -> _Function:
    arguments = read_object("function_score", body)
    check_keys("function_score", arguments, FUNCTIONS | {"filter"}, ELSEWHERE)
    if not FUNCTIONS & arguments.keys():
        raise parsing_error("an entry in functions list is missing a function.")
    weight = read_float("function_score", arguments, "weight", 1.0)
    if weight < 0:
        raise illegal_argument(f"[weight] cannot be negative for a filtering function: [{weight}]")
    return _Function(
        parse_query(snapshot, arguments["filter"]) if "filter" in arguments else None,
        weight,
        _read_factor(snapshot, arguments["field_value_factor"])
        if "field_value_factor" in arguments
        else None,
    )


def _read_factor(snapshot: Snapshot, body: Any) -> _Factor:
    arguments = read_object("field_value_factor", body)
    check_keys("field_value_factor", arguments, {"field", "factor", "modifier", "missing"})
    name = arguments.get("field")
    if not isinstance(name, str):
        raise parsing_error("[field_value_factor] required field 'field' missing")
    modifier = str(arguments.get("modifier", "none")).lower()
    if modifier not in MODIFIERS:
        raise RequestError(
            400,
            "illegal_argument_exception",
            "No enum constant org.opensearch.common.lucene.search.function"
            f".FieldValueFactorFunction.Modifier.{modifier.upper()}",
        )
    column = snapshot.columns.get(name)
    if column is None:
        reason = f"Unable to find a field mapper for field [{name}]. No 'missing' value defined."
        raise ShardFailure("exception", reason)
    if not column.field.doc_values:
        raise no_doc_values(name, column.field.type)
    if column.field.type not in NUMERIC:
        raise unsupported(f"field_value_factor on a field of type {column.field.type}")
    missing = arguments.get("missing")
    return _Factor(
        column,
        read_float("field_value_factor", arguments, "factor", 1.0),
        modifier,
        None if missing is None else read_float("field_value_factor", arguments, "missing", 0.0),
    )


def _evaluate(
    snapshot: Snapshot,
    functions: list[_Function],
    seq_nos: NDArray[np.int64],
    within: tantivy.Query,
    found: NDArray[np.bool_],
) -> tuple[Scores, NDArray[np.bool_]]:
    """(functions, documents): each function's value, and whether it applies to the document."""
    values, present = [], []
    for function in functions:
        applies = found
        if function.filter is not None:
            applies = found & is_found(snapshot, function.filter, seq_nos, within)
        value = np.full(len(seq_nos), function.weight)
        if function.factor is not None:
            value *= _factors(snapshot, function.factor, seq_nos, within, applies)
        values.append(value)
        present.append(applies)
    return np.array(values), np.array(present)


def _factors(
    snapshot: Snapshot,
    factor: _Factor,
    seq_nos: NDArray[np.int64],
    within: tantivy.Query,
    applies: NDArray[np.bool_],
) -> Scores:
    found, _, addresses = found_by(snapshot, within)
    lists = snapshot.values(factor.column, found.tolist(), addresses)
    values = np.ones(len(seq_nos))
    wanted = applies[np.searchsorted(seq_nos, found)]
    first = [
        _first(factor, items) if needed else 1.0
        for items, needed in zip(lists, wanted.tolist(), strict=True)
    ]
    values[np.searchsorted(seq_nos, found)] = first
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = MODIFIERS[factor.modifier](values * factor.factor)
    if bad := np.flatnonzero(applies & ~(scaled >= 0)).tolist():
        raise ShardFailure(
            "illegal_argument_exception",
            "field value function must not produce negative scores, but got:"
            f" [{scaled[bad[0]]}] for field value: [{values[bad[0]]}]",
        )
    return scaled


def _first(factor: _Factor, items: list[Any]) -> float:
    if items:
        return float(items[0])
    if factor.missing is None:
        reason = f"Missing value for field [{factor.column.field.name}]"
        raise ShardFailure("exception", reason, status=500)
    return factor.missing


Combine = Callable[[Scores, NDArray[np.bool_], Scores], Scores]
Merge = Callable[[Scores, Scores], Scores]


def _first_present(values: Scores, present: NDArray[np.bool_], weights: Scores) -> Scores:
    chosen: Scores = np.take_along_axis(values, present.argmax(axis=0)[None, :], axis=0)[0]
    return chosen


def _average(values: Scores, present: NDArray[np.bool_], weights: Scores) -> Scores:
    total: Scores = np.where(present, weights, 0.0).sum(axis=0)
    summed: Scores = np.where(present, values, 0.0).sum(axis=0)
    return summed / np.where(total == 0, 1.0, total)


_SCORE_MODES: dict[str, Combine] = {
    "multiply": lambda values, present, weights: np.where(present, values, 1.0).prod(axis=0),
    "sum": lambda values, present, weights: np.where(present, values, 0.0).sum(axis=0),
    "avg": _average,
    "first": _first_present,
    "max": lambda values, present, weights: np.where(present, values, -np.inf).max(axis=0),
    "min": lambda values, present, weights: np.where(present, values, np.inf).min(axis=0),
}
_BOOST_MODES: dict[str, Merge] = {
    "multiply": lambda own, factors: own * factors,
    "replace": lambda own, factors: factors,
    "sum": lambda own, factors: own + factors,
    "avg": lambda own, factors: (own + factors) / 2,
    "max": np.maximum,
    "min": np.minimum,
}


def _choice(choices: dict[str, T], key: str, arguments: dict[str, Any]) -> T:
    name = str(arguments.get(key, "multiply")).lower()
    if name not in choices:
        raise RequestError(
            400, "illegal_argument_exception", f"illegal {key.replace('_', ' ')} [{name}]"
        )
    return choices[name]
