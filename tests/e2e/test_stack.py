"""`docker compose up`: what its containers print, and what the image is."""

import json
import re
import urllib.request

import pytest
from typer.testing import CliRunner

from endcap.cli import app
from endcap.demo import QUERIES, SHOWN

RISE = re.compile(r"^(?P<who>\w+) +(?P<before>\d+\+?) → (?P<place>\d) ", re.MULTILINE)
LARGEST_MB = 400  # what endcap and all that it needs add to Python's image, the encoder apart
GIB = 2**30


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


@pytest.fixture(scope="module")
def shown(stack):
    """What the application printed."""
    return stack.compose("logs", "--no-log-prefix", "app")


def test_the_indexer_and_the_application_end_well(stack):
    for service in ("indexer", "app"):
        assert stack.docker("wait", stack.container(service)).strip() == "0"
    said = stack.compose("logs", "--no-log-prefix", "indexer")
    assert "products-000001 is live: 1,776 products, 1,776 embedded" in said
    assert re.search(r"^cooccurrence-000001 is promoted: [\d,]+ events", said, re.MULTILINE)


def test_every_shopper_finds_other_products_first(shown):
    for query in QUERIES:
        assert f"“{query}”" in shown
    rises = [match.groupdict() for match in RISE.finditer(shown)]
    assert {rise["who"] for rise in rises} == set(SHOWN)
    for rise in rises:
        assert int(rise["place"]) < int(rise["before"].rstrip("+"))


def test_the_server_shows_what_the_embedded_engine_shows(shown, encoder, tmp_path):
    typed = ["demo", "--store", str(tmp_path), "--model", str(encoder)]
    embedded = CliRunner(env={"COLUMNS": "80"}).invoke(app, typed)
    assert embedded.exit_code == 0, embedded.output
    said = lines(embedded.stdout)
    start = next(place for place, line in enumerate(said) if "3  what they see" in line)
    assert lines(shown) == said[start : start + len(lines(shown))]


def test_an_event_counts_in_the_search_of_the_next_container(stack):
    before = stack.endcap("search", QUERIES[0], "--user", "you")
    assert "history" not in before
    ids = re.findall(r"  (P\d+)  ", before)
    stack.endcap("record", ids[-1], "--user", "you", "--action", "purchase")
    after = stack.endcap("search", QUERIES[0], "--user", "you")
    assert "history" in after
    assert re.findall(r"  (P\d+)  ", after) != ids


def test_a_catalogue_of_ones_own_with_the_encoder_of_the_image(stack, tmp_path):
    catalogue = tmp_path / "catalogue.jsonl"
    titles = ("Green teapot", "Blue teapot", "Yellow rain coat")
    rows = [{"id": f"t{place}", "title": title} for place, title in enumerate(titles)]
    catalogue.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    mount = f"{catalogue}:/catalogue.jsonl:ro"
    typed = ("reindex", "/catalogue.jsonl", "--index", "own")
    said = stack.endcap(*typed, service="indexer", mount=mount)
    assert "own-000001 is live: 3 products, 3 embedded" in said
    found = stack.endcap("search", "raincoat", "--index", "own")
    assert re.findall(r"^  1 (.*?)  ", found, re.MULTILINE) == ["Yellow rain coat"]


def test_the_server_answers_on_loopback_alone_within_its_memory(stack):
    with urllib.request.urlopen(f"{stack.address}/_cat/aliases?format=json") as answer:
        aliases = {each["alias"]: each["index"] for each in json.load(answer)}
    assert aliases["products"] == "products-000001"
    (inspected,) = json.loads(stack.docker("inspect", stack.container("opensearch")))
    assert inspected["HostConfig"]["Memory"] == 2 * GIB
    published = inspected["HostConfig"]["PortBindings"].values()
    assert [place["HostIp"] for (place,) in published] == ["127.0.0.1"]


def test_the_image_has_no_torch_no_root_and_no_more_than_it_needs(stack):
    run = ("run", "--rm", "--entrypoint", "python", stack.image, "-c")
    code = "import importlib.util as u; print([n for n in {} if u.find_spec(n)])"
    names = ["endcap", "torch", "sentence_transformers", "onnx", "pytest", "pip"]
    assert stack.docker(*run, code.format(names)).strip() == "['endcap']"
    assert stack.docker(*run, "import os; print(os.getuid(), os.getgid())") == "10001 10001\n"
    megabytes, _ = stack.docker(*run[:3], "du", stack.image, "-sm", "/opt/endcap").split()
    assert int(megabytes) < LARGEST_MB


def test_up_again_builds_nothing_and_ends_with_the_applications_code(stack, shown):
    said = stack.compose("up", "--exit-code-from", "app", "--no-log-prefix")
    assert "\n".join(lines(shown)) in "\n".join(lines(said))
    again = stack.compose("logs", "--no-log-prefix", "indexer")
    assert "is unchanged: products-000001 stays live" in again
