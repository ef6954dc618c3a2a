"""One mapped field: which types and parameters there are, and what they mean."""

from dataclasses import dataclass
from typing import Any

from .dates import DEFAULT_FORMAT, check_format
from .errors import RequestError, illegal_argument, unsupported
from .values import NUMERIC, Value, ValueRefused, parse_value, preview

ANALYZERS = ("standard", "english")
OTHER_ANALYZERS = frozenset(
    "simple whitespace stop keyword pattern fingerprint snowball arabic armenian basque bengali"
    " brazilian bulgarian catalan cjk czech danish dutch estonian finnish french galician german"
    " greek hindi hungarian indonesian irish italian latvian lithuanian norwegian persian"
    " portuguese romanian russian sorani spanish swedish thai turkish".split()
)
OTHER_TYPES = frozenset(
    "alias binary completion constant_keyword date_nanos date_range derived double_range"
    " flat_object float_range geo_point geo_shape integer_range ip ip_range join knn_vector"
    " long_range match_only_text nested percolator rank_feature rank_features scaled_float"
    " search_as_you_type semantic semantic_version sparse_vector star_tree token_count"
    " unsigned_long version wildcard xy_point xy_shape".split()
)
PARAMETERS = {
    "text": {"analyzer", "search_analyzer", "index", "fields", "meta"},
    "keyword": {"index", "doc_values", "ignore_above", "fields", "meta"},
    "date": {"index", "doc_values", "format", "fields", "meta"},
    "boolean": {"index", "doc_values", "fields", "meta"},
    **dict.fromkeys(NUMERIC, {"index", "doc_values", "coerce", "fields", "meta"}),
}
OTHER_PARAMETERS = frozenset(
    "boost coerce copy_to doc_values eager_global_ordinals fielddata fielddata_frequency_filter"
    " ignore_malformed ignore_above index_options index_phrases index_prefixes locale normalizer"
    " norms null_value position_increment_gap print_format search_quote_analyzer similarity"
    " split_queries_on_whitespace store term_vector use_similarity format skip_list".split()
)
FIXED = ("type", "index", "doc_values", "analyzer", "format")  # what an update may not change
MAX_TERM_BYTES = 32766


@dataclass(frozen=True, slots=True)
class Field:
    """One indexed field; a multi-field has its own, named ``parent.name``."""

    name: str
    type: str
    index: bool = True
    doc_values: bool = True
    analyzer: str = "standard"
    search_analyzer: str = "standard"
    ignore_above: int | None = None
    format: str = DEFAULT_FORMAT

    def parse(self, raw: Any) -> Value | None:
        """The value to index, None for one that is not indexed; ValueRefused."""
        value = parse_value(raw, self.type, self.format)
        if self.type != "keyword" or not isinstance(value, str):
            return value
        if self.ignore_above is not None and _utf16_length(value) > self.ignore_above:
            return None
        if len(value) * 4 > MAX_TERM_BYTES and len(value.encode()) > MAX_TERM_BYTES:
            raise ValueRefused("max_bytes_length_exceeded_exception", "immense term")
        return value

    def refuse(self, raw: Any, id: str, error: ValueRefused) -> RequestError:
        """The answer to a document whose value this field cannot hold."""
        if error.type == "max_bytes_length_exceeded_exception":
            return illegal_argument(
                f'Document contains at least one immense term in field="{self.name}" (whose UTF8 '
                f"encoding is longer than the max length {MAX_TERM_BYTES})"
            )
        return RequestError(
            400,
            "mapper_parsing_exception",
            f"failed to parse field [{self.name}] of type [{self.type}] in document with id '{id}'."
            f" Preview of field's value: '{preview(raw)}'",
            caused_by={"type": error.type, "reason": error.reason},
        )


def parse_field(name: str, definition: dict[str, Any]) -> Field:
    """A Field from the JSON of its definition; 400 as the server answers a bad one."""
    if "type" not in definition:
        raise _malformed(f"No type specified for field [{name.rsplit('.', 1)[-1]}]")
    type = definition["type"]
    if type in OTHER_TYPES:
        raise unsupported(f"field type {type}")
    if type not in PARAMETERS:
        raise _malformed(
            f"No handler for type [{type}] declared on field [{name.rsplit('.', 1)[-1]}]"
        )
    _check_parameters(name, type, definition)
    analyzer = _analyzer(definition.get("analyzer", "standard"))
    format = definition.get("format", DEFAULT_FORMAT)
    if type == "date":
        check_format(format)
    return Field(
        name=name,
        type=type,
        index=_boolean(definition.get("index", True)),
        doc_values=type != "text" and _boolean(definition.get("doc_values", True)),
        analyzer=analyzer,
        search_analyzer=_analyzer(definition.get("search_analyzer", analyzer)),
        ignore_above=definition.get("ignore_above"),
        format=format,
    )


def check_update(name: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    """400 when an update of a mapping changes what cannot be changed."""
    before, after = parse_field(name, old), parse_field(name, new)
    if before.type != after.type:
        raise illegal_argument(
            f"mapper [{name}] cannot be changed from type [{before.type}] to [{after.type}]"
        )
    for parameter in FIXED:
        was, wanted = (getattr(field, parameter) for field in (before, after))
        if was != wanted:
            shown = "default" if (parameter, was) == ("analyzer", "standard") else preview(was)
            raise illegal_argument(
                f"Mapper for [{name}] conflicts with existing mapper:\n\t"
                f"Cannot update parameter [{parameter}] from [{shown}] to [{preview(wanted)}]"
            )


def _check_parameters(name: str, type: str, definition: dict[str, Any]) -> None:
    for parameter in definition.keys() - PARAMETERS[type] - {"type"}:
        if parameter in OTHER_PARAMETERS:
            raise unsupported(f"mapping parameter {parameter}")
        raise _malformed(
            f"unknown parameter [{parameter}] on mapper [{name.rsplit('.', 1)[-1]}]"
            f" of type [{type}]"
        )
    if definition.get("coerce", True) is not True:
        raise unsupported("mapping parameter coerce")


def _analyzer(name: Any) -> str:
    if name == "default":
        return "standard"
    if name in OTHER_ANALYZERS:
        raise unsupported(f"analyzer {name}")
    if name not in ANALYZERS:
        raise illegal_argument(f"analyzer [{name}] has not been configured in mappings")
    return str(name)


def _boolean(value: Any) -> bool:
    if value in (True, "true"):
        return True
    if value in (False, "false"):
        return False
    raise illegal_argument(
        f"Failed to parse value [{preview(value)}] as only [true] or [false] are allowed."
    )


def _malformed(reason: str) -> RequestError:
    return RequestError(400, "mapper_parsing_exception", reason)


def _utf16_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
