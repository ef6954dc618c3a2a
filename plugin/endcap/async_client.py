"""`AsyncSearchClient`: `opensearchpy.AsyncOpenSearch` with a re-ranked `search`."""

import asyncio
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import opensearchpy

from endcap.conditions import Query
from endcap.configuration import SearchSettings
from endcap.core import Core
from endcap.drivers import AsyncDriver
from endcap.requests import read_request
from endcap.serializer import FastJSONSerializer
from endcap.steps import Call
from endcap.transports import LoopTransport, share
from endcap.upserts import Refresh, Upserted
from endcap_indexer.catalogue import Row


class AsyncSearchClient(opensearchpy.AsyncOpenSearch):
    """`SearchClient` for an event loop: the same arguments and answers, every method awaited."""

    def __init__(
        self,
        hosts: Any = None,
        *arguments: Any,
        store: str | Path | None = None,
        settings: SearchSettings | None = None,
        **options: Any,
    ) -> None:
        options.setdefault("serializer", FastJSONSerializer())
        super().__init__(hosts, *arguments, **options)
        self._core = Core(store, settings, self._plain)
        self._driver = AsyncDriver(self._call, self._core.executor)
        self._shared: dict[asyncio.AbstractEventLoop, opensearchpy.OpenSearch] = {}

    async def search(
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
        """`AsyncOpenSearch.search`, re-ranked; see `SearchClient.search`."""
        arguments |= {"params": params, "headers": headers}
        if not endcap:
            request = read_request(body, index, arguments)
            return await self._call(Call("search", request.plain_keywords()))
        return await self._driver.run(self._core.search(body, index, user, session, arguments))

    async def msearch(
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
        """`AsyncOpenSearch.msearch`, each line re-ranked; see `SearchClient.msearch`."""
        arguments |= {"params": params, "headers": headers}
        if not endcap:
            return await self._call(Call("msearch", {"body": body, "index": index, **arguments}))
        return await self._driver.run(
            self._core.multi_search(body, index, user, session, arguments)
        )

    async def text_query(self, text: str, *, index: str) -> Query:
        """The catalogue's own query for a text, with the tuned boosts where there are some.

        Raises `ConfigurationError` for an index that `endcap reindex` did not build.
        """
        return await self._driver.run(self._core.text_query(text, index))

    async def similar(
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
        return await self._driver.run(self._core.similar(item, index, body, arguments))

    async def upsert(
        self,
        *,
        index: str,
        products: Iterable[Mapping[str, Any] | Row],
        refresh: Refresh = False,
        follow: bool = True,
    ) -> Upserted:
        """Write products to the live index at once; see `SearchClient.upsert`."""
        done = await self._driver.run(self._core.upsert(index, products, refresh))
        if follow and (done.written or done.removed):
            self._core.follow(index)
        return done

    async def record(
        self,
        *,
        item: str,
        user: str | None = None,
        session: str | None = None,
        action: str = "view",
        query: str | None = None,
    ) -> None:
        """Keep an event of a shopper; see `SearchClient.record`."""
        await self._driver.run(self._core.record(item, user, session, action, query))

    async def forget(self, *, user: str | None = None, session: str | None = None) -> int:
        """Remove a shopper's profile and events; returns how many events there were."""
        return await self._driver.run(self._core.forget(user, session))

    def _plain(self) -> opensearchpy.OpenSearch:
        loop = asyncio.get_running_loop()
        if loop not in self._shared:
            self._shared = {loop: share(LoopTransport(self.transport, loop))}
        return self._shared[loop]

    async def close(self) -> None:
        """Close the connections and the threads."""
        await self._driver.close()
        await asyncio.to_thread(self._core.close)  # it waits for what was left behind
        await super().close()

    async def _call(self, call: Call) -> Any:
        if call.method == "search":
            return await super().search(**call.arguments)
        if call.method == "msearch":
            return await super().msearch(**call.arguments)
        target = functools.reduce(getattr, call.method.split("."), self)
        return await target(**call.arguments)  # type: ignore[operator]


AsyncSearchClient.__name__ = "AsyncOpenSearch"  # programs log and compare what a client says it is
