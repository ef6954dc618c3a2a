"""The engines of the contract tests, which say only what a real OpenSearch answers too."""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import pytest_asyncio
from opensearchpy import AsyncOpenSearch, OpenSearch, TransportError

from endcap_indexer.embedded import EmbeddedAsyncConnection, EmbeddedConnection


class Engine(NamedTuple):
    client: Callable[[], OpenSearch]
    async_client: Callable[[], AsyncOpenSearch]


def embedded(request: pytest.FixtureRequest) -> Engine:
    folder = request.getfixturevalue("tmp_path_factory").mktemp("engine")
    return Engine(
        lambda: OpenSearch(connection_class=EmbeddedConnection, folder=folder),
        lambda: AsyncOpenSearch(connection_class=EmbeddedAsyncConnection, folder=folder),
    )


def opensearch(request: pytest.FixtureRequest) -> Engine:
    url = request.getfixturevalue("opensearch_url")
    return Engine(lambda: OpenSearch(url, timeout=60), lambda: AsyncOpenSearch(url, timeout=60))


ENGINES = {"embedded": embedded, "opensearch": opensearch}


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    return ENGINES[request.param](request)


@pytest.fixture
def client(engine: Engine) -> Iterator[OpenSearch]:
    with engine.client() as client:
        yield client


@pytest_asyncio.fixture
async def async_client(engine: Engine) -> AsyncIterator[AsyncOpenSearch]:
    async with engine.async_client() as client:
        yield client


@pytest.fixture
def name(client: OpenSearch) -> Iterator[Callable[[str], str]]:
    """Makes a name for an index or an alias that no other test has; indices are deleted."""
    suffix = uuid4().hex[:12]
    yield lambda stem: f"{stem}-{suffix}"
    client.indices.delete(index=f"*-{suffix}", params={"allow_no_indices": "true"})


@pytest.fixture
def index(name: Callable[[str], str]) -> str:
    """The name of an index that is not there yet."""
    return name("products")


@pytest.fixture(scope="module")
def build_index(engine: Engine) -> Iterator[Callable[..., str]]:
    """Makes a refreshed index of ``{id: source}`` that lives as long as the test's module."""
    with engine.client() as client:
        names: list[str] = []

        def build(body: dict[str, Any], sources: dict[str, Any]) -> str:
            name = f"built-{uuid4().hex[:12]}"
            client.indices.create(index=name, body=body)
            names.append(name)
            lines = [line for id, one in sources.items() for line in ({"index": {"_id": id}}, one)]
            answer = client.bulk(index=name, body=lines, params={"refresh": "true"})
            assert not answer["errors"], answer["items"]
            return name

        yield build
        for name in names:
            client.indices.delete(index=name)


@pytest.fixture
def refusal() -> Callable[..., tuple[int, dict[str, Any]]]:
    """Calls what has to fail; the status and ``error`` of the answer."""

    def call(function: Callable[..., Any], **arguments: Any) -> tuple[int, dict[str, Any]]:
        with pytest.raises(TransportError) as raised:
            function(**arguments)
        return raised.value.status_code, raised.value.info["error"]

    return call
