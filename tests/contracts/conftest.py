"""The engines of the contract tests, which say only what a real OpenSearch answers too.

A test that takes ``client`` runs on each of them; one that takes ``both`` compares their answers.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
import pytest_asyncio
from opensearchpy import AsyncOpenSearch, OpenSearch, TransportError

from endcap_indexer.embedded import EmbeddedAsyncConnection, EmbeddedConnection

SAME_SCORE = 1e-5  # relative; an average length is met to so much in an index of few documents


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


@dataclass(frozen=True)
class Both:
    """The embedded engine and a server, with the same indices."""

    embedded: OpenSearch
    server: OpenSearch

    def build(self, body: dict[str, Any], sources: dict[str, Any]) -> str:
        """A refreshed index of ``{id: source}`` on both; on the server in one segment."""
        name = f"both-{uuid4().hex[:12]}"
        settings = {"index": {"refresh_interval": "-1", "number_of_shards": 1}}
        lines = [line for id, one in sources.items() for line in ({"index": {"_id": id}}, one)]
        for client in (self.embedded, self.server):
            client.indices.create(index=name, body={"settings": settings, **body})
            answer = client.bulk(index=name, body=lines, params={"refresh": "true"})
            assert not answer["errors"], answer["items"]
        return name

    def compare(self, index: str, body: dict[str, Any], **params: str) -> dict[str, Any]:
        """What both answer to a search: it is an error that they differ."""
        embedded, server = (
            outcome(client, index, body, params) for client in (self.embedded, self.server)
        )
        assert_same(embedded, server, "")
        return server

    def reason(self, client: OpenSearch, index: str, body: dict[str, Any]) -> str:
        """Why a search is refused, "" where it is not."""
        try:
            client.search(index=index, body=body)
        except TransportError as raised:
            return str(raised.info["error"]["reason"])
        return ""


def outcome(
    client: OpenSearch, index: str, body: dict[str, Any], params: dict[str, str]
) -> dict[str, Any]:
    """The answer, or status and types of an error; less what says nothing of the hits."""
    try:
        answer = client.search(index=index, body=body, params=dict(params))
    except TransportError as raised:
        error = raised.info["error"]
        causes = [cause["type"] for cause in error["root_cause"]]
        return {"status": raised.status_code, "type": error["type"], "root_cause": causes}
    return {key: answer[key] for key in answer.keys() - {"took", "terminated_early"}}


def assert_same(embedded: Any, server: Any, path: str) -> None:
    """Scores and sums may differ as 32-bit floats do."""
    if isinstance(embedded, dict) and isinstance(server, dict):
        assert embedded.keys() == server.keys(), (path, embedded, server)
        for key, value in embedded.items():
            assert_same(value, server[key], f"{path}.{key}")
    elif isinstance(embedded, list) and isinstance(server, list):
        assert len(embedded) == len(server), (path, embedded, server)
        for place, pair in enumerate(zip(embedded, server, strict=True)):
            assert_same(*pair, f"{path}.{place}")
    elif isinstance(embedded, float) and isinstance(server, float):
        assert embedded == pytest.approx(server, rel=SAME_SCORE), (path, embedded, server)
    else:
        assert embedded == server, (path, embedded, server)


@pytest.fixture(scope="session")
def both(opensearch_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("both")
    with (
        OpenSearch(connection_class=EmbeddedConnection, folder=folder) as local,
        OpenSearch(opensearch_url, timeout=60) as server,
    ):
        pair = Both(local, server)
        yield pair
        names = list(local.indices.get_alias(index="both-*"))
        for name in names:
            server.indices.delete(index=name, params={"ignore_unavailable": "true"})


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
