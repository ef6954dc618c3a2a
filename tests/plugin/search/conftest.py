"""The toy shop wherever its index and its vectors may lie."""

from types import SimpleNamespace
from uuid import uuid4

import pytest
from opensearchpy import OpenSearch

import endcap
from endcap_indexer.embedded import EmbeddedConnection
from endcap_indexer.generations import IndexSettings

PLACES = {
    "embedded": None,
    "server": IndexSettings("folder"),
    "cluster": IndexSettings("opensearch"),
}


@pytest.fixture(scope="session", params=PLACES)
def anywhere(request):
    """Searches `products`: embedded, on the server, there with the vectors in the cluster too."""
    settings = PLACES[request.param]
    if settings is None:
        return request.getfixturevalue("reader")
    return request.getfixturevalue("build_on_server")(settings)


@pytest.fixture(scope="session")
def build_on_server(opensearch_url, tmp_path_factory, rebuild):
    """Builds the toy shop on the server under a name that no other test has."""
    store, index = tmp_path_factory.mktemp("server"), f"anywhere-{uuid4().hex[:12]}"
    with endcap.connect(opensearch_url, store=store, timeout=60) as client:

        def build(settings):
            alias = f"{index}-{settings.vectors}"
            rebuild(client, store, index=alias, settings=settings)
            names = {"products": alias}
            return SimpleNamespace(
                search=lambda body, name, **options: client.search(
                    body, names.get(name, name), **options
                ),
                store=store,
                alias=alias,
            )

        yield build
        client.indices.delete(index=f"{index}-*", params={"allow_no_indices": "true"})


@pytest.fixture(params=["embedded", "server"])
def shop(request):
    """A client of its own on a store that others read, whose requests may be made to fail; the
    alias of its index.
    """
    if request.param == "embedded":
        engine = store = request.getfixturevalue("built_store")
        alias = "products"
    else:
        engine = request.getfixturevalue("opensearch_url")
        built = request.getfixturevalue("build_on_server")(PLACES["server"])
        store, alias = built.store, built.alias
    with endcap.connect(engine, store=store) as client:
        yield client, alias


@pytest.fixture(params=PLACES)
def own_shop(request, tmp_path, rebuild):
    """A toy shop that one test may write to. `connect()` opens another client, `plain` knows
    nothing of endcap.
    """
    store, index = tmp_path / "store", f"own-{uuid4().hex[:12]}"
    store.mkdir()
    embedded = request.param == "embedded"
    engine = store if embedded else request.getfixturevalue("opensearch_url")
    settings = PLACES[request.param] or IndexSettings()
    options = {} if embedded else {"timeout": 60}
    plain = {"connection_class": EmbeddedConnection, "folder": str(store / "engine")}
    with (
        OpenSearch(**plain) if embedded else OpenSearch(engine, timeout=60) as plain,
        endcap.connect(engine, store=store, **options) as client,
    ):
        shop = SimpleNamespace(
            client=client, plain=plain, index=index, store=store, settings=settings
        )
        shop.build = lambda rows=None: rebuild(client, store, rows, index, settings)
        shop.connect = lambda: endcap.connect(engine, store=store, **options)
        shop.connect_async = lambda: endcap.connect_async(engine, store=store, **options)
        shop.upsert = lambda *rows, **options: client.upsert(index=index, products=rows, **options)
        shop.build()
        yield shop
        plain.indices.delete(index=f"{index}-*")
