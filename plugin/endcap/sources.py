"""What a hit shows of its document: all that the caller asks for, but no vector of ours."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from endcap.requests import SearchRequest

SOURCE = ("_source", "_source_includes", "_source_excludes")


def hide(request: SearchRequest, field: str) -> SearchRequest:
    """The same request, whose hits' `_source` lacks a field."""
    if _shows_none(request):
        return request
    told = any(request.url_option(name) is not None for name in SOURCE)
    filters = _from_url(request) if told else _from_body(request.body.get("_source"))
    excludes = [*filters.get("excludes", ()), field]
    asked = request.without(*SOURCE)
    return replace(asked, body={**asked.body, "_source": {**filters, "excludes": excludes}})


def _shows_none(request: SearchRequest) -> bool:
    source = request.option("_source")
    if source is None and request.option("stored_fields") is not None:
        return request.url_option("_source_includes") is None
    return str(source).lower() == "false"


def _from_url(request: SearchRequest) -> Mapping[str, Any]:
    """What the URL says, which the engine reads instead of the body."""
    source, includes, excludes = (request.url_option(name) for name in SOURCE)
    if includes is None and str(source).lower() not in ("none", "true"):
        includes = source
    filters = {"includes": _listed(includes), "excludes": _listed(excludes)}
    return {name: patterns for name, patterns in filters.items() if patterns}


def _from_body(source: Any) -> Mapping[str, Any]:
    if source is None or source is True:
        return {}
    if not isinstance(source, Mapping):
        return {"includes": source}
    excludes = source.get("excludes", source.get("exclude", ()))
    others = {name: value for name, value in source.items() if not name.startswith("exclude")}
    return {**others, "excludes": [excludes] if isinstance(excludes, str) else list(excludes)}


def _listed(patterns: Any) -> list[str]:
    """Patterns of a URL: a list, or text with commas."""
    if patterns is None:
        return []
    return patterns.split(",") if isinstance(patterns, str) else list(patterns)
