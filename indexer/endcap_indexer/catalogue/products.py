"""Rows in, products out: every field checked against its role, a bad row named by its field."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.catalogue.fields import CatalogueFields
from endcap_indexer.catalogue.mapping import OURS
from endcap_indexer.catalogue.paths import derived_texts, embedded_text
from endcap_indexer.catalogue.rows import BadRow, OnBadRow, Row
from endcap_indexer.catalogue.sources import RowSource
from endcap_indexer.catalogue.values import (
    WrongValue,
    read_boolean,
    read_category,
    read_date,
    read_id,
    read_keyword,
    read_number,
    read_object,
    read_positive,
    read_text,
    read_title,
    read_vector,
)
from endcap_indexer.exceptions import CatalogueError


@dataclass(frozen=True, slots=True)
class Product:
    """A product ready for both indexes."""

    id: str
    document: dict[str, Any]  # as it is indexed: cleaned, `endcap.<field>` added, a vector left out
    text: str  # what is embedded
    vector: NDArray[np.float32] | None  # the shop's own, (dimension,), unit length
    columns: dict[str, float]  # by `CatalogueFields.columns`; nan: the product does not say


def read_products(
    source: RowSource, fields: CatalogueFields, *, on_bad_row: OnBadRow
) -> Iterator[Product]:
    """Stream the products of a source; the first row of an id counts.

    A value that does not fit a guessed role is reported too, but only the value is left out.
    CatalogueError when the source cannot be read, or when no row is a product.
    """
    reader = ProductReader(fields, on_bad_row)
    seen: set[str] = set()
    last: BadRow | None = None
    for row in source.rows(on_bad_row):
        found = reader.read(row)
        if isinstance(found, Product) and found.id in seen:
            reason = f"{found.id!r} was given by an earlier row, which counts"
            found = BadRow(row.file, row.line, fields.id, reason)
        if isinstance(found, Product):
            seen.add(found.id)
            yield found
        else:
            last = found
            on_bad_row(found)
    if not seen:
        raise CatalogueError(
            f"{source.name}: no row is a product" + (f"; the last: {last}" if last else "")
        )


class ProductReader:
    """Turns rows into products. dimension: of the shop's own vectors; None: as the first one's.

    on_bad_row: told of values that are left out, where roles are guessed.
    """

    def __init__(
        self, fields: CatalogueFields, on_bad_row: OnBadRow, dimension: int | None = None
    ) -> None:
        self._fields, self._on_bad_row = fields, on_bad_row
        self._readers = _readers(fields)
        needed = {fields.id, fields.title, fields.vector}
        self._spared = {name for name, _ in self._readers if fields.guessed} - needed
        self._columns = _columns(fields)
        self._dimension = dimension

    def read(self, row: Row) -> Product | BadRow:
        """A product, or why it is none."""
        fields, document, name = self._fields, dict(row.values), ""
        document.pop(OURS, None)
        try:
            for name, read in self._readers:
                if document.get(name) is not None:
                    self._read(row, document, name, read)
            for name in (fields.id, fields.title):
                if document.get(name) is None:
                    raise WrongValue("is missing; every product needs one")
            name = fields.vector or ""
            vector = self._vector(document) if fields.vector else None
        except WrongValue as wrong:
            return BadRow(row.file, row.line, name, str(wrong))
        return self._product(document[fields.id], document, vector)

    def _read(
        self, row: Row, document: dict[str, Any], name: str, read: Callable[[Any], Any]
    ) -> None:
        """Read a value in place; one that does not fit a guessed role is reported and left out."""
        try:
            document[name] = read(document[name])
        except WrongValue as wrong:
            if name not in self._spared:
                raise
            del document[name]
            reason = f"{wrong}; the value is left out"
            self._on_bad_row(BadRow(row.file, row.line, name, reason))

    def _product(
        self, id: str, document: dict[str, Any], vector: NDArray[np.float32] | None
    ) -> Product:
        columns = {
            column: np.nan if (value := document.get(name)) is None else float(value)
            for column, name in self._columns
        }
        text = embedded_text(document, self._fields)
        if derived := derived_texts(document, self._fields):
            document[OURS] = derived
        return Product(id, document, text, vector, columns)

    def _vector(self, document: dict[str, Any]) -> NDArray[np.float32]:
        value = document.pop(str(self._fields.vector), None)
        if value is None:
            raise WrongValue("is missing; every product needs one")
        vector: NDArray[np.float32] = value
        if self._dimension is None:
            self._dimension = len(vector)
        if len(vector) != self._dimension:
            raise WrongValue(f"has {len(vector)} numbers, other vectors have {self._dimension}")
        return vector


def _readers(fields: CatalogueFields) -> tuple[tuple[str, Any], ...]:
    """Field → what reads it; a later role of the same field is the stricter one."""
    readers: dict[str, Any] = dict.fromkeys((*fields.text, *fields.embed), read_text)
    readers |= dict.fromkeys(fields.keywords, read_keyword)
    readers |= dict.fromkeys(fields.objects, read_object)
    readers |= dict.fromkeys(fields.booleans, read_boolean)
    readers |= dict.fromkeys(fields.numbers, read_number)
    readers |= dict.fromkeys(fields.dates, read_date)
    singles = {
        fields.category: read_category,
        fields.price: read_positive,
        fields.popularity: read_positive,
        fields.vector: read_vector,
        fields.title: read_title,
        fields.id: read_id,
    }
    readers |= {name: read for name, read in singles.items() if name}
    return tuple(readers.items())


def _columns(fields: CatalogueFields) -> tuple[tuple[str, str], ...]:
    """Column → field."""
    roles = {"price": fields.price, "popularity": fields.popularity}
    return tuple((column, roles.get(column) or column) for column in fields.columns)
