"""The tree that a mapping is: objects and, as leaves, fields with their multi-fields."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .errors import RequestError, illegal_argument, unsupported
from .fields import Field, parse_field
from .values import preview

ROOT_PARAMETERS = {"properties", "dynamic", "_meta", "_source", "date_detection"}
OTHER_ROOT_PARAMETERS = frozenset(
    "_data_stream_timestamp _routing derived dynamic_date_formats dynamic_templates"
    " numeric_detection".split()
)
OBJECT_PARAMETERS = {"type", "properties", "dynamic", "enabled"}
DYNAMIC = {True: "true", False: "false", "true": "true", "false": "false", "strict": "strict"}


@dataclass(frozen=True)
class Leaf:
    """A field with its multi-fields."""

    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Object:
    """An object (or the root): what lies in it and what becomes of a field that is not mapped."""

    dynamic: str = "true"
    enabled: bool = True
    children: dict[str, "Object | Leaf"] = field(default_factory=dict)


Visit = Callable[[Leaf, Any], None]
Unmapped = Callable[[Object, str, Any], None]


def parse_root(body: dict[str, Any]) -> Object:
    for parameter in body.keys() - ROOT_PARAMETERS:
        if parameter in OTHER_ROOT_PARAMETERS:
            raise unsupported(f"mapping parameter {parameter}")
        raise malformed(
            "Root mapping definition has unsupported parameters: "
            f" [{parameter} : {preview(body[parameter])}]"
        )
    if body.get("_source", {}) not in ({}, {"enabled": True}):
        raise unsupported("mapping parameter _source")
    dynamic = _dynamic(body, "true")
    return Object(dynamic, True, _parse_properties(body.get("properties", {}), "", dynamic))


def _dynamic(body: dict[str, Any], inherited: str) -> str:
    wanted = body.get("dynamic", inherited)
    if wanted in ("strict_allow_templates", "false_allow_templates"):
        raise unsupported(f"dynamic {wanted}")
    if wanted not in DYNAMIC:
        raise illegal_argument("Could not convert [dynamic.dynamic] to boolean")
    return DYNAMIC[wanted]


def _parse_properties(
    properties: dict[str, Any], prefix: str, dynamic: str
) -> dict[str, Object | Leaf]:
    children: dict[str, Object | Leaf] = {}
    for name, definition in properties.items():
        if not isinstance(definition, dict):
            raise malformed(
                f"Expected map for property [fields] on field [{name}] but got a class"
                " java.lang.String"
            )
        if "." in name:
            raise unsupported(f"dotted name {name} in properties")
        nested = is_object(definition) and ("type" in definition or "properties" in definition)
        parse = _parse_object if nested else _parse_leaf
        children[name] = parse(prefix + name, definition, dynamic)
    return children


def _parse_object(path: str, definition: dict[str, Any], dynamic: str) -> Object:
    if definition.get("type", "object") != "object":
        parse_field(path, definition)
    for parameter in definition.keys() - OBJECT_PARAMETERS:
        raise malformed(
            f"Mapping definition for [{path}] has unsupported parameters: "
            f" [{parameter} : {preview(definition[parameter])}]"
        )
    own = _dynamic(definition, dynamic)
    children = _parse_properties(definition.get("properties", {}), f"{path}.", own)
    return Object(own, definition.get("enabled", True) in (True, "true"), children)


def _parse_leaf(path: str, definition: dict[str, Any], dynamic: str) -> Leaf:
    more = definition.get("fields", {}).items()
    return Leaf(
        (
            parse_field(path, definition),
            *(parse_field(f"{path}.{name}", item) for name, item in more),
        )
    )


def leaves(node: Object) -> Iterator[Leaf]:
    for child in node.children.values():
        if isinstance(child, Leaf):
            yield child
        else:
            yield from leaves(child)


def object_names(node: Object, prefix: str) -> Iterator[str]:
    for name, child in node.children.items():
        if isinstance(child, Object):
            yield prefix + name
            yield from object_names(child, f"{prefix}{name}.")


def walk(
    node: Object, source: dict[str, Any], prefix: str, visit: Visit, unmapped: Unmapped
) -> None:
    for key, raw in source.items():
        if raw is None:
            continue
        child = node.children.get(key)
        if isinstance(child, Leaf):
            for value in flatten(raw):
                visit(child, value)
        elif child is not None:
            if child.enabled:
                for value in _objects(raw, prefix + key):
                    walk(child, value, f"{prefix}{key}.", visit, unmapped)
        elif "." in key:
            head, _, rest = key.partition(".")
            walk(node, {head: {rest: raw}}, prefix, visit, unmapped)
        else:
            unmapped(node, prefix + key, raw)


def flatten(raw: Any) -> Iterator[Any]:
    if isinstance(raw, list):
        for item in raw:
            yield from flatten(item)
    elif raw is not None:
        yield raw


def _objects(raw: Any, path: str) -> Iterator[dict[str, Any]]:
    for value in flatten(raw):
        if not isinstance(value, dict):
            raise malformed(
                f"object mapping for [{path}] tried to parse field [{path.rsplit('.', 1)[-1]}] as"
                " object, but found a concrete value"
            )
        yield value


def is_object(definition: dict[str, Any]) -> bool:
    return "properties" in definition or definition.get("type", "object") == "object"


def malformed(reason: str) -> RequestError:
    return RequestError(400, "mapper_parsing_exception", reason)
