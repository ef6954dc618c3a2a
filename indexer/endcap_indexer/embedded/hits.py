"""Hits as the response shows them: ids, sources, doc values, fields."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from .columns import Column
from .dates import check_format, render_date
from .documents import StoredDocument
from .errors import illegal_argument, malformed, unsupported
from .failures import no_doc_values
from .ranking import Hit
from .search_request import SearchRequest
from .snapshots import Snapshot
from .values import FLOAT_CODES, Value

Render = Callable[[Value], Any]


def render_hits(
    snapshot: Snapshot,
    request: SearchRequest,
    hits: Sequence[Hit],
    documents: dict[int, StoredDocument],
    scored: bool,
) -> list[dict[str, Any]]:
    """``documents`` by seq_no; empty where the request asks for doc values alone."""
    rendered = []
    for hit in hits:
        one: dict[str, Any] = {"_index": snapshot.index}
        document = documents.get(hit.seq_no)
        if document is not None:
            _add_document(one, document, request)
        one["_score"] = hit.score if scored else None
        if document is not None and request.source.wanted:
            one["_source"] = request.source.apply(document.source)
        rendered.append(one)
    _add_fields(snapshot, request, hits, documents, rendered)
    return rendered


def needs_documents(request: SearchRequest) -> bool:
    return request.ids or request.version or bool(request.fields or request.highlight)


def render_value(column: Column, format: str | None = None) -> Render:
    """How the server writes a doc value of this column."""
    if column.field.type == "date":
        wanted = format or column.field.format
        check_format(wanted)
        return lambda value: render_date(int(value), wanted)
    if format not in (None, "use_field_mapping"):
        raise unsupported(f"docvalue_fields.format on a field of type {column.field.type}")
    return bool if column.field.type == "boolean" else _as_is


def _as_is(value: Value) -> Any:
    return value


def _add_document(one: dict[str, Any], document: StoredDocument, request: SearchRequest) -> None:
    if request.ids:
        one["_id"] = document.id
    if request.version:
        one["_version"] = document.version
    if request.seq_no:
        one["_seq_no"] = document.seq_no
        one["_primary_term"] = document.primary_term


def _add_fields(
    snapshot: Snapshot,
    request: SearchRequest,
    hits: Sequence[Hit],
    documents: dict[int, StoredDocument],
    rendered: list[dict[str, Any]],
) -> None:
    seq_nos, addresses = [hit.seq_no for hit in hits], [hit.address for hit in hits]
    for name, column, format in _columns(snapshot, request.docvalue_fields):
        if not column.field.doc_values:
            raise no_doc_values(name, column.field.type)
        render = render_value(column, format)
        values = snapshot.values(column, seq_nos, addresses) if hits else []
        for one, items in zip(rendered, values, strict=True):
            if items:  # a window asks for numbers as they are: its two hundred calls are spared
                shown = items if render is _as_is else [render(item) for item in items]
                one.setdefault("fields", {})[name] = shown
    wanted = _columns(snapshot, request.fields)
    for one, hit in zip(rendered, hits, strict=True) if wanted else ():
        values_by_name = snapshot.mapping.values(documents[hit.seq_no].source)
        for name, column, format in wanted:
            if name in values_by_name:
                items = values_by_name[name]
                shown = [_shorten(column, render_value(column, format)(item)) for item in items]
                one.setdefault("fields", {})[name] = shown


def _shorten(column: Column, value: Any) -> Any:
    """``fields`` shows a float as it was written, doc values as the double it became."""
    if column.field.type in FLOAT_CODES and column.field.type != "double":
        kind = np.float16 if column.field.type == "half_float" else np.float32
        return float(str(kind(value)))
    return value


def _columns(snapshot: Snapshot, wanted: list[Any]) -> list[tuple[str, Column, str | None]]:
    """Name, column and format of what is asked for by name or wildcard; unmapped names fall out."""
    found = []
    for item in wanted:
        name, format = item, None
        if isinstance(item, dict):
            for key in item.keys() - {"field", "format"}:
                raise malformed(f"[docvalues_field] unknown field [{key}]")
            name, format = item.get("field"), item.get("format")
        if not isinstance(name, str):
            raise illegal_argument("Required [field]")
        names = [name] if "*" not in name else [
            known for known in snapshot.columns if fnmatchcase(known, name)
        ]  # fmt: skip
        found += [
            (known, snapshot.columns[known], format) for known in names if known in snapshot.columns
        ]
    return found
