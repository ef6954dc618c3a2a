"""Creating, deleting and describing indices, their mappings and settings."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

import orjson

from endcap_indexer.embedded.aliases import add_alias, aliases_of
from endcap_indexer.embedded.engine import Engine
from endcap_indexer.embedded.errors import RequestError, illegal_argument, unsupported
from endcap_indexer.embedded.indices import Index, create_index, delete_indices, resolve
from endcap_indexer.embedded.mappings import Mapping
from endcap_indexer.embedded.requests import Request, Response, check_wildcards
from endcap_indexer.embedded.settings import change_settings, read_settings, show_settings

ACKNOWLEDGED = Response(200, {"acknowledged": True})
CREATE_KEYS = {"settings", "mappings", "aliases"}
STATS_LEVELS = ("cluster", "indices", "shards")
SERVER_VERSION_ID = "137287827"  # index.version.created of OpenSearch 3.6.0


def create(engine: Engine, request: Request) -> Response:
    body = request.json()
    for key in body:
        if key not in CREATE_KEYS:
            raise RequestError(400, "parse_exception", f"unknown key [{key}] for create index")
    settings = read_settings(body.get("settings", {}))
    mapping = Mapping.from_json(body.get("mappings", {})).to_json()
    name = request.segments["index"]
    with engine.database.write() as connection:
        index = create_index(connection, name, settings, mapping)
        for alias, alias_body in body.get("aliases", {}).items():
            add_alias(connection, index, alias, alias_body)
    return Response(200, {"acknowledged": True, "shards_acknowledged": True, "index": name})


def delete(engine: Engine, request: Request) -> Response:
    with engine.database.write() as connection:
        delete_indices(connection, named(connection, request, aliases=False))
    engine.sweep()
    return ACKNOWLEDGED


def exists(engine: Engine, request: Request) -> Response:
    with engine.database.read() as connection:
        named(connection, request)
    return Response(200, {})


def get(engine: Engine, request: Request) -> Response:
    with engine.database.read() as connection:
        body = {
            index.name: {
                "aliases": aliases_of(connection, index),
                "mappings": orjson.loads(index.mapping),
                "settings": _settings(index),
            }
            for index in named(connection, request)
        }
    return Response(200, body)


def get_mapping(engine: Engine, request: Request) -> Response:
    with engine.database.read() as connection:
        indices = named(connection, request)
    body = {index.name: {"mappings": orjson.loads(index.mapping)} for index in indices}
    return Response(200, body)


def put_mapping(engine: Engine, request: Request) -> Response:
    changes = request.json(required=True)
    with engine.database.write() as connection:
        for index in named(connection, request):
            mapping = Mapping.from_json(orjson.loads(index.mapping)).merge(changes)
            connection.execute(
                "UPDATE indices SET mapping = ? WHERE number = ?",
                (orjson.dumps(mapping.to_json()), index.number),
            )
    return ACKNOWLEDGED


def get_settings(engine: Engine, request: Request) -> Response:
    if request.flag("include_defaults"):
        raise unsupported("include_defaults")
    with engine.database.read() as connection:
        indices = named(connection, request)
    patterns = request.segments.get("name", "_all").split(",")
    flat = request.flag("flat_settings")
    body = {}
    for index in indices:
        settings = {
            key: value
            for key, value in _flat_settings(index).items()
            if any(p in ("_all", "*") or fnmatchcase(f"index.{key}", p) for p in patterns)
        }
        flattened = {f"index.{key}": value for key, value in settings.items()}
        body[index.name] = {"settings": flattened if flat else show_settings(settings)}
    return Response(200, body)


def put_settings(engine: Engine, request: Request) -> Response:
    body = request.json(required=True)
    changes = read_settings(body.get("settings", body))
    with engine.database.write() as connection:
        for index in named(connection, request):
            settings = change_settings(index.name, index.settings, changes)
            connection.execute(
                "UPDATE indices SET settings = ? WHERE number = ?",
                (orjson.dumps(settings), index.number),
            )
    return ACKNOWLEDGED


def refresh(engine: Engine, request: Request) -> Response:
    with engine.database.read() as connection:
        indices = named(connection, request)
    for index in indices:
        engine.refresh(index)
    return _all_shards(indices)


def force_merge(engine: Engine, request: Request) -> Response:
    """Leaves no trace of what was deleted, neither in the searchable index nor in the database."""
    with engine.database.read() as connection:
        indices = named(connection, request)
    for index in indices:
        engine.rewrite(index)
    engine.database.vacuum()
    return _all_shards(indices)


def stats(engine: Engine, request: Request) -> Response:
    """How many documents a search sees, and with ``level=shards`` how far writes have come."""
    level = request.parameters.get("level", "indices")
    if level not in STATS_LEVELS:
        known = " or ".join(f"[{name}]" for name in STATS_LEVELS)
        raise illegal_argument(f"level parameter must be one of {known} but was [{level}]")
    with engine.database.read() as connection:
        indices = named(connection, request)
    docs = {index.name: engine.count_documents(index) for index in indices}
    body = {**_all_shards(indices).body, "_all": _both(_summed(docs.values()))}
    if level != "cluster":
        body["indices"] = {
            index.name: {
                "uuid": index.uuid,
                **_both(docs[index.name]),
                **({"shards": _shards(index, docs[index.name])} if level == "shards" else {}),
            }
            for index in indices
        }
    return Response(200, body)


def named(connection: sqlite3.Connection, request: Request, *, aliases: bool = True) -> list[Index]:
    """The indices that the path names, under the parameters that say how strict to be."""
    check_wildcards(request)
    return resolve(
        connection,
        request.segments.get("index", "_all"),
        ignore_unavailable=request.flag("ignore_unavailable"),
        allow_no_indices=request.flag("allow_no_indices", True),
        aliases=aliases,
    )


def _all_shards(indices: list[Index]) -> Response:
    total = sum(index.shards["total"] for index in indices)
    shards = {"total": total, "successful": len(indices), "failed": 0}
    return Response(200, {"_shards": shards})


def _both(docs: dict[str, int]) -> dict[str, Any]:
    """Of the primaries and of all copies, which are the same."""
    return {"primaries": {"docs": docs}, "total": {"docs": docs}}


def _summed(docs: Iterable[dict[str, int]]) -> dict[str, int]:
    total = Counter[str](count=0, deleted=0)
    for each in docs:
        total.update(each)
    return dict(total)


def _shards(index: Index, docs: dict[str, int]) -> dict[str, Any]:
    """Whatever is answered is on the disk: all checkpoints are the last write."""
    last = index.last_seq_no
    shard = {
        "routing": {"state": "STARTED", "primary": True, "node": "_na_", "relocating_node": None},
        "docs": docs,
        "commit": {"user_data": {"history_uuid": index.uuid}},
        "seq_no": {"max_seq_no": last, "local_checkpoint": last, "global_checkpoint": last},
    }
    return {"0": [shard]}


def _settings(index: Index) -> dict[str, Any]:
    return show_settings(_flat_settings(index))


def _flat_settings(index: Index) -> dict[str, str]:
    return {
        **index.settings,
        "creation_date": str(index.created),
        "uuid": index.uuid,
        "provided_name": index.name,
        "version.created": SERVER_VERSION_ID,
        "replication.type": "DOCUMENT",
    }
