"""What a document says at the path of a field: `brand.name`, through objects and lists of them.

A catalogue's row and the document that was made of it are read by the same functions, so they say
the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from endcap_indexer.catalogue.fields import CatalogueFields
from endcap_indexer.catalogue.text import clean, cut
from endcap_indexer.catalogue.values import flatten, words_of


def values_at(source: Any, path: str) -> Iterator[Any]:
    """The single values at a path, in order; a key of the source may hold dots itself."""
    if isinstance(source, list):
        for each in source:
            yield from values_at(each, path)
    elif isinstance(source, dict):
        for key, value in source.items():
            if key == path:
                yield from flatten(value)
            elif path.startswith(f"{key}."):
                yield from values_at(value, path.removeprefix(f"{key}."))


def embedded_text(source: Mapping[str, Any], fields: CatalogueFields) -> str:
    """What is embedded: the title alone where the fields to embed say nothing."""
    parts = [cut(words_at(source, path), fields.embed_characters) for path in fields.embed]
    return " ".join(filter(None, parts)) or words_at(source, fields.title)


def derived_texts(source: Mapping[str, Any], fields: CatalogueFields) -> dict[str, str]:
    """The searched texts of free attributes, by field: what stands under `endcap`."""
    names = (name for name in fields.text if name in fields.objects)
    return {name: words for name in names if (words := words_of(source.get(name)))}


def words_at(source: Mapping[str, Any], path: str) -> str:
    """The texts and numbers of a field, each once."""
    values = (value for value in values_at(source, path) if not isinstance(value, bool))
    return " ".join(dict.fromkeys(clean(str(value)) for value in values))
