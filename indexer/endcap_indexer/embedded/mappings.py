"""The mapping of an index: which fields there are, and how a document grows it."""

from typing import Any, Self

from .dates import DEFAULT_FORMAT, is_dynamic_date
from .errors import RequestError, illegal_argument
from .fields import Field, check_update
from .tree import (
    Leaf,
    Object,
    flatten,
    is_object,
    leaves,
    malformed,
    object_names,
    parse_root,
    walk,
)
from .values import Value, ValueRefused

KEYWORD_BESIDE_TEXT = {
    "type": "text",
    "fields": {"keyword": {"type": "keyword", "ignore_above": 256}},
}
METADATA = frozenset(
    "_id _index _source _routing _seq_no _primary_term _version _field_names _ignored _nested_path"
    " _data_stream_timestamp _doc_count".split()
)


class Mapping:
    """An immutable mapping; ``fields`` has every indexed field by its dotted name."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self._root = parse_root(body)
        self.fields: dict[str, Field] = {
            item.name: item for leaf in leaves(self._root) for item in leaf.fields
        }
        self.objects = frozenset(object_names(self._root, ""))
        self._detects_dates = body.get("date_detection", True) in (True, "true")

    @classmethod
    def from_json(cls, mappings: dict[str, Any]) -> Self:
        """From the body of create or put mapping; 400 as the server answers a bad one."""
        return cls(_normalise(mappings))

    def to_json(self) -> dict[str, Any]:
        return self._body

    def merge(self, mappings: dict[str, Any]) -> "Mapping":
        """The mapping after put mapping; 400 when that would change a field that is there."""
        Mapping.from_json(mappings)  # refused for its own faults first
        return Mapping(_merge(self._body, _normalise(mappings), ""))

    def extend(self, source: dict[str, Any], id: str = "") -> "Mapping":
        """Checks a document before it is written; the mapping with its new fields, else self.

        Raises mapper_parsing_exception (400) for a value that its field cannot hold.
        """
        new: dict[str, dict[str, Any]] = {}

        def check(leaf: Leaf, raw: Any) -> None:
            for item in leaf.fields:
                try:
                    item.parse(raw)
                except ValueRefused as error:
                    raise item.refuse(raw, id, error) from None

        def add(parent: Object, path: str, raw: Any) -> None:
            _check_dynamic(parent, path)
            if parent.dynamic == "true":
                self._add_dynamic(new, path, raw)

        _check_names(source, id)
        walk(self._root, source, "", check, add)
        if not new:
            return self
        return self.merge(_nest(new)).extend(source, id)

    def values(self, source: dict[str, Any]) -> dict[str, list[Value]]:
        """What a document that has been checked puts into each field."""
        found: dict[str, list[Value]] = {}

        def collect(leaf: Leaf, raw: Any) -> None:
            for item in leaf.fields:
                value = item.parse(raw)
                if value is not None:
                    found.setdefault(item.name, []).append(value)

        walk(self._root, source, "", collect, lambda parent, path, raw: None)
        return found

    def _add_dynamic(self, new: dict[str, dict[str, Any]], path: str, raw: Any) -> None:
        for value in flatten(raw):
            if isinstance(value, dict):
                new.setdefault(path, {"type": "object"})
                for key, item in value.items():
                    if item is not None:
                        self._add_dynamic(new, f"{path}.{key}", item)
                continue
            definition = self._guess(value)
            known = new.setdefault(path, definition)
            if known["type"] != definition["type"]:
                raise illegal_argument(
                    f"mapper [{path}] cannot be changed from type"
                    f" [{definition['type']}] to [{known['type']}]"
                )

    def _guess(self, value: Any) -> dict[str, Any]:
        if isinstance(value, bool):
            return {"type": "boolean"}
        if isinstance(value, int):
            return {"type": "long"}
        if isinstance(value, float):
            return {"type": "float"}
        format = is_dynamic_date(value) if self._detects_dates else None
        if format is None:
            return KEYWORD_BESIDE_TEXT
        return {"type": "date"} if format == DEFAULT_FORMAT else {"type": "date", "format": format}


def _check_dynamic(parent: Object, path: str) -> None:
    if parent.dynamic == "strict":
        within, _, name = path.rpartition(".")
        raise RequestError(
            400,
            "strict_dynamic_mapping_exception",
            f"mapping set to strict, dynamic introduction of [{name}] within [{within or '_doc'}]"
            " is not allowed",
        )


def _check_names(source: dict[str, Any], id: str) -> None:
    for key in source:
        if key in METADATA:
            raise malformed(
                f"Field [{key}] is a metadata field and cannot be added inside a document."
                " Use the index API request parameters."
            )
        if not key or key.startswith(".") or key.endswith(".") or ".." in key:
            raise RequestError(
                400,
                "mapper_parsing_exception",
                "failed to parse",
                caused_by={
                    "type": "illegal_argument_exception",
                    "reason": f"object field starting or ending with a [.] makes object resolution"
                    f" ambiguous: [{key}]"
                    if key
                    else "field name cannot be an empty string",
                },
            )


def _nest(new: dict[str, dict[str, Any]]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for path, definition in new.items():
        node = root
        *parents, name = path.split(".")
        for parent in parents:
            node = node.setdefault("properties", {}).setdefault(parent, {"type": "object"})
        node.setdefault("properties", {}).setdefault(name, dict(definition))
    return _normalise(root)


def _normalise(body: dict[str, Any]) -> dict[str, Any]:
    """As the server gives a mapping back: an object that has properties does not say its type."""
    if "properties" not in body:
        return dict(body)
    properties = {
        name: _normalise(item) if isinstance(item, dict) else item
        for name, item in body["properties"].items()
    }
    kept = {
        key: value
        for key, value in body.items()
        if key != "properties" and (key, value) != ("type", "object")
    }
    return {**kept, "properties": properties} if properties else dict(body)


def _merge(old: dict[str, Any], new: dict[str, Any], path: str) -> dict[str, Any]:
    if path and is_object(old) != is_object(new):
        raise illegal_argument(f"can't merge a non object mapping [{path}] with an object mapping")
    merged = {**old, **new}
    if path and not is_object(old):
        check_update(path, old, {**old, **new})
    for kind in ("properties", "fields"):
        if kind in old and kind in new:
            merged[kind] = dict(old[kind])
            for name, item in new[kind].items():
                before = old[kind].get(name)
                inner = f"{path}.{name}" if path else name
                merged[kind][name] = item if before is None else _merge(before, item, inner)
    return _normalise(merged)
