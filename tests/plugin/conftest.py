"""The toy shop on the embedded engine."""

import shutil
from pathlib import Path

import pytest
from toy_shop import build_shop, products, write_encoder

import endcap


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder") / "toy")


@pytest.fixture(scope="session")
def rebuild(encoder_folder):
    """Reindexes products into a store: `rebuild(client, store, rows)`."""

    def build(client, store: Path, rows: list[dict], index: str = "products"):
        return build_shop(client, store, encoder_folder, rows, index)

    return build


@pytest.fixture(scope="session")
def built_store(tmp_path_factory, rebuild) -> Path:
    """The toy shop, built once; tests that write take `store`, a copy."""
    store = tmp_path_factory.mktemp("store")
    with endcap.connect(store) as client:
        rebuild(client, store, products())
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
