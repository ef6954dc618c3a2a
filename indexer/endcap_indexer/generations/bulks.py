"""Documents to the engine in bulks, through the moments when it is too busy or away.

`streaming_bulk` cuts the stream by count and bytes, and repeats with growing pauses what was
refused with 429. A node that starts again, or the load balancer before it, answers 502 to 504 or
resets the connection: that is repeated here. The bulk may have been carried out already; the same
documents under the same ids are the same index.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from opensearchpy import OpenSearch
from opensearchpy.exceptions import ConnectionError, SSLError, TransportError
from opensearchpy.helpers import streaming_bulk

from endcap_indexer.exceptions import GenerationError

ACTIONS = 500
BYTES = 10 * 2**20
RETRIES = 8  # with pauses of two minutes in all: a node has started again by then
FIRST_PAUSE_S = 1
LONGEST_PAUSE_S = 30
TOO_BUSY = 429
AWAY = (502, 503, 504)
WRONG_DOCUMENT = 400
NAMED = 10  # of the products that are refused

logger = logging.getLogger(__name__)


def stream_bulk(
    client: OpenSearch, index: str, actions: Iterable[dict[str, Any]], **options: Any
) -> Iterator[tuple[bool, dict[str, Any]]]:
    """`streaming_bulk` that outlasts an engine that is away; an item that fails raises nothing."""
    return streaming_bulk(  # type: ignore[no-any-return]
        _PatientClient(client),
        actions,
        chunk_size=ACTIONS,
        max_chunk_bytes=BYTES,
        max_retries=RETRIES,
        initial_backoff=FIRST_PAUSE_S,
        max_backoff=LONGEST_PAUSE_S,
        raise_on_error=False,
        index=index,
        **options,
    )


class _PatientClient:
    """What `streaming_bulk` asks of a client."""

    def __init__(self, client: OpenSearch) -> None:
        self.transport = client.transport
        self._client = client

    def bulk(self, *arguments: Any, **options: Any) -> Any:
        for attempt in range(RETRIES):
            try:
                return _as_busy(self._client.bulk(*arguments, **options))
            except TransportError as error:
                if not _is_away(error):
                    raise
                pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**attempt)
                logger.warning("the engine is away, asked again in %g s: %s", pause, error)
            time.sleep(pause)
        return _as_busy(self._client.bulk(*arguments, **options))


def _is_away(error: TransportError) -> bool:
    if isinstance(error, ConnectionError):
        return not isinstance(error, SSLError)
    return error.status_code in AWAY


def _as_busy(answer: Any) -> Any:
    """An item whose shard is away is told as one that the engine was too busy for: repeat it."""
    if answer["errors"]:
        for item in answer["items"]:
            for result in item.values():
                if result["status"] in AWAY:
                    result["status"] = TOO_BUSY
    return answer


def index_documents(client: OpenSearch, index: str, actions: Iterable[dict[str, Any]]) -> None:
    """Index as a stream. GenerationError names the first products that are refused once all were
    sent, so that one run tells all; what is no fault of a document ends it at once.
    """
    named, count = list[str](), 0
    for _, item in stream_bulk(
        client, index, actions, expand_action_callback=_serialise, yield_ok=False
    ):
        (answer,) = item.values()
        error = answer.get("error", {})
        said = f"{answer.get('_id')!r}: {error.get('type')}: {error.get('reason')}"
        if answer["status"] != WRONG_DOCUMENT:
            raise GenerationError(
                f"the engine takes no documents, {said}; run reindex again once it does (nothing"
                " was changed for shoppers, and what was embedded is kept)"
            )
        count += 1
        if len(named) < NAMED:
            named.append(said)
    if count:
        more = f"; and {count - len(named):,} more" if count > len(named) else ""
        raise GenerationError(
            f"the engine refused {count:,} product{'s'[: count - 1]}: {'; '.join(named)}{more};"
            " correct them or their fields in [catalogue] and run reindex again (nothing was"
            " changed for shoppers, and what was embedded is kept)"
        )


def _serialise(action: dict[str, Any]) -> tuple[str, str]:
    """The two lines of a bulk; opensearch-py passes text on as it is, and orjson is faster."""
    head = {"index": {"_id": action["_id"]}}
    source = orjson.dumps(action["_source"], option=orjson.OPT_SERIALIZE_NUMPY)
    return orjson.dumps(head).decode(), source.decode()
