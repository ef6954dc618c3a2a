import pytest
from opensearchpy import OpenSearch

from endcap_indexer.embedded import EmbeddedConnection


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "engine"


@pytest.fixture
def client(folder):
    with OpenSearch(connection_class=EmbeddedConnection, folder=folder) as client:
        yield client
