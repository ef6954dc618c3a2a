"""``filter_path``: which parts of a response are answered."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeAlias

Pattern: TypeAlias = tuple[str, ...]  # the keys of a path, from the root


def filter_response(body: Any, filter_path: str | Sequence[str] | None) -> Any:
    """Keeps the paths named, drops those named with ``-``; ``*`` is one key, ``**`` any number.

    Objects and arrays of which nothing is left are dropped, as on the server. No path: all is kept.
    """
    paths = filter_path.split(",") if isinstance(filter_path, str) else filter_path or ()
    names = [name.strip() for name in paths if name.strip()]
    included = [tuple(name.split(".")) for name in names if not name.startswith("-")]
    excluded = [tuple(name[1:].split(".")) for name in names if name.startswith("-")]
    if included:
        body = _include(body, included)
    if excluded:
        body = _exclude(body, excluded)
    return {} if body is None else body


def _include(value: Any, patterns: list[Pattern]) -> Any:
    """What the patterns keep of a value; None: nothing."""
    if any(_ends(pattern) for pattern in patterns):
        return value
    if isinstance(value, list):
        kept = [_include(item, patterns) for item in value]
        return [item for item in kept if item is not None] or None
    if not isinstance(value, dict):
        return None
    kept_keys = {key: _include(item, _step(patterns, key)) for key, item in value.items()}
    return {key: item for key, item in kept_keys.items() if item is not None} or None


def _exclude(value: Any, patterns: list[Pattern]) -> Any:
    if not patterns:
        return value
    if isinstance(value, list):
        kept = [_exclude(item, patterns) for item in value]
        return [item for item in kept if item is not None] or None
    if not isinstance(value, dict):
        return value
    result = {}
    for key, item in value.items():
        rest = _step(patterns, key)
        if any(_ends(pattern) for pattern in rest):
            continue
        kept = _exclude(item, rest)
        if kept is not None:
            result[key] = kept
    return result or None


def _step(patterns: list[Pattern], key: str) -> list[Pattern]:
    """What is left of the patterns below a key."""
    rest: list[Pattern] = []
    for pattern in patterns:
        if not pattern:
            continue
        if pattern[0] == "**":
            rest.append(pattern)
            rest += _step([pattern[1:]], key)
        elif fnmatchcase(key, pattern[0]):
            rest.append(pattern[1:])
    return rest


def _ends(pattern: Pattern) -> bool:
    """Whether nothing has to follow: the value stands at the end of the path."""
    return all(part == "**" for part in pattern)
