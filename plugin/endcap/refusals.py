"""What an engine's refusal means: of whom, or of what."""

from collections.abc import Mapping
from typing import Any

from opensearchpy.exceptions import HTTP_EXCEPTIONS, ConnectionError, TransportError

# Of a user who may only `_search`, of a proxy that knows only that, or of all because of one.
NOT_THIS = (400, 403, 404, 405, 413)
NOT_NOW = (429, 502, 503, 504)


def may_not(error: Exception | None) -> bool:
    """Whether another request for the same may be answered."""
    return isinstance(error, TransportError) and error.status_code in NOT_THIS


def cannot_now(error: Exception | None) -> bool:
    """Whether the engine is not there, or has too much to do."""
    if isinstance(error, ConnectionError):
        return True
    return isinstance(error, TransportError) and error.status_code in NOT_NOW


def error_of(answer: Mapping[str, Any]) -> Exception:
    """What opensearch-py would have raised for a refusal that came as an answer."""
    status, error = answer["status"], answer["error"]
    kind = error["type"] if isinstance(error, Mapping) else str(error)
    return HTTP_EXCEPTIONS.get(status, TransportError)(status, kind, answer)
