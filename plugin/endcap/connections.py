"""One door to both engines: a server's URL or an embedded engine's folder."""

from pathlib import Path
from typing import Any

from endcap.async_client import AsyncSearchClient
from endcap.client import SearchClient
from endcap.configuration import Configuration, find_store, is_url


def connect(engine: str | Path, *, store: str | Path | None = None, **options: Any) -> SearchClient:
    """A `SearchClient` on a server (`https://search.shop:9200`) or on an embedded engine
    (`./data`).

    A folder holds the engine in `engine/` and is the store too, unless `store` or `ENDCAP_STORE`
    says otherwise. `options` are the client's.
    """
    if is_url(str(engine)):
        return SearchClient([str(engine)], store=store, **options)
    from endcap_indexer.embedded import EmbeddedConnection  # a server's client need not load it

    return SearchClient(connection_class=EmbeddedConnection, **_embedded(engine, store), **options)


def connect_async(
    engine: str | Path, *, store: str | Path | None = None, **options: Any
) -> AsyncSearchClient:
    """`connect` for an event loop."""
    if is_url(str(engine)):
        return AsyncSearchClient([str(engine)], store=store, **options)
    from endcap_indexer.embedded import EmbeddedAsyncConnection

    return AsyncSearchClient(
        connection_class=EmbeddedAsyncConnection, **_embedded(engine, store), **options
    )


def _embedded(engine: str | Path, store: str | Path | None) -> dict[str, Any]:
    found = find_store(store, Configuration(engine=str(engine)))
    return {"folder": str(Path(engine) / "engine"), "store": found}
