"""The genuine OpenSearch that every test of a session shares."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from opensearch_server import MissingServer, open_server


@pytest.fixture(scope="session")
def opensearch_url() -> Iterator[str]:
    """Its address; where there is none the tests skip, or fail with ENDCAP_REQUIRE_OPENSEARCH=1.

    Others may use the server too: a test names its indices as nobody else does and deletes them.
    """
    required = os.environ.get("ENDCAP_REQUIRE_OPENSEARCH") == "1"
    with ExitStack() as server:
        try:
            address = server.enter_context(open_server(fetch=required))
        except MissingServer as missing:
            if required:
                raise
            pytest.skip(f"no OpenSearch: {missing}")
        yield address
