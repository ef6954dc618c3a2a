"""Writes of documents: one by one and in bulk."""

import time
from collections.abc import Callable
from typing import Any

from endcap_indexer.embedded.bulk import apply_item, read_expected, read_items
from endcap_indexer.embedded.engine import Engine
from endcap_indexer.embedded.errors import RequestError, illegal_argument, invalid_request
from endcap_indexer.embedded.requests import Request, Response
from endcap_indexer.embedded.writes import Expected, Transaction, Written


def index(engine: Engine, request: Request) -> Response:
    """``_doc`` with or without an id, and ``_create``."""
    name, id = request.segments["index"], request.segments.get("id")
    create = request.path.split("/")[2] == "_create" or _op_type(request) == "create"
    require_alias = request.flag("require_alias")
    expected = _expected(request)
    if not request.body.strip():
        raise RequestError(400, "parse_exception", "request body is required")
    if create and expected is not None:
        raise invalid_request("create operations do not support compare and set. use index instead")

    def put(transaction: Transaction) -> Written:
        writer = transaction.writer(name, require_alias=require_alias)
        return writer.put(id, request.body, create=create, expected=expected)

    return _write(engine, request, put)


def delete(engine: Engine, request: Request) -> Response:
    expected = _expected(request)

    def remove(transaction: Transaction) -> Written:
        writer = transaction.writer(request.segments["index"], create=False)
        return writer.delete(request.segments["id"], expected=expected)

    return _write(engine, request, remove)


def update(engine: Engine, request: Request) -> Response:
    """``retry_on_conflict`` has nothing to do here: reading and writing are one transaction."""
    request.number("retry_on_conflict")
    body = request.json(required=True)
    expected = _expected(request)
    require_alias = request.flag("require_alias")

    def change(transaction: Transaction) -> Written:
        writer = transaction.writer(request.segments["index"], require_alias=require_alias)
        return writer.update(request.segments["id"], body, expected=expected)

    return _write(engine, request, change)


def bulk(engine: Engine, request: Request) -> Response:
    started = time.monotonic()
    name, require_alias = request.segments.get("index"), request.flag("require_alias")
    items = list(read_items(request.body, name, require_alias))
    refresh = request.refresh
    answers: list[dict[str, dict[str, Any]]] = []
    errors = False
    with engine.database.write() as connection:
        transaction = Transaction(connection)
        for item in items:
            written = apply_item(transaction, item)
            errors = errors or "error" in written.body
            body = {**written.body, "status": written.status}
            if refresh and "error" not in body:
                body["forced_refresh"] = True
            answers.append({item.action: body})
        transaction.finish(refresh=refresh)
    took = int((time.monotonic() - started) * 1000)
    return Response(200, {"took": took, "errors": errors, "items": answers})


def _write(engine: Engine, request: Request, write: Callable[[Transaction], Written]) -> Response:
    refresh = request.refresh
    with engine.database.write() as connection:
        transaction = Transaction(connection)
        written = write(transaction)
        transaction.finish(refresh=refresh)
    if refresh and written.body["result"] != "noop":
        return Response(written.status, {**written.body, "forced_refresh": True})
    return Response(written.status, written.body)


def _op_type(request: Request) -> str:
    op_type = request.parameters.get("op_type", "index")
    if op_type not in ("index", "create"):
        raise illegal_argument(f"opType must be 'create' or 'index', found: [{op_type}]")
    return op_type


def _expected(request: Request) -> Expected | None:
    return read_expected(request.number("if_seq_no"), request.number("if_primary_term"))
