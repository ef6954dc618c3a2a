"""The public names, pinned: a change here is a change of the contract."""

import importlib

import pytest

PUBLIC = {
    "endcap": [
        "ArtefactError",
        "AsyncSearchClient",
        "ConfigurationError",
        "EncodingError",
        "EndcapError",
        "EvaluationError",
        "ProfileError",
        "RequestError",
        "SearchClient",
        "SearchSettings",
        "connect",
        "connect_async",
    ],
    "endcap_indexer.catalogue": [
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
    ],
}


@pytest.mark.parametrize("package", PUBLIC)
def test_what_is_public(package):
    module = importlib.import_module(package)
    assert sorted(module.__all__) == PUBLIC[package]
    assert all(hasattr(module, name) for name in module.__all__)
