"""Catalogue files in, checked products out, and what the engine is told about them."""

from endcap_indexer.catalogue.fields import CatalogueFields
from endcap_indexer.catalogue.mapping import ROW_FIELD, index_body, text_query
from endcap_indexer.catalogue.products import Product, read_products
from endcap_indexer.catalogue.rows import (
    BadRow,
    BadRows,
    OnBadRow,
    Row,
    digest_of,
    read_rows,
    stop_at_bad_row,
)

__all__ = [
    "ROW_FIELD",
    "BadRow",
    "BadRows",
    "CatalogueFields",
    "OnBadRow",
    "Product",
    "Row",
    "digest_of",
    "index_body",
    "read_products",
    "read_rows",
    "stop_at_bad_row",
    "text_query",
]
