"""Aliases: names that stand for one index or several, changed all or nothing."""

import sqlite3
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from .errors import RequestError, aliases_not_found, illegal_argument, unsupported
from .indices import Index, aliased, delete_indices, find_index, resolve

ACTIONS = {
    "add": {"index", "indices", "alias", "aliases", "is_write_index", "must_exist"},
    "remove": {"index", "indices", "alias", "aliases", "must_exist"},
    "remove_index": {"index", "indices", "must_exist"},
}
SERVER_ONLY = {"filter", "routing", "index_routing", "search_routing", "is_hidden"}


def aliases_of(connection: sqlite3.Connection, index: Index) -> dict[str, dict[str, Any]]:
    """Alias name to its body, ``{}`` or ``{"is_write_index": bool}``, in order of name."""
    rows = connection.execute(
        "SELECT name, is_write_index FROM aliases WHERE number = ? ORDER BY name", (index.number,)
    ).fetchall()
    return {
        name: {} if writes is None else {"is_write_index": bool(writes)} for name, writes in rows
    }


def add_alias(
    connection: sqlite3.Connection, index: Index, name: str, body: Mapping[str, Any]
) -> None:
    """Adds the alias or changes what it says of this index."""
    for key in body:
        if key in SERVER_ONLY:
            raise unsupported(f"alias {key}")
        if key != "is_write_index":
            raise illegal_argument(f"Unknown field [{key}] in alias [{name}]")
    _check_alias_name(connection, name)
    connection.execute(
        "INSERT INTO aliases VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET is_write_index = excluded.is_write_index",
        (name, index.number, body.get("is_write_index")),
    )
    writing = [member.name for member, writes in aliased(connection, name) if writes]
    if len(writing) > 1:
        raise RequestError(
            500,
            "illegal_state_exception",
            f"alias [{name}] has more than one write index [{','.join(writing)}]",
        )


def remove_aliases(connection: sqlite3.Connection, indices: Iterable[Index], pattern: str) -> int:
    """Removes the aliases whose name matches; returns how many there were."""
    removed = 0
    for index in indices:
        for name in aliases_of(connection, index):
            if _matches(name, pattern):
                connection.execute(
                    "DELETE FROM aliases WHERE name = ? AND number = ?", (name, index.number)
                )
                removed += 1
    return removed


def apply_actions(connection: sqlite3.Connection, actions: Iterable[Mapping[str, Any]]) -> None:
    """The actions of ``POST /_aliases``, in one transaction of the caller's.

    Indices are removed first, as on the server, so that an alias can take an index's name.
    """
    steps = [_read_action(action) for action in actions]
    if not steps:
        raise illegal_argument("No action specified")
    done, missing = 0, []
    resolved = [(kind, body, _indices(connection, kind, body)) for kind, body in steps]
    for _, _, indices in (step for step in resolved if step[0] == "remove_index"):
        delete_indices(connection, indices)
        done += 1
    for kind, body, indices in (step for step in resolved if step[0] != "remove_index"):
        for name in _names(body, "alias"):
            if kind == "add":
                for index in indices:
                    add_alias(connection, index, name, _alias_body(body))
                done += 1
            elif remove_aliases(connection, indices, name):
                done += 1
            elif body.get("must_exist"):
                raise aliases_not_found([name])
            else:
                missing.append(name)
    if not done:
        raise aliases_not_found(missing)


def matching_aliases(
    connection: sqlite3.Connection, index: Index, expression: str
) -> dict[str, dict[str, Any]]:
    """The aliases of an index that ``a,b*`` or ``_all`` names."""
    patterns = expression.split(",")
    found = aliases_of(connection, index)
    return {
        name: body
        for name, body in found.items()
        if any(_matches(name, pattern) for pattern in patterns)
    }


def _matches(name: str, pattern: str) -> bool:
    return pattern in ("", "_all") or fnmatchcase(name, pattern)


def _read_action(action: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    if len(action) != 1:
        raise illegal_argument("an alias action is an object with one key: add, remove, ...")
    ((kind, body),) = action.items()
    if kind not in ACTIONS:
        raise illegal_argument(f"[aliases] unknown field [{kind}]")
    for key in body:
        if key in SERVER_ONLY:
            raise unsupported(f"alias {key}")
        if key not in ACTIONS[kind]:
            raise illegal_argument(f"[{kind}] unknown field [{key}]")
    if kind != "remove_index" and not _names(body, "alias"):
        raise illegal_argument("One of [alias] or [aliases] is required")
    return kind, body


def _indices(connection: sqlite3.Connection, kind: str, body: Mapping[str, Any]) -> list[Index]:
    names = _names(body, "index")
    if not names:
        raise illegal_argument("One of [index] or [indices] is required")
    return resolve(
        connection, ",".join(names), allow_no_indices=False, aliases=kind != "remove_index"
    )


def _names(body: Mapping[str, Any], singular: str) -> list[str]:
    plural = "indices" if singular == "index" else "aliases"
    value = body.get(singular, body.get(plural, []))
    return value.split(",") if isinstance(value, str) else list(value)


def _alias_body(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"is_write_index": body["is_write_index"]} if "is_write_index" in body else {}


def _check_alias_name(connection: sqlite3.Connection, name: str) -> None:
    index = find_index(connection, name)
    if index is not None:
        raise RequestError(
            400,
            "invalid_alias_name_exception",
            f"Invalid alias name [{name}]: an index or data stream exists with the same name as "
            "the alias",
            details={"index": name, "index_uuid": index.uuid},
        )
    if not name or name.startswith(("_", "-", "+")) or set(name) & set('\\/*?"<>| ,#:'):
        raise RequestError(
            400,
            "invalid_alias_name_exception",
            f"Invalid alias name [{name}]: must not be empty, start with '_', '-' or '+', or "
            'contain one of \\ / * ? " < > | space , # :',
        )
