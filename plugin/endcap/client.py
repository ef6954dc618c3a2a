"""`SearchClient`: `opensearchpy.OpenSearch` with a re-ranked `search`."""

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import opensearchpy

from endcap.conditions import Query
from endcap.configuration import SearchSettings
from endcap.core import WORKERS, Core
from endcap.drivers import SyncDriver
from endcap.requests import read_request
from endcap.serializer import FastJSONSerializer
from endcap.steps import Call
from endcap.transports import share
from endcap.upserts import Refresh, Upserted
from endcap_indexer.catalogue import Row


class SearchClient(opensearchpy.OpenSearch):
    """A drop-in for `opensearchpy.OpenSearch`: the same constructor plus `store=` and the search
    settings.

    store: the folder of generations and artefacts; else `ENDCAP_STORE`, else `endcap.toml`.
    settings: window, fusion, recall and budget of every search; else those of `endcap.toml`. Raises
    what opensearch-py raises, and `RequestError` for an `ext.endcap` that cannot be read.
    """

    def __init__(
        self,
        hosts: Any = None,
        *arguments: Any,
        store: str | Path | None = None,
        settings: SearchSettings | None = None,
        **options: Any,
    ) -> None:
        options.setdefault("serializer", FastJSONSerializer())
        core = Core(store, settings, lambda: self._plain)
        if core.store is not None and "connection_class" not in options:
            options.setdefault("pool_maxsize", WORKERS)  # urllib3 keeps one connection
        super().__init__(hosts, *arguments, **options)
        self._core = core
        self._driver = SyncDriver(self._call, self._core.executor)

    @property
    def store(self) -> Path | None:
        """The folder of generations and artefacts; None: this is a plain client."""
        return self._core.store

    def search(
        self,
        body: Any = None,
        index: Any = None,
        params: Any = None,
        headers: Any = None,
        *,
        user: str | None = None,
        session: str | None = None,
        endcap: bool = True,
        **arguments: Any,
    ) -> Any:
        """`OpenSearch.search`, re-ranked: for a shopper (`user`, `session`) or for nobody.

        What happened stands under `ext.endcap`; `endcap=False` is the plain client's search.
        """
        arguments |= {"params": params, "headers": headers}
        if not endcap:
            request = read_request(body, index, arguments)
            return self._call(Call("search", request.plain_keywords()))
        return self._driver.run(self._core.search(body, index, user, session, arguments))

    def msearch(
        self,
        body: Any = None,
        index: Any = None,
        params: Any = None,
        headers: Any = None,
        *,
        user: str | None = None,
        session: str | None = None,
        endcap: bool = True,
        **arguments: Any,
    ) -> Any:
        """`OpenSearch.msearch`, each line re-ranked by its own rules and its own `ext.endcap`."""
        arguments |= {"params": params, "headers": headers}
        if not endcap:
            return self._call(Call("msearch", {"body": body, "index": index, **arguments}))
        return self._driver.run(self._core.multi_search(body, index, user, session, arguments))

    def text_query(self, text: str, *, index: str) -> Query:
        """The catalogue's own query for a text, with the tuned boosts where there are some.

        Raises `ConfigurationError` for an index that `endcap reindex` did not build.
        """
        return self._driver.run(self._core.text_query(text, index))

    def similar(
        self,
        *,
        item: str,
        index: str,
        size: int = 10,
        body: Any = None,
        **arguments: Any,
    ) -> Any:
        """The products most like another one, in the shape of a search's answer; `_score` is the
        cosine.

        body: a search's: its query binds as a condition, its `_source` and so on say what is shown.
        Raises `RequestError` for a product that is not known, and `ConfigurationError` for an index
        that `endcap reindex` did not build.
        """
        arguments |= {"size": size}
        return self._driver.run(self._core.similar(item, index, body, arguments))

    def upsert(
        self,
        *,
        index: str,
        products: Iterable[Mapping[str, Any] | Row],
        refresh: Refresh = False,
        follow: bool = True,
    ) -> Upserted:
        """Write products to the live index at once, and remove those with `endcap.deleted`.

        products: rows as the catalogue has them, or as `read_rows` reads them. They are found by
        their words after a refresh (refresh=True or "wait_for" does it at once) and by their
        vectors within seconds: follow says whether this client sees to that in the background while
        nobody else does. A bad row and what the engine refuses are told in the answer, and cost no
        other product anything.
        Raises `ConfigurationError` for an index that `endcap reindex` did not build, and what
        opensearch-py raises.
        """
        done = self._driver.run(self._core.upsert(index, products, refresh))
        if follow and (done.written or done.removed):
            self._core.follow(index)
        return done

    def record(
        self,
        *,
        item: str,
        user: str | None = None,
        session: str | None = None,
        action: str = "view",
        query: str | None = None,
    ) -> None:
        """Keep an event of a shopper: it counts in the very next search. Raises `ProfileError` when
        it was not kept.
        """
        self._driver.run(self._core.record(item, user, session, action, query))

    def forget(self, *, user: str | None = None, session: str | None = None) -> int:
        """Remove a shopper's profile and events; returns how many events there were."""
        return self._driver.run(self._core.forget(user, session))

    @functools.cached_property
    def _plain(self) -> opensearchpy.OpenSearch:
        return share(self.transport)

    def close(self) -> None:
        """Close the connections and the threads."""
        self._core.close()
        super().close()

    def _call(self, call: Call) -> Any:
        if call.method == "search":
            return super().search(**call.arguments)
        if call.method == "msearch":
            return super().msearch(**call.arguments)
        target = functools.reduce(getattr, call.method.split("."), self)
        return target(**call.arguments)  # type: ignore[operator]


SearchClient.__name__ = "OpenSearch"  # programs log and compare what a client says it is
