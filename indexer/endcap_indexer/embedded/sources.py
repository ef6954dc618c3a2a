"""`_source` filtering: which parts of a document are answered."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from .arguments import parsing_error

KEYS = {
    "includes": "includes",
    "include": "includes",
    "excludes": "excludes",
    "exclude": "excludes",
}


@dataclass(frozen=True)
class SourceFilter:
    """Dotted paths, with ``*`` as wildcard; a path also stands for all that lies below it."""

    wanted: bool = True
    includes: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()

    @classmethod
    def from_body(cls, value: Any) -> Self:
        """From ``_source`` of a body: a boolean, a path, paths, or includes and excludes."""
        if isinstance(value, bool):
            return cls(value)
        if isinstance(value, str | list):
            return cls(includes=_paths(value))
        if not isinstance(value, dict):
            raise parsing_error(
                "Expected one of [VALUE_BOOLEAN, START_OBJECT] but found [VALUE_NUMBER]"
            )
        given: dict[str, tuple[str, ...]] = {}
        for key, paths in value.items():
            if key not in KEYS:
                raise parsing_error(f"Unknown key for a VALUE in [{key}].")
            given[KEYS[key]] = _paths(paths)
        return cls(True, **given)

    @classmethod
    def from_params(cls, parameters: Mapping[str, str]) -> Self:
        """From ``_source``, ``_source_includes`` and ``_source_excludes`` of a URL."""
        source = parameters.get("_source", "true")
        includes = parameters.get("_source_includes", "")
        excludes = parameters.get("_source_excludes", "")
        if source not in ("true", "false"):
            includes = source
        return cls(
            source != "false" or bool(includes or excludes),
            _split(includes),
            _split(excludes),
        )

    def apply(self, source: dict[str, Any]) -> dict[str, Any] | None:
        """The parts that are wanted, None when no source is; the argument is not changed."""
        if not self.wanted:
            return None
        if self.includes:
            source = _include(source, _pattern(self.includes), _heads(self.includes), "")
        if self.excludes:
            source = _exclude(source, _pattern(self.excludes), "")
        return source


EVERYTHING = SourceFilter()


def _paths(value: Any) -> tuple[str, ...]:
    paths = value if isinstance(value, list) else [value]
    if not all(isinstance(path, str) for path in paths):
        raise parsing_error("Unknown key for a VALUE_NUMBER in [_source].")
    return tuple(paths)


def _split(text: str) -> tuple[str, ...]:
    return tuple(path for path in text.split(",") if path)


@lru_cache(maxsize=256)
def _pattern(paths: Sequence[str]) -> re.Pattern[str]:
    """Matches a path, and whatever lies below it."""
    alternatives = (re.escape(path).replace(r"\*", ".*") for path in paths)
    return re.compile(f"(?:{'|'.join(alternatives)})(?:\\..*)?", re.DOTALL)


@lru_cache(maxsize=256)
def _heads(paths: Sequence[str]) -> re.Pattern[str]:
    """Matches an object that something wanted may lie in."""
    heads = set()
    for path in paths:
        parts = path.split(".")
        for end in range(1, len(parts)):
            heads.add(re.escape(".".join(parts[:end])).replace(r"\*", ".*"))
        if "*" in path:
            heads.add(re.escape(path[: path.index("*")]) + ".*")
            heads.add(".*" if path.startswith("*") else re.escape(parts[0]).replace(r"\*", ".*"))
    return re.compile("|".join(sorted(heads)) or r"(?!)", re.DOTALL)


def _include(
    source: dict[str, Any], wanted: re.Pattern[str], heads: re.Pattern[str], prefix: str
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in source.items():
        path = prefix + key
        if wanted.fullmatch(path):
            kept[key] = value
        elif isinstance(value, dict) and heads.fullmatch(path):
            if inner := _include(value, wanted, heads, f"{path}."):
                kept[key] = inner
        elif isinstance(value, list) and heads.fullmatch(path):
            parts = [
                _include(item, wanted, heads, f"{path}.")
                for item in value
                if isinstance(item, dict)
            ]
            if any(parts):
                kept[key] = [part for part in parts if part]
    return kept


def _exclude(source: dict[str, Any], unwanted: re.Pattern[str], prefix: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in source.items():
        path = prefix + key
        if unwanted.fullmatch(path):
            continue
        if isinstance(value, dict):
            value = _exclude(value, unwanted, f"{path}.")
        elif isinstance(value, list):
            value = [
                _exclude(item, unwanted, f"{path}.") if isinstance(item, dict) else item
                for item in value
            ]
        kept[key] = value
    return kept
