"""``_bulk``: many writes in one transaction, so that all of them cost one fsync."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from .errors import RequestError, illegal_argument, invalid_request, unsupported
from .requests import parse_object
from .writes import Expected, IndexWriter, Transaction, Written

ACTIONS = ("create", "delete", "index", "update")
METADATA = {"_index", "_id", "if_seq_no", "if_primary_term", "retry_on_conflict", "require_alias"}
VERSION = {"version", "version_type"}  # of an index action
SERVER_ONLY = {"routing", "_routing", "pipeline", "dynamic_templates", *VERSION}


class Item(NamedTuple):
    action: str
    target: str  # an index or an alias
    id: str | None
    source: bytes  # the second line; empty for a deletion
    expected: Expected | None
    version: int | None
    require_alias: bool


def read_items(body: bytes, index: str | None, require_alias: bool) -> Iterator[Item]:
    """The items of a bulk body; raises 400 for the whole request where a line is malformed."""
    if not body.strip():
        raise RequestError(400, "parse_exception", "request body is required")
    if not body.endswith(b"\n"):
        raise illegal_argument("The bulk request must be terminated by a newline [\\n]")
    lines = iter(enumerate(body.split(b"\n"), start=1))
    for number, line in lines:
        if not line.strip():
            continue
        action, metadata = _read_action(line, number)
        source = b"" if action == "delete" else next(lines, (0, b""))[1]
        yield _item(action, {"require_alias": require_alias, **metadata}, source, index)


def apply_item(transaction: Transaction, item: Item) -> Written:
    """One write; a refused one answers its error and leaves the others alone."""
    name = item.target
    try:
        writer = transaction.writer(
            name, create=item.action != "delete", require_alias=item.require_alias
        )
        name = writer.index.name
        return _write(writer, item)
    except RequestError as error:
        body = {"_index": name, "_id": item.id, "status": error.status, "error": error.error()}
        return Written(error.status, body)


def _write(writer: IndexWriter, item: Item) -> Written:
    if item.id is None:
        return writer.put(None, item.source)
    if item.action == "delete":
        return writer.delete(item.id, expected=item.expected)
    if item.action == "update":
        return writer.update(item.id, parse_object(item.source), expected=item.expected)
    create = item.action == "create"
    return writer.put(
        item.id, item.source, create=create, expected=item.expected, version=item.version
    )


def _read_action(line: bytes, number: int) -> tuple[str, dict[str, Any]]:
    where = f"Malformed action/metadata line [{number}], expected"
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise illegal_argument(f"{where} START_OBJECT but found [{error}]") from error
    if not isinstance(value, dict) or len(value) != 1:
        raise illegal_argument(f"{where} an object with one key, the action")
    ((action, metadata),) = value.items()
    if action not in ACTIONS:
        listed = ", ".join(ACTIONS)
        raise illegal_argument(f"{where} one of [{listed}] but found [{action}]")
    if not isinstance(metadata, dict):
        raise illegal_argument(f"{where} START_OBJECT as the value of [{action}]")
    for key in metadata:
        if action == "index" and key in VERSION:
            continue
        if key in SERVER_ONLY:
            raise unsupported(key)
        if key not in METADATA:
            raise illegal_argument(
                f"Action/metadata line [{number}] contains an unknown parameter [{key}]"
            )
    return action, metadata


def _item(action: str, metadata: dict[str, Any], source: bytes, index: str | None) -> Item:
    name = metadata.get("_index", index)
    id = metadata.get("_id")
    if name is None:
        raise invalid_request("index is missing")
    if id is None and action in ("update", "delete"):
        raise invalid_request("id is missing")
    if "if_seq_no" in metadata and action == "create":
        raise invalid_request("create operations do not support compare and set. use index instead")
    return Item(
        action,
        str(name),
        None if id is None else str(id),
        source,
        read_expected(metadata.get("if_seq_no"), metadata.get("if_primary_term")),
        _read_version(metadata),
        bool(metadata["require_alias"]),
    )


def _read_version(metadata: dict[str, Any]) -> int | None:
    """The version that a document gets, if what is there has a lower one; None: the next one."""
    version, type = metadata.get("version"), metadata.get("version_type") or "internal"
    if type not in ("internal", "external"):
        raise unsupported("version_type")
    if type == "internal":
        if version is None:
            return None
        raise invalid_request(
            "internal versioning can not be used for optimistic concurrency control. Please use"
            " `if_seq_no` and `if_primary_term` instead"
        )
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        raise invalid_request(f"illegal version value [{version}] for version type [EXTERNAL]")
    if metadata.get("_id") is None:
        raise invalid_request("an id must be provided if version type or value are set")
    if "if_seq_no" in metadata:
        raise invalid_request("compare and write operations can not use versioning")
    return version


def read_expected(seq_no: int | None, primary_term: int | None) -> Expected | None:
    """The condition of ``if_seq_no`` and ``if_primary_term``, which come together or not at all."""
    if seq_no is None and primary_term is None:
        return None
    if seq_no is None:
        raise invalid_request(f"ifSeqNo is unassigned, but primary term is [{primary_term}]")
    if primary_term is None:
        raise invalid_request("ifSeqNo is set, but primary term is [0]")
    return Expected(int(seq_no), int(primary_term))
