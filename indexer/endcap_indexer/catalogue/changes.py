"""Rows of changes: products as a catalogue has them, and which ones are gone."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from endcap_indexer.catalogue.fields import CatalogueFields
from endcap_indexer.catalogue.formats import Broken
from endcap_indexer.catalogue.mapping import OURS
from endcap_indexer.catalogue.plain import plain_row
from endcap_indexer.catalogue.products import Product, ProductReader
from endcap_indexer.catalogue.rows import BadRow, Row
from endcap_indexer.catalogue.values import WrongValue, read_boolean, read_id

DELETED = "endcap.deleted"
BITS = (0, 1, "0", "1")  # the booleans of a database that has none, and of its CSV


class Removal(NamedTuple):
    """A product that is gone."""

    id: str


class ChangeReader:
    """By the roles that a generation was built with; a value that does not fit costs the row.

    dimension: of the shop's own vectors.
    """

    def __init__(self, fields: CatalogueFields, dimension: int) -> None:
        self._id = fields.id
        self._products = ProductReader(fields, _ignore, dimension)

    def read(self, row: Row) -> Product | Removal | BadRow:
        """`endcap.deleted`, or `deleted` in an object `endcap`, says that a product is gone."""
        found = plain_row(row.values)
        if isinstance(found, Broken):
            return BadRow(row.file, row.line, found.field, found.reason)
        values = {name: found[name] for name in found if name not in (OURS, DELETED)}
        name = DELETED
        try:
            if not _is_deleted(found):
                return self._products.read(Row(row.file, row.line, values))
            name = self._id
            return Removal(read_id(values.get(name, "")))
        except WrongValue as wrong:
            return BadRow(row.file, row.line, name, str(wrong))


def _is_deleted(values: Mapping[str, Any]) -> bool:
    ours = values.get(OURS)
    said = ours.get("deleted") if isinstance(ours, Mapping) else None
    said = values.get(DELETED, said)
    if said is None:
        return False
    return bool(int(said)) if said in BITS else read_boolean(said)


def _ignore(bad: BadRow) -> None: ...
