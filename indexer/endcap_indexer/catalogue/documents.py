"""Documents of an index as products, whoever wrote them. Fields are named by their path."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.catalogue.fields import CatalogueFields
from endcap_indexer.catalogue.mapping import OURS, VECTOR_FIELD
from endcap_indexer.catalogue.paths import embedded_text, values_at
from endcap_indexer.catalogue.products import Product
from endcap_indexer.catalogue.values import WrongValue, read_number, read_positive


class DocumentReader:
    """Documents in, products out. Every document is one: what it does not say is left out.

    vectors: whether documents may hold their vector, as `endcap.vector`.
    """

    def __init__(self, fields: CatalogueFields, *, vectors: bool = False) -> None:
        self.left_out: Counter[str] = Counter()  # values that are no numbers, by field
        self._fields, self._vectors = fields, vectors
        roles = {"price": fields.price, "popularity": fields.popularity}
        self._columns = {column: roles.get(column) or column for column in fields.columns}

    @property
    def paths(self) -> list[str] | None:
        """The fields of a document that are looked at; None for all of it: a server that leaves
        fields out mixes up the order of free attributes, and so of the words that are embedded.
        """
        fields = self._fields
        if set(fields.objects) & set(fields.embed):
            return None
        ours = [VECTOR_FIELD] if self._vectors else []
        return sorted({fields.title, *fields.embed, *self._columns.values(), *ours})

    def read(self, id: str, source: Mapping[str, Any]) -> Product:
        columns = {
            column: self._number(source, path, positive=column in ("price", "popularity"))
            for column, path in self._columns.items()
        }
        vector = held_vector(source) if self._vectors else None
        return Product(id, {}, embedded_text(source, self._fields), vector, columns)

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


def as_document(
    product: Product, row: int | None, vector: NDArray[np.floating] | None = None
) -> dict[str, Any]:
    """What is indexed of a product: its document, and under `endcap` what is known of it."""
    ours = dict(product.document.get(OURS, {}))
    if row is not None:
        ours["row"] = row
    if vector is not None and not np.isnan(vector[0]):
        ours["vector"] = vector
    return {**product.document, **({OURS: ours} if ours else {})}


def held_vector(source: Mapping[str, Any]) -> NDArray[np.float32] | None:
    """The vector that a document of ours holds."""
    ours = source.get(OURS)
    vector = ours.get("vector") if isinstance(ours, Mapping) else None
    return None if vector is None else np.array(vector, np.float32)
