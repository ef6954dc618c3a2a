"""Which field of an existing index is what: from its mapping and a sample, or as it is written."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from endcap_indexer.catalogue.fields import CatalogueFields
from endcap_indexer.catalogue.guesses import guess_table
from endcap_indexer.catalogue.mapping import OURS
from endcap_indexer.catalogue.paths import values_at
from endcap_indexer.exceptions import FieldsError

ID = "_id"  # the role `id` of a document
TEXT_TYPES = ("text", "match_only_text", "search_as_you_type")
_UNREAD = ("alias", "binary", "join", "percolator")


class MappedField(NamedTuple):
    """A field that holds values. texts: the names by which its words are searched, if they are."""

    path: str
    type: str
    nested: bool  # within a nested object: a query must say so
    texts: tuple[str, ...]


def mapped_fields(properties: Mapping[str, Any]) -> list[MappedField]:
    """The fields of a mapping's `properties`, those of objects by their path."""
    return list(_walk(properties, "", nested=False))


def guess_fields(
    properties: Mapping[str, Any], sources: Sequence[Mapping[str, Any]]
) -> CatalogueFields:
    """Roles from a mapping and some documents; FieldsError where no title or no text is found."""
    if not sources:
        raise FieldsError(
            "the index holds no documents to guess its fields from: write title and embed under"
            " [catalogue] in endcap.toml, or attach it once it is filled"
        )
    mapped = {field.path: field for field in mapped_fields(properties)}
    keys = _short_names(mapped)
    rows = [
        {key: _said(source, path) for key, path in keys.items()} | {"id": str(number)}
        for number, source in enumerate(sources)
    ]
    table = guess_table(rows)
    named = {
        role: _renamed(value, keys)
        for role, value in table.items()
        if role not in ("id", "text", "vector")
    }
    text = {
        name: boost
        for key, boost in table["text"].items()
        for name in mapped[keys[key]].texts[:1]
        if not mapped[keys[key]].nested
    }
    if not text:
        raise FieldsError(
            "no field of the index that looks like text is mapped as text: write"
            " text = { … } under [catalogue] in endcap.toml"
        )
    return CatalogueFields.from_table({**named, "id": ID, "text": text})


def check_fields(properties: Mapping[str, Any], fields: CatalogueFields) -> CatalogueFields:
    """Roles as endcap.toml names them, if the index has the fields; else FieldsError names one."""
    if fields.vector is not None:
        raise FieldsError(
            f"catalogue.vector is {fields.vector!r}, but an index that is attached is embedded;"
            " take it out"
        )
    mapped = mapped_fields(properties)
    searched = {name for field in mapped if not field.nested for name in (field.path, *field.texts)}
    known = {field.path for field in mapped}
    columns = {"price": fields.price, "popularity": fields.popularity}
    read = {name: "embed" for name in fields.embed} | dict.fromkeys(fields.numbers, "numbers")
    read |= {name: role for role, name in columns.items() if name}
    for name in fields.text:
        if name not in searched or name in fields.objects:
            raise FieldsError(
                f"catalogue.text names {name!r}, which a query cannot search in this index;"
                f" it has {', '.join(sorted(searched)) or 'no such field'}"
            )
    for name, role in read.items():
        if name not in known and not any(path.startswith(f"{name}.") for path in known):
            raise FieldsError(
                f"catalogue.{role} names {name!r}, which is no field of this index;"
                f" it has {', '.join(sorted(known))}"
            )
    return replace(fields, id=ID)


def _walk(properties: Mapping[str, Any], within: str, *, nested: bool) -> Iterator[MappedField]:
    for name, field in properties.items():
        path, type = f"{within}{name}", field.get("type", "object")
        if path == OURS or type in _UNREAD:
            continue
        if "properties" in field:
            yield from _walk(field["properties"], f"{path}.", nested=nested or type == "nested")
        elif type not in ("object", "nested"):
            parts = {path: field} | {f"{path}.{n}": f for n, f in field.get("fields", {}).items()}
            texts = tuple(part for part, facts in parts.items() if facts["type"] in TEXT_TYPES)
            yield MappedField(path, type, nested, texts)


def _short_names(mapped: Mapping[str, MappedField]) -> dict[str, str]:
    """Name to guess by → path: the last part, of the outermost field where several share it."""
    keys: dict[str, str] = {}
    for path in sorted(mapped, key=lambda path: path.count(".")):
        short = path.rpartition(".")[2]
        keys[path if short in keys or short == "id" else short] = path
    return keys


def _said(source: Mapping[str, Any], path: str) -> Any:
    values = list(values_at(source, path))
    return values[0] if len(values) == 1 else values


def _renamed(value: Any, keys: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return keys[value]
    return [keys[key] for key in value]
