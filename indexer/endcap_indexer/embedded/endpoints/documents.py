"""Reading documents by id, as they were last written."""

import sqlite3
from typing import Any

import orjson

from endcap_indexer.embedded.documents import PRIMARY_TERM, Copy, current_copy
from endcap_indexer.embedded.engine import Engine
from endcap_indexer.embedded.errors import (
    RequestError,
    illegal_argument,
    invalid_request,
    unsupported,
)
from endcap_indexer.embedded.indices import Index, single_index
from endcap_indexer.embedded.requests import Request, Response
from endcap_indexer.embedded.sources import SourceFilter

SOURCE_PARAMETERS = ("_source", "_source_includes", "_source_excludes")


def get(engine: Engine, request: Request) -> Response:
    id = request.segments["id"]
    with engine.database.read() as connection:
        index = single_index(connection, request.segments["index"])
        copy = current_copy(connection, index.number, id)
    body = _document(index, id, copy, _source_filter(request))
    return Response(200 if body["found"] else 404, body)


def get_source(engine: Engine, request: Request) -> Response:
    name, id = request.segments["index"], request.segments["id"]
    with engine.database.read() as connection:
        index = single_index(connection, name)
        copy = current_copy(connection, index.number, id)
    body = _document(index, id, copy, _source_filter(request))
    if "_source" not in body:
        reason = f"Document not found [{name}]/[{id}]"
        raise RequestError(404, "resource_not_found_exception", reason)
    return Response(200, body["_source"])


def mget(engine: Engine, request: Request) -> Response:
    body = request.json(required=True)
    default = request.segments.get("index")
    docs = body.get("docs", [{"_id": id} for id in body.get("ids", [])])
    for key in body:
        if key not in ("docs", "ids"):
            raise RequestError(400, "parsing_exception", f"unknown key [{key}] for multi get")
    if not docs:
        raise invalid_request("no documents to get")
    filter = _source_filter(request)
    with engine.database.read() as connection:
        answers = [_one_of_many(connection, doc, default, filter) for doc in docs]
    return Response(200, {"docs": answers})


def _one_of_many(
    connection: sqlite3.Connection,
    doc: dict[str, Any],
    default: str | None,
    filter: SourceFilter | None,
) -> dict[str, Any]:
    name, id = doc.get("_index", default), doc.get("_id")
    for key in doc:
        if key not in ("_index", "_id", "_source"):
            raise illegal_argument(f"[mget] the embedded engine does not read [{key}] of a doc")
    if name is None or id is None:
        raise invalid_request(f"{'index' if name is None else 'id'} is missing for doc 0")
    if "_source" in doc:
        filter = SourceFilter.from_body(doc["_source"])
    try:
        index = single_index(connection, name)
    except RequestError as error:
        return {"_index": name, "_id": str(id), "error": error.body()["error"]}
    return _document(index, str(id), current_copy(connection, index.number, str(id)), filter)


def _document(
    index: Index, id: str, copy: Copy | None, filter: SourceFilter | None
) -> dict[str, Any]:
    """A document as ``_doc`` answers it; without a filter its bytes go out as they came in."""
    if copy is None or copy.source is None:
        return {"_index": index.name, "_id": id, "found": False}
    body: dict[str, Any] = {
        "_index": index.name,
        "_id": id,
        "_version": copy.version,
        "_seq_no": copy.seq_no,
        "_primary_term": PRIMARY_TERM,
        "found": True,
    }
    if filter is None:
        body["_source"] = orjson.Fragment(copy.source)
    else:
        source = filter.apply(orjson.loads(copy.source))
        if source is not None:
            body["_source"] = source
    return body


def _source_filter(request: Request) -> SourceFilter | None:
    if not request.flag("realtime", True):
        raise unsupported("realtime=false")
    if not any(name in request.parameters for name in SOURCE_PARAMETERS):
        return None
    return SourceFilter.from_params(request.parameters)
