"""What the two clients share: the store, the open snapshots, and the steps of each verb."""

import datetime
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from opensearchpy import OpenSearch

from endcap import profiles
from endcap.breakers import Breakers
from endcap.conditions import Query
from endcap.configuration import Configuration, SearchSettings, find_store
from endcap.drivers import Executor
from endcap.exceptions import ConfigurationError
from endcap.following import Following
from endcap.histories import Identify
from endcap.identity import Identity
from endcap.multi_search import MultiSearch, multi_search
from endcap.opening import Snapshot
from endcap.pipeline import Pipeline
from endcap.profiles import Event, Profile
from endcap.requests import SearchRequest, read_request
from endcap.similar import similar
from endcap.snapshots import NO_STORE, Snapshots
from endcap.steps import Computation, Steps
from endcap.upserts import Refresh, Upserted, upsert
from endcap_indexer.catalogue import Row

WORKERS = 32  # threads for legs: a leg waits for the engine most of its time
POLL_INTERVAL_S = 1.0
CACHED_QUERIES = 10_000
PRODUCTS = "products"  # what a bad row of an upsert is named by, with its line


class Core:
    """One client's state, without its connection.

    plain: makes a plain client on it, for threads that wait for the engine.
    """

    def __init__(
        self,
        store: str | Path | None,
        settings: SearchSettings | None,
        plain: Callable[[], OpenSearch],
    ) -> None:
        configuration = Configuration.read()
        self.store = find_store(store, configuration)
        self.settings = settings or configuration.search
        self.executor = Executor(WORKERS)
        self.breakers = Breakers(self.settings.breaker_faults, self.settings.breaker_pause_s)
        self.snapshots = Snapshots(
            self.store,
            poll_interval_s=POLL_INTERVAL_S,
            cached_queries=CACHED_QUERIES,
            breakers=self.breakers,
            plain=plain,
        )
        self._plain = plain
        self._following = (
            None if self.store is None else Following(self.store, self.snapshots.encoder)
        )
        self._pipeline = Pipeline(self.snapshots, self.settings, self.breakers)
        self._identity: Identity | None = None
        self._has_indices = False

    def search(
        self,
        body: Any,
        index: Any,
        user: str | None,
        session: str | None,
        arguments: Mapping[str, Any],
    ) -> Steps[Any]:
        request = read_request(body, index, arguments, user=user, session=session)
        return self._pipeline.search(request, self._identify(request))

    def multi_search(
        self,
        body: Any,
        index: Any,
        user: str | None,
        session: str | None,
        arguments: Mapping[str, Any],
    ) -> Steps[Any]:
        asked = MultiSearch(body, index, arguments, {"user": user, "session": session})
        return multi_search(asked, self._attempt)

    def text_query(self, text: str, index: str) -> Steps[Query]:
        return (yield from self._snapshot(index)).text_query(text)

    def similar(self, item: str, index: str, body: Any, arguments: Mapping[str, Any]) -> Steps[Any]:
        request = read_request(body, index, arguments)
        snapshot = yield from self._snapshot(index)
        return (yield from similar(request, snapshot, item))

    def upsert(
        self, index: str, products: Iterable[Mapping[str, Any] | Row], refresh: Refresh
    ) -> Steps[Upserted]:
        rows = [
            each if isinstance(each, Row) else Row(PRODUCTS, line, dict(each))
            for line, each in enumerate(products, start=1)
        ]
        return upsert(self.snapshots, index, rows, refresh)

    def follow(self, index: str) -> None:
        """See to the vectors of what was written, in the background."""
        if self._following is not None:
            self._following.wake(index, self._plain())

    def close(self) -> None:
        """Wait for what runs in the background."""
        if self._following is not None:
            self._following.close()
        self.executor.close()

    def record(
        self, item: str, user: str | None, session: str | None, action: str, query: str | None
    ) -> Steps[Profile]:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        event = Event(item, action, now.replace("+00:00", "Z"), query)
        key = yield Computation(lambda: self._shopper(user, session))
        if not self._has_indices:
            yield from profiles.ensure_indices()
            self._has_indices = True
        return (yield from profiles.append(key, event))

    def forget(self, user: str | None, session: str | None) -> Steps[int]:
        key = yield Computation(lambda: self._shopper(user, session))
        return (yield from profiles.forget(key))

    def _snapshot(self, index: str) -> Steps[Snapshot]:
        resolved = yield from self.snapshots.resolve(index)
        if not isinstance(resolved, Snapshot):
            raise ConfigurationError(f"{index}: {resolved.reason}")
        return resolved

    def _attempt(self, request: SearchRequest) -> Steps[Any]:
        return self._pipeline.attempt(request, self._identify(request))

    def _identify(self, request: SearchRequest) -> Identify | None:
        user, session = request.options.user, request.options.session
        if user is None and session is None:
            return None
        return lambda: self._shopper(user, session)

    def _shopper(self, user: str | None, session: str | None) -> str:
        """The keyed hash under which a shopper is known."""
        if self.store is None:
            raise ConfigurationError(f"a shopper needs the store's key, and there is {NO_STORE}")
        if self._identity is None:
            self._identity = Identity(self.store)
        return self._identity.shopper(user, session)
