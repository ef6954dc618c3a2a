"""The toy shop on the embedded engine."""

import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from attached_shop import BODY, put_products
from opensearchpy import OpenSearch
from toy_shop import FOLDER, build_shop, products, write_encoder

import endcap


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder") / "toy")


@pytest.fixture(scope="session")
def rebuild(encoder_folder):
    """Reindexes products, the toy shop's own by default, into a store."""

    def build(client, store: Path, rows=None, index="products", settings=FOLDER):
        rows = products() if rows is None else rows
        return build_shop(client, store, encoder_folder, rows, index, settings)

    return build


@pytest.fixture(scope="session")
def built_store(tmp_path_factory, rebuild) -> Path:
    """The toy shop, built once; tests that write take `store`, a copy."""
    store = tmp_path_factory.mktemp("store")
    with endcap.connect(store) as client:
        rebuild(client, store)
    return store


@pytest.fixture
def store(built_store, tmp_path) -> Path:
    return Path(shutil.copytree(built_store, tmp_path / "store"))


@pytest.fixture
def client(store):
    with endcap.connect(store) as client:
        yield client


@pytest.fixture(scope="session")
def reader(built_store):
    """A client on the shared store, for tests that only search."""
    with endcap.connect(built_store) as client:
        yield client


@pytest.fixture
def shop_index(opensearch_url):
    """The toy shop in an index of a server that knows nothing of endcap, and a plain client."""
    name = f"shop-{uuid4().hex[:12]}"
    with OpenSearch(opensearch_url, timeout=60) as plain:
        plain.indices.create(index=name, body=BODY)
        try:
            put_products(plain, name, products())
            yield name, plain
        finally:
            plain.indices.delete(index=name)
