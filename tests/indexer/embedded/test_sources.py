import copy
from typing import Any

import pytest

from endcap_indexer.embedded.errors import RequestError
from endcap_indexer.embedded.sources import SourceFilter

SOURCE = {
    "title": "red",
    "size": {"width": 4, "unit": {"name": "cm"}},
    "tags": ["a", "b"],
    "parts": [{"name": "x", "n": 1}, {"n": 2}, "loose"],
}


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (True, SOURCE),
        (False, None),
        ("title", {"title": "red"}),
        ("size.unit", {"size": {"unit": {"name": "cm"}}}),
        ("size.*.name", {"size": {"unit": {"name": "cm"}}}),
        ("*name", {"size": {"unit": {"name": "cm"}}, "parts": [{"name": "x"}]}),
        ("parts.name", {"parts": [{"name": "x"}]}),
        ("siz", {}),
        ("tags.x", {}),
        (
            {"exclude": ["size", "parts.n"]},
            {"title": "red", "tags": ["a", "b"], "parts": [{"name": "x"}, {}, "loose"]},
        ),
        ({"include": "size", "excludes": "size.unit"}, {"size": {"width": 4}}),
    ],
)
def test_apply(body: Any, kept: dict[str, Any] | None) -> None:
    before = copy.deepcopy(SOURCE)
    assert SourceFilter.from_body(body).apply(SOURCE) == kept
    assert before == SOURCE


@pytest.mark.parametrize("body", [3, {"only": "a"}, ["a", 1], {"includes": [1]}])
def test_refuse(body: Any) -> None:
    with pytest.raises(RequestError) as raised:
        SourceFilter.from_body(body)
    assert (raised.value.status, raised.value.type) == (400, "parsing_exception")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, SourceFilter()),
        ({"_source": "false"}, SourceFilter(False)),
        ({"_source": "a,b.*"}, SourceFilter(includes=("a", "b.*"))),
        (
            {"_source_includes": "a", "_source_excludes": "a.b"},
            SourceFilter(includes=("a",), excludes=("a.b",)),
        ),
        ({"_source": "false", "_source_includes": "a"}, SourceFilter(includes=("a",))),
    ],
)
def test_from_params(parameters: dict[str, str], expected: SourceFilter) -> None:
    assert SourceFilter.from_params(parameters) == expected
