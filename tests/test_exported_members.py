"""The public names, pinned: a change here is a change of the contract."""

import importlib

import pytest

PUBLIC = {
    "endcap": [
        "ArtefactError",
        "AsyncSearchClient",
        "ConfigurationError",
        "EndcapError",
        "EvaluationError",
        "Files",
        "ProfileError",
        "Refused",
        "RequestError",
        "Rows",
        "SearchClient",
        "SearchSettings",
        "Upserted",
        "connect",
        "connect_async",
        "reindex",
    ],
    "endcap_indexer.catalogue": [
        "BadRow",
        "BadRows",
        "CatalogueFields",
        "ChangeReader",
        "DocumentReader",
        "Files",
        "FoundFiles",
        "OURS",
        "OnBadRow",
        "Product",
        "ROW_FIELD",
        "Removal",
        "Row",
        "RowSource",
        "Rows",
        "VECTOR_FIELD",
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
    ],
}


@pytest.mark.parametrize("package", PUBLIC)
def test_what_is_public(package):
    module = importlib.import_module(package)
    assert sorted(module.__all__) == PUBLIC[package]
    assert all(hasattr(module, name) for name in module.__all__)
