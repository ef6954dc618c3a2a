"""What a handler gets and what it answers."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from .errors import RequestError, illegal_argument, unsupported


class Request(NamedTuple):
    method: str
    path: str
    segments: Mapping[str, str]  # what stands in the path for {index}, {id}, {name}, ...
    parameters: Mapping[str, str]
    body: bytes

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean parameter; present without a value it is true."""
        return read_flag(name, self.parameters.get(name, str(default).lower()))

    def number(self, name: str) -> int | None:
        value = self.parameters.get(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise illegal_argument(
                f"Failed to parse int parameter [{name}] with value [{value}]"
            ) from None

    @property
    def refresh(self) -> bool:
        """Whether the next search has to see this write: ``true``, ``wait_for`` or no value."""
        value = self.parameters.get("refresh", "false")
        if value not in ("true", "false", "wait_for", ""):
            raise illegal_argument(f"Unknown value for refresh: [{value}].")
        return value != "false"

    def json(self, *, required: bool = False) -> dict[str, Any]:
        """The body as an object; without a body an empty one, or 400 where it is required."""
        if not self.body.strip():
            if required:
                raise RequestError(400, "parse_exception", "request body is required")
            return {}
        return parse_object(self.body)


class Response(NamedTuple):
    status: int
    body: Any  # JSON values and orjson.Fragment


def parse_object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, "parse_exception", f"Failed to parse content: {error}") from error
    if not isinstance(value, dict):
        raise RequestError(400, "parse_exception", "the request body must be a JSON object")
    return value


def read_flag(name: str, value: str) -> bool:
    if value not in ("true", "false", ""):
        raise illegal_argument(
            f"Failed to parse value [{value}] as only [true] or [false] are allowed."
        )
    return value != "false"


def check_wildcards(request: Request) -> None:
    """``expand_wildcards`` may say what is true here: every index is open, none is hidden."""
    for value in request.parameters.get("expand_wildcards", "open").split(","):
        if value not in ("open", "all"):
            raise unsupported(f"expand_wildcards={value}")
