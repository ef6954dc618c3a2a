"""One toy shop on each engine, searched by a plain client and by ours, sync and async."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from opensearchpy import AsyncOpenSearch, OpenSearch, OpenSearchException, TransportError
from toy_shop import build_shop, products, write_encoder

import endcap
from endcap_indexer.embedded import EmbeddedAsyncConnection, EmbeddedConnection

MORE_FIELDS = {
    "properties": {
        "offers": {"type": "nested", "properties": {"seller": {"type": "keyword"}}},
        "line": {"type": "keyword"},
    }
}


class Shop(NamedTuple):
    """An engine with the toy shop in it. alias: of its index."""

    engine: str
    store: Path
    alias: str

    @property
    def is_embedded(self) -> bool:
        return not self.engine.startswith("http")

    def client(self, **options: Any) -> endcap.SearchClient:
        return endcap.connect(self.engine, store=self.store, **options)

    def async_client(self, **options: Any) -> endcap.AsyncSearchClient:
        return endcap.connect_async(self.engine, store=self.store, **options)

    def plain(self, **options: Any) -> OpenSearch:
        if self.is_embedded:
            return OpenSearch(connection_class=EmbeddedConnection, **self._folder, **options)
        return OpenSearch(self.engine, **options)

    def async_plain(self, **options: Any) -> AsyncOpenSearch:
        if self.is_embedded:
            return AsyncOpenSearch(
                connection_class=EmbeddedAsyncConnection, **self._folder, **options
            )
        return AsyncOpenSearch(self.engine, **options)

    @property
    def _folder(self) -> dict[str, str]:
        return {"folder": str(Path(self.engine) / "engine")}


class Awaited:
    """An asynchronous client, called as a synchronous one is."""

    def __init__(self, target: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return Awaited(found, self._loop)
        return lambda *given, **named: self._loop.run_until_complete(found(*given, **named))


class Clients(NamedTuple):
    """The same engine by a plain client and by ours."""

    plain: Any
    ours: Any
    shop: Shop


@pytest.fixture(scope="session", params=["embedded", "opensearch"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    store = tmp_path_factory.mktemp("store")
    embedded = request.param == "embedded"
    engine = str(store) if embedded else request.getfixturevalue("opensearch_url")
    shop = Shop(engine, store, f"shop-{uuid4().hex[:8]}")
    with shop.client() as client:
        build_shop(client, store, write_encoder(store / "toy"), _with_more(), shop.alias)
        if not embedded:
            client.indices.put_mapping(index=shop.alias, body=MORE_FIELDS)
            client.update_by_query(index=shop.alias, params={"refresh": "true"})
        yield shop
        client.indices.delete(index=f"{shop.alias}*")


def _with_more() -> list[dict[str, Any]]:
    """Every product is offered by two sellers; every third belongs to no line."""
    rows = products()
    for place, row in enumerate(rows):
        row["offers"] = [{"seller": f"s{place % 3}"}, {"seller": f"s{(place + 1) % 3}"}]
        if place % 3:
            row["line"] = f"l{place % 7}"
    return rows


@pytest.fixture(scope="session", params=["sync", "async"])
def clients(request: pytest.FixtureRequest, shop: Shop) -> Iterator[Clients]:
    if request.param == "sync":
        with shop.plain() as plain, shop.client() as ours:
            yield Clients(plain, ours, shop)
        return
    loop = asyncio.new_event_loop()
    plain, ours = Awaited(shop.async_plain(), loop), Awaited(shop.async_client(), loop)
    yield Clients(plain, ours, shop)
    plain.close()
    ours.close()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture(scope="session")
def ours(clients: Clients) -> Any:
    return clients.ours


@pytest.fixture(scope="session")
def plain(clients: Clients) -> Any:
    return clients.plain


@pytest.fixture(scope="session")
def alias(shop: Shop) -> str:
    return shop.alias


@pytest.fixture(scope="session")
def outcome() -> Callable[..., Any]:
    """What a call comes to, but for the time it took: its answer, or what it raises."""

    def call(function: Callable[..., Any], *given: Any, **named: Any) -> Any:
        try:
            return timeless(function(*given, **named))
        except TransportError as error:
            info = error.info if isinstance(error.info, (dict, str)) else repr(error.info)
            return type(error), error.status_code, error.error, info
        except (OpenSearchException, TypeError, ValueError) as error:
            return type(error), str(error)

    return call


def timeless(answer: Any) -> Any:
    """An answer without the milliseconds it took, wherever they stand."""
    if isinstance(answer, list):
        return [timeless(part) for part in answer]
    if not isinstance(answer, dict):
        return answer
    return {key: timeless(part) for key, part in answer.items() if key != "took"}
