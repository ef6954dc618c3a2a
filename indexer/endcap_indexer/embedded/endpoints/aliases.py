"""Aliases of an index, one by one and all or nothing."""

from endcap_indexer.embedded.aliases import (
    add_alias,
    aliases_of,
    apply_actions,
    matching_aliases,
    remove_aliases,
)
from endcap_indexer.embedded.endpoints.indices import ACKNOWLEDGED, named
from endcap_indexer.embedded.engine import Engine
from endcap_indexer.embedded.errors import aliases_not_found, illegal_argument
from endcap_indexer.embedded.requests import Request, Response


def get(engine: Engine, request: Request) -> Response:
    """Indices with their aliases; a plain alias name that nobody has makes it 404, as text."""
    wanted = request.segments.get("name")
    with engine.database.read() as connection:
        indices = named(connection, request)
        if wanted is None:
            everything = {i.name: {"aliases": aliases_of(connection, i)} for i in indices}
            return Response(200, everything)
        body = {i.name: {"aliases": matching_aliases(connection, i, wanted)} for i in indices}
    found = {name: entry for name, entry in body.items() if entry["aliases"]}
    known = {alias for entry in found.values() for alias in entry["aliases"]}
    plain = [name for name in wanted.split(",") if "*" not in name and name != "_all"]
    missing = sorted(set(plain) - known)
    if missing:
        noun = "alias" if len(missing) == 1 else "aliases"
        error = {"error": f"{noun} [{','.join(missing)}] missing", "status": 404}
        return Response(404, {**error, **found})
    return Response(200, found)


def exists(engine: Engine, request: Request) -> Response:
    with engine.database.read() as connection:
        found = any(
            matching_aliases(connection, index, request.segments["name"])
            for index in named(connection, request)
        )
    return Response(200 if found else 404, {})


def put(engine: Engine, request: Request) -> Response:
    body = {key: value for key, value in request.json().items() if key not in ("index", "alias")}
    with engine.database.write() as connection:
        for index in named(connection, request):
            add_alias(connection, index, request.segments["name"], body)
    return ACKNOWLEDGED


def delete(engine: Engine, request: Request) -> Response:
    names = request.segments["name"].split(",")
    with engine.database.write() as connection:
        indices = named(connection, request)
        if not sum(remove_aliases(connection, indices, name) for name in names):
            raise aliases_not_found(names)
    return ACKNOWLEDGED


def change(engine: Engine, request: Request) -> Response:
    body = request.json(required=True)
    if set(body) != {"actions"}:
        raise illegal_argument("the body of _aliases is an object with one key, [actions]")
    with engine.database.write() as connection:
        apply_actions(connection, body["actions"])
    engine.sweep()
    return ACKNOWLEDGED
