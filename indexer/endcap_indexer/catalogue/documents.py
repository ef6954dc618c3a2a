"""Documents of an index that the shop fills itself, as products.

Fields are named by their path, `brand.name`, through objects, nested ones and lists of them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from endcap_indexer.catalogue.fields import CatalogueFields
from endcap_indexer.catalogue.products import Product
from endcap_indexer.catalogue.text import clean, cut
from endcap_indexer.catalogue.values import WrongValue, flatten, read_number, read_positive


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


class DocumentReader:
    """Documents in, products out. Every document is one: what it does not say is left out."""

    def __init__(self, fields: CatalogueFields) -> None:
        self.left_out: Counter[str] = Counter()  # values that are no numbers, by field
        self._fields = fields
        roles = {"price": fields.price, "popularity": fields.popularity}
        self._columns = {column: roles.get(column) or column for column in fields.columns}

    @property
    def paths(self) -> list[str]:
        """The fields of a document that are looked at."""
        fields = self._fields
        return sorted({fields.title, *fields.embed, *self._columns.values()})

    def read(self, id: str, source: Mapping[str, Any]) -> Product:
        columns = {
            column: self._number(source, path, positive=column in ("price", "popularity"))
            for column, path in self._columns.items()
        }
        return Product(id, {}, self._text(source), None, columns)

    def _text(self, source: Mapping[str, Any]) -> str:
        """What is embedded: the title alone where the fields to embed say nothing."""
        fields = self._fields
        parts = [cut(_words(source, path), fields.embed_characters) for path in fields.embed]
        return " ".join(filter(None, parts)) or _words(source, fields.title)

    def _number(self, source: Mapping[str, Any], path: str, *, positive: bool) -> float:
        """The first value; nan where there is none or it is no number."""
        value = next(values_at(source, path), None)
        if value is None:
            return np.nan
        try:
            return read_positive(value) if positive else read_number(value)
        except WrongValue:
            self.left_out[path] += 1
            return np.nan


def _words(source: Mapping[str, Any], path: str) -> str:
    """The texts and numbers of a field, each once."""
    values = (value for value in values_at(source, path) if not isinstance(value, bool))
    return " ".join(dict.fromkeys(clean(str(value)) for value in values))
