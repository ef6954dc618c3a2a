"""The documentation is the list of what the engine does; what is not on it answers 400 by name."""

import re
from pathlib import Path

import pytest
from opensearchpy import RequestError

from endcap_indexer.embedded import aggregations, metrics, queries, search_request
from endcap_indexer.embedded.routes import ROUTES, SERVER_ONLY, find_route

PAGE = Path(__file__).parents[3] / "docs" / "embedded-engine.md"


def rows(heading, columns):
    """The rows of the table with this heading in its first column."""
    table = PAGE.read_text().split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    lines = table.split("\n")[2:]
    return [tuple(cell.strip() for cell in line.split("|")[1 : 1 + columns]) for line in lines]


def parameters(cell, groups):
    found = set(re.findall(r"`(\w+)`", cell))
    for group in re.sub(r"`\w+`", "", cell).split():
        found |= parameters(groups[group], groups)
    return found


def test_every_route_is_documented_and_every_documented_route_is_there():
    groups = dict(rows("group", 2))
    documented = {
        (methods, path.strip("`")): parameters(cell, groups)
        for methods, path, cell in rows("methods", 3)
    }
    assert documented == {(route.methods, route.path): route.parameters for route in ROUTES}


@pytest.mark.parametrize(
    ("item", "names"),
    [
        ("Queries", queries._QUERIES),
        ("Body", search_request.BODY),
        ("Aggregations", [*aggregations._BUCKETS, *metrics.METRICS]),
    ],
)
def test_the_searches_are_documented(item, names):
    text = re.search(rf"^- {item}: ((?:.|\n)*?)\.(?:\s|$)", PAGE.read_text(), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", text[1])) - {"_none_"} == set(names)


def test_every_route_is_found_by_its_path():
    for route in ROUTES:
        path = route.path.format(index="products", name="alias", id="a%2Fb")
        for method in route.methods.split():
            found, segments = find_route(method, path)
            assert found == route
            assert segments.get("id", "a/b") == "a/b"
            assert segments.get("index", "products") == "products"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_cat/indices"),
        ("POST", "/_reindex"),
        ("GET", "/_nodes/_all/http"),
        ("POST", "/products/_update_by_query"),
        ("PUT", "/_index_template/products"),
    ],
)
def test_what_only_a_server_does_answers_by_name(client, method, path):
    with pytest.raises(RequestError) as raised:
        client.transport.perform_request(method, path)
    assert raised.value.info["error"]["reason"] == (
        f"[{method} {path}] is not supported by the embedded engine; use an OpenSearch server"
    )


@pytest.mark.parametrize("parameter", sorted(SERVER_ONLY))
def test_parameters_that_only_a_server_knows_answer_by_name(client, parameter):
    with pytest.raises(RequestError, match=rf"\[parameter {parameter}\] is not supported"):
        client.transport.perform_request("GET", "/products/_doc/1", params={parameter: "1"})


@pytest.mark.parametrize(
    ("method", "path", "body", "what"),
    [
        ("PUT", "/products", {"settings": {"number_of_shards": 2}}, "number_of_shards: 2"),
        ("PUT", "/products", {"settings": {"analysis.analyzer.a.type": "x"}}, "index.analysis"),
        ("PUT", "/products", {"aliases": {"a": {"filter": {}}}}, "alias filter"),
        ("POST", "/products/_update/1", {"script": "x"}, "script"),
        ("GET", "/_cluster/health?level=shards", None, "level"),
        ("GET", "/_settings?include_defaults=true", None, "include_defaults"),
        ("GET", "/_mapping?expand_wildcards=closed", None, "expand_wildcards=closed"),
        ("POST", "/_bulk", '{"index": {"_index": "a", "routing": "r"}}\n{}\n', "routing"),
    ],
)
def test_what_is_not_supported_answers_by_name(client, method, path, body, what):
    path, _, query = path.partition("?")
    params = dict([query.split("=", 1)]) if query else None
    with pytest.raises(RequestError) as raised:
        client.transport.perform_request(method, path, params=params, body=body)
    reason = raised.value.info["error"]["reason"]
    assert reason.startswith(f"[{what}")
    assert reason.endswith("is not supported by the embedded engine; use an OpenSearch server")


def test_a_search_over_several_indices_answers_by_name(client):
    for name in ("one", "two"):
        client.indices.create(index=name)
    with pytest.raises(RequestError, match="a search over several indices"):
        client.search(index="one,two", body={})
    answers = client.msearch(body=[{"index": "_all"}, {}, {"index": "one"}, {}])["responses"]
    assert [answer["status"] for answer in answers] == [400, 200]
