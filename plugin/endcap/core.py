"""What the two clients share: the store, the open snapshots, the shopper's identity, and the steps
of each verb.
"""

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from endcap import pipeline, profiles
from endcap.conditions import Query
from endcap.configuration import Configuration, SearchSettings, find_store
from endcap.drivers import Executor
from endcap.exceptions import ConfigurationError
from endcap.identity import Identity
from endcap.profiles import Event, Profile
from endcap.requests import read_request
from endcap.snapshots import Resolved, Snapshot, Snapshots
from endcap.steps import Steps

WORKERS = 32  # threads for legs: a leg waits for the engine most of its time
POLL_INTERVAL_S = 1.0
CACHED_QUERIES = 10_000


class Core:
    """One client's state, without its connection."""

    def __init__(self, store: str | Path | None, settings: SearchSettings | None) -> None:
        configuration = Configuration.read()
        self.store = find_store(store, configuration)
        self.settings = settings or configuration.search
        self.executor = Executor(WORKERS)
        self.snapshots = Snapshots(
            self.store, poll_interval_s=POLL_INTERVAL_S, cached_queries=CACHED_QUERIES
        )
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
        options = request.options
        known = self.store is not None and (options.user or options.session)
        shopper = self.shopper(options.user, options.session) if known else None
        return pipeline.search(request, self.snapshots, self.settings, shopper)

    def text_query(self, text: str, index: str) -> Steps[Query]:
        resolved = yield from self.snapshots.resolve(index)
        if not isinstance(resolved, Snapshot):
            raise ConfigurationError(f"{index}: {resolved.reason}")
        return resolved.text_query(text)

    def record(
        self, item: str, user: str | None, session: str | None, action: str, query: str | None
    ) -> Steps[Profile]:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        event = Event(item, action, now.replace("+00:00", "Z"), query)
        if not self._has_indices:
            yield from profiles.ensure_indices()
            self._has_indices = True
        return (yield from profiles.append(self.shopper(user, session), event))

    def reload(self, index: str) -> Steps[Resolved]:
        return self.snapshots.renew(index)

    def shopper(self, user: str | None, session: str | None) -> str:
        """The keyed hash under which a shopper is known."""
        if self.store is None:
            raise ConfigurationError(
                "a shopper needs a store, which keeps the key of the hashes:"
                " pass store=, set ENDCAP_STORE or write store in endcap.toml"
            )
        if self._identity is None:
            self._identity = Identity(self.store)
        return self._identity.shopper(user, session)
