"""A plain client for the threads behind a `SearchClient` or an `AsyncSearchClient`, on the same
connections.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from opensearchpy import OpenSearch, Transport

PATIENCE_S = 3600.0  # a loop that has ended without a word must not hold a thread for ever


class LoopTransport(Transport):
    """Performs a thread's requests by an async client's transport, in its event loop."""

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.serializer = transport.serializer
        self._transport, self._loop = transport, loop

    def perform_request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout: int | float | None = None,
        ignore: Any = (),
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """What the async client would be answered; raises what it would."""
        call = self._transport.perform_request(
            method, url, params=params, body=body, timeout=timeout, ignore=ignore, headers=headers
        )
        return asyncio.run_coroutine_threadsafe(call, self._loop).result(PATIENCE_S)

    def close(self) -> None:
        """The async client closes it."""


def share(transport: Transport) -> OpenSearch:
    """A plain client on a transport that is another's."""

    def given(hosts: Any, **options: Any) -> Transport:
        return transport

    return OpenSearch(transport_class=given)  # type: ignore[arg-type]
