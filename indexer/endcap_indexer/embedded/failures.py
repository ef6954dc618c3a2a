"""What the server answers when a search fails on its only shard."""

from typing import Any

from .errors import RequestError


class ShardFailure(RequestError):
    """``search_phase_execution_exception``, with the reason as root cause."""

    def __init__(self, type: str, reason: str, *, status: int = 400) -> None:
        cause = {"type": type, "reason": reason}
        details: dict[str, Any] = {
            "phase": "query",
            "grouped": True,
            "failed_shards": [{"shard": 0, "reason": cause}],
        }
        super().__init__(
            status,
            "search_phase_execution_exception",
            "all shards failed",
            details=details,
            caused_by=cause,
            root_cause=cause,
        )


def no_doc_values(field: str, type: str) -> ShardFailure:
    """A field that nothing can be sorted, counted or fetched by."""
    if type == "text":
        return ShardFailure(
            "illegal_argument_exception",
            "Text fields are not optimised for operations that require per-document field data like"
            " aggregations and sorting, so these operations are disabled by default. Please use a"
            " keyword field instead. Alternatively, set fielddata=true on"
            f" [{field}] in order to load field data by uninverting the inverted index. Note that"
            " this can use significant memory.",
        )
    return ShardFailure(
        "illegal_argument_exception",
        f"Can't load fielddata on [{field}] because fielddata is unsupported on fields of type"
        f" [{type}]. Use doc values in order to load field data on [{field}]",
    )
