"""Errors as OpenSearch answers them: a status and a JSON body."""

from typing import Any


class RequestError(Exception):
    """A request that is answered with an error; ``status`` is the HTTP status.

    ``details`` are further fields beside type and reason, e.g. ``index``; ``caused_by`` stands in
    the outer error only, as on the server.
    """

    def __init__(
        self,
        status: int,
        type: str,
        reason: str,
        *,
        details: dict[str, Any] | None = None,
        caused_by: dict[str, Any] | None = None,
        root_cause: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{type}: {reason}")
        self.status = status
        self.type = type
        self.reason = reason
        self.details = details or {}
        self.caused_by = caused_by
        self.root_cause = root_cause or {"type": type, "reason": reason, **self.details}

    def error(self) -> dict[str, Any]:
        """The error without root cause and status, as an item of a bulk answer carries it."""
        error = {"type": self.type, "reason": self.reason, **self.details}
        return error if self.caused_by is None else {**error, "caused_by": self.caused_by}

    def body(self) -> dict[str, Any]:
        """The whole response body."""
        return {
            "error": {"root_cause": [self.root_cause], **self.error()},
            "status": self.status,
        }


class MethodNotAllowed(RequestError):
    """A known path with another method; the server answers this one as plain text."""

    def __init__(self, path: str, method: str, allowed: str) -> None:
        reason = (
            f"Incorrect HTTP method for uri [{path}] and method [{method}], allowed: [{allowed}]"
        )
        super().__init__(405, "method_not_allowed", reason)

    def body(self) -> dict[str, Any]:
        return {"error": self.reason, "status": self.status}


class IndexNotFound(RequestError):
    """No index or alias has the name."""


class Unsupported(RequestError):
    """What a server can do and the embedded engine does not."""


def unsupported(what: str) -> Unsupported:
    """400, by name."""
    return Unsupported(
        400,
        "illegal_argument_exception",
        f"[{what}] is not supported by the embedded engine; use an OpenSearch server",
    )


def malformed(reason: str, cause: RequestError | None = None) -> RequestError:
    """What the server's declared parsers answer; a parsing error inside stays the root cause."""
    return RequestError(
        400,
        "x_content_parse_exception",
        reason,
        caused_by=cause.error() if cause else None,
        root_cause=cause.root_cause if cause and "pars" in cause.type else None,
    )


def illegal_argument(reason: str) -> RequestError:
    return RequestError(400, "illegal_argument_exception", reason)


def invalid_request(reason: str) -> RequestError:
    """A request that contradicts itself or lacks something."""
    return RequestError(
        400, "action_request_validation_exception", f"Validation Failed: 1: {reason};"
    )


def index_not_found(name: str) -> IndexNotFound:
    details = {
        "index": name,
        "resource.id": name,
        "resource.type": "index_or_alias",
        "index_uuid": "_na_",
    }
    return IndexNotFound(
        404, "index_not_found_exception", f"no such index [{name}]", details=details
    )


def alias_required(name: str) -> RequestError:
    return RequestError(
        404,
        "index_not_found_exception",
        f"no such index [{name}] and [require_alias] request flag is [true] and [{name}] "
        "is not an alias",
        details={"index": name, "index_uuid": "_na_"},
    )


def version_conflict(index: str, uuid: str, id: str, reason: str) -> RequestError:
    """Another write came first, or the document to create is there already."""
    details = {"index": index, "shard": "0", "index_uuid": uuid}
    return RequestError(
        409, "version_conflict_engine_exception", f"[{id}]: {reason}", details=details
    )


def already_exists(name: str, uuid: str) -> RequestError:
    return RequestError(
        400,
        "resource_already_exists_exception",
        f"index [{name}/{uuid}] already exists",
        details={"index": name, "index_uuid": uuid},
    )


def aliases_not_found(names: list[str]) -> RequestError:
    listed = ", ".join(names)
    details = {"resource.type": "aliases", "resource.id": names[0] if len(names) == 1 else names}
    return RequestError(
        404, "aliases_not_found_exception", f"aliases [{listed}] missing", details=details
    )
