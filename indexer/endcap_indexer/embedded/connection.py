"""The embedded engine as opensearch-py connections, for ``OpenSearch`` and ``AsyncOpenSearch``."""

import asyncio
import os
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode

import orjson
from opensearchpy import AsyncConnection, Connection
from opensearchpy.exceptions import ImproperlyConfigured

from endcap_indexer.filter_path import filter_response

from .engine import Engine, acquire_engine, release_engine
from .routes import handle

Answer: TypeAlias = tuple[int, dict[str, str], str]
HEADERS = {"content-type": "application/json; charset=UTF-8"}
THREADS = 4  # of an asynchronous client; SQLite and tantivy release the interpreter lock


class EmbeddedConnection(Connection):
    """``OpenSearch(connection_class=EmbeddedConnection, folder="./data")``.

    The folder is made at the first request. Connections of one process share the engine of a
    folder; several processes may use it at once, also those of a pre-forking server.
    """

    def __init__(self, *, folder: str | os.PathLike[str] | None = None, **kwargs: Any) -> None:
        if folder is None:
            raise ImproperlyConfigured('the embedded engine needs a folder: folder="./data"')
        super().__init__(**kwargs)
        self.folder = Path(folder).resolve()
        self.host = self.folder.as_uri()
        self._engine: Engine | None = None
        self._process = 0

    def perform_request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: bytes | str | None = None,
        timeout: float | None = None,
        ignore: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Answers in process; raises what a server's answer would make opensearch-py raise."""
        full_url = self.host + url + (f"?{urlencode(params)}" if params else "")
        payload = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body or b""
        started = time.time()
        status, text = _answer(self.open, method, url, _plain(params), payload)
        duration = time.time() - started
        if not 200 <= status < 300 and status not in ignore:
            self.log_request_fail(method, full_url, url, body, duration, status, text)
            self._raise_error(status, text, HEADERS["content-type"])
        self.log_request_success(method, full_url, url, body, status, text, duration)
        return status, HEADERS, text

    def open(self) -> Engine:
        """The engine; a process forked since the last request gets its own."""
        if self._engine is None or self._process != os.getpid():
            self._engine = acquire_engine(self.folder, self)
            self._process = os.getpid()
        return self._engine

    def close(self) -> None:
        """Gives the engine back; the last connection of the process closes its files.

        The next request takes it again, as a connection to a server connects again.
        """
        if self._engine is not None and self._process == os.getpid():
            release_engine(self._engine, self)
        self._engine = None


class EmbeddedAsyncConnection(AsyncConnection):
    """``AsyncOpenSearch(connection_class=EmbeddedAsyncConnection, folder="./data")``.

    Every request runs in a thread of the connection's own, so the event loop never waits.
    """

    def __init__(
        self, *, folder: str | os.PathLike[str] | None = None, loop: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._connection = EmbeddedConnection(folder=folder, **kwargs)
        self.host = self._connection.host
        self._threads = _threads()

    async def perform_request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        body: bytes | str | None = None,
        timeout: float | None = None,
        ignore: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        request = partial(
            self._connection.perform_request, method, url, params, body, timeout, ignore, headers
        )
        return await asyncio.get_running_loop().run_in_executor(self._threads, request)

    async def close(self) -> None:
        """Waits for the requests that are running, then gives the engine back until the next."""
        running, self._threads = self._threads, _threads()
        await asyncio.to_thread(running.shutdown)
        await asyncio.to_thread(self._connection.close)


def _threads() -> ThreadPoolExecutor:
    """None of them runs before its first request."""
    return ThreadPoolExecutor(THREADS, thread_name_prefix="endcap-embedded")


def _answer(
    open_engine: Callable[[], Engine],
    method: str,
    url: str,
    parameters: Mapping[str, str],
    body: bytes,
) -> tuple[int, str]:
    """Status and text of the answer, which for HEAD is empty."""
    response = handle(open_engine, method, url, parameters, body)
    if method == "HEAD":
        return response.status, ""
    answer = response.body
    if "filter_path" in parameters:
        answer = filter_response(orjson.loads(orjson.dumps(answer)), parameters["filter_path"])
    pretty = parameters.get("pretty", "false") != "false"
    text = orjson.dumps(answer, option=orjson.OPT_INDENT_2 if pretty else None)
    return response.status, text.decode()


def _plain(params: Mapping[str, Any] | None) -> dict[str, str]:
    """URL parameters as the text that a server would read."""
    return {name: _text(value) for name, value in (params or {}).items()}


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ",".join(map(_text, value))
    return str(value)
