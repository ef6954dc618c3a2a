"""Catalogues in, checked products out, and what the engine is told about them."""

from endcap_indexer.catalogue.changes import ChangeReader, Removal
from endcap_indexer.catalogue.documents import DocumentReader, as_document
from endcap_indexer.catalogue.fields import CatalogueFields
from endcap_indexer.catalogue.mapped import check_fields, guess_fields
from endcap_indexer.catalogue.mapping import OURS, ROW_FIELD, VECTOR_FIELD, index_body, text_query
from endcap_indexer.catalogue.paths import derived_texts, values_at
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
from endcap_indexer.catalogue.sources import Files, FoundFiles, Rows, RowSource, find_files

__all__ = [
    "OURS",
    "ROW_FIELD",
    "VECTOR_FIELD",
    "BadRow",
    "BadRows",
    "CatalogueFields",
    "ChangeReader",
    "DocumentReader",
    "Files",
    "FoundFiles",
    "OnBadRow",
    "Product",
    "Removal",
    "Row",
    "RowSource",
    "Rows",
    "as_document",
    "check_fields",
    "derived_texts",
    "digest_of",
    "find_files",
    "guess_fields",
    "index_body",
    "read_products",
    "read_rows",
    "stop_at_bad_row",
    "text_query",
    "values_at",
]
