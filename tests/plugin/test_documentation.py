"""The documents, held against the code: what they show runs, what the code takes they name."""

import csv
import re
import shlex
import shutil
import signal
import sqlite3
import time
import tomllib
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
from typer.testing import CliRunner

import endcap
from endcap import configuration, requests
from endcap.bodies import BYPASSES, TOP_LEVEL_ONLY
from endcap.cli import app
from endcap.conditions import TEXT_CLAUSES, WRAPPERS
from endcap.configuration import Configuration
from endcap_indexer.catalogue import CatalogueFields
from endcap_reranker.events import ACTION_WEIGHTS, FIELDS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = typer.main.get_command(app).commands
ATTACHING = ("attach", "follow")  # of an index on a server, in docs/attach.md
LIMIT_S = 60
JUDGMENTS = "query\tproduct\tgrade\nred sofa\tp000\t2\nnavy lamp\tp022\t1\n"
EVENTS = '{"user": "u", "item": "p000"}\n{"user": "u", "item": "p001"}\n'


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", read(name), re.MULTILINE | re.DOTALL)


def section(name: str, title: str) -> str:
    return re.split(r"^## ", read(name).partition(f"## {title}\n")[2], flags=re.MULTILINE)[0]


@pytest.fixture
def folder(tmp_path, monkeypatch, store, encoder_folder):
    """A working folder as the README has it: a built demo, and files of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENDCAP_STORE", raising=False)
    monkeypatch.delenv("ENDCAP_ENGINE", raising=False)
    shutil.copytree(store, ".cache/demo")
    shutil.copy(store / "catalogue.jsonl", tmp_path)
    Path("judgments.tsv").write_text(JUDGMENTS)
    Path("events.jsonl").write_text(EVENTS)
    Path("endcap.toml").write_text(f'[encoder]\nmodel = "{encoder_folder}"\n')
    return tmp_path


def test_the_python_of_the_readme_runs(folder):
    (block,) = blocks("README.md", "python")
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    with names["client"] as client:
        again = client.search({"query": {"match": {"title": "jacket"}}}, "products", user="ada")
    clicked = names["answer"]["hits"]["hits"][0]["_id"]
    assert names["answer"]["ext"]["endcap"]["applied"]
    assert again["hits"]["hits"][0]["_id"] == clicked


def test_a_database_becomes_a_catalogue_as_the_page_shows(folder):
    with closing(sqlite3.connect("shop.db")) as database, database:
        database.execute("CREATE TABLE products (sku, name, brand, price)")
        rows = [("s1", "oak desk", "Ekko", 149.0), ("s2", "red sofa", None, 399.9)]
        database.executemany("INSERT INTO products VALUES (?, ?, ?, ?)", rows)
    (block,) = blocks("docs/catalogue.md", "python")
    names = {}
    exec(compile(block, "docs/catalogue.md", "exec"), names)
    (first, *_) = names["answer"]["hits"]["hits"]
    assert first["_source"]["title"] == "red sofa"
    assert names["answer"]["ext"]["endcap"]["applied"]


def test_changes_come_out_of_a_database_as_the_page_shows(folder):
    """SQLite knows no booleans; its CSV is written here, where the shell may not be installed."""
    (block,) = (each for each in blocks("docs/updates.md", "sh") if "sqlite3" in each)
    asked, updated = map(shlex.split, block.splitlines())
    name, query, _, changes = asked[-4:]
    columns = "(id, title, price, deleted BOOLEAN, changed)"
    rows = [("n1", "oak desk", 149.0, False, "2026-11-29"), ("n2", "lamp", 3.0, None, "2026-12-01")]
    rows += [("p000", "sofa", 1.0, True, "2026-11-29"), ("p001", "sofa", 2.0, True, "2026-11-27")]
    with closing(sqlite3.connect(name)) as database, database, open(changes, "w") as file:
        database.execute(f"CREATE TABLE products {columns}")
        database.executemany("INSERT INTO products VALUES (?, ?, ?, ?, ?)", rows)
        found = database.execute(query)
        csv.writer(file).writerows([[each[0] for each in found.description], *found])
    shutil.copytree(".cache/demo", "data")
    result = CliRunner().invoke(app, updated[1:])
    assert "products 2 products written, 1 removed, " in result.output
    with endcap.connect("data") as client:
        there = [id for id, *_ in rows if client.exists(index="products", id=id)]
    assert there == ["n1", "n2", "p001"]


def test_the_commands_of_the_readme_run(folder):
    lines = [line for block in blocks("README.md", "sh") for line in block.splitlines()]
    typed = [shlex.split(line, comments=True) for line in lines if line.startswith("endcap ")]
    assert {words[1] for words in typed} == COMMANDS.keys() - {"demo", *ATTACHING}
    for words in typed:
        result = CliRunner().invoke(app, words[1:])
        assert result.exit_code == 0, (words, result.output, result.exception)


def test_the_commands_of_the_page_on_attaching_run(folder, shop_index, opensearch_url, monkeypatch):
    """The service is told to end when it has looked once; a client that was open re-ranks then."""
    told = SimpleNamespace(sleep=lambda seconds: signal.raise_signal(signal.SIGTERM))
    monkeypatch.setattr("endcap.cli.attaching.time", told)
    monkeypatch.setattr("endcap.core.POLL_INTERVAL_S", 0.0)
    name, plain = shop_index
    (block,) = blocks("docs/attach.md", "sh")
    shown = block.replace("https://search.shop:9200", opensearch_url).replace("products", name)
    typed = [shlex.split(line) for line in shown.splitlines()]
    assert [words[1] for words in typed] == [*ATTACHING]
    body = {"query": {"match": {"title": "sofa"}}}
    with endcap.connect(opensearch_url, store="data") as client:
        assert not _is_applied(client.search(body, name))
        for words in typed:
            result = CliRunner().invoke(app, words[1:])
            assert result.exit_code == 0, (words, result.output, result.exception)
        end = time.monotonic() + LIMIT_S
        while not _is_applied(client.search(body, name)):
            assert time.monotonic() < end


def _is_applied(answer):
    return answer["ext"]["endcap"]["applied"]


def test_what_works_on_a_built_index_works_on_an_attached_one(folder, shop_index, opensearch_url):
    name, _ = shop_index
    where = ["--engine", opensearch_url, "--store", "data"]
    for words in (
        ["attach", name],
        ["evaluate", "judgments.tsv", "--index", name],
        ["tune", "judgments.tsv", "--index", name],
        ["train", "events.jsonl", "--index", name],
        ["search", "sofa", "--index", name],
    ):
        result = CliRunner().invoke(app, [*words, *where])
        assert result.exit_code == 0, (words, result.output, result.exception)


def test_the_make_targets_of_the_readme_exist():
    targets = set(re.findall(r"^(\w+):", read("Makefile"), re.MULTILINE))
    named = {
        name for block in blocks("README.md", "sh") for name in re.findall(r"make (\w+)", block)
    }
    assert named == {"demo", "install", "opensearch", "test", "dropin", "check", "bench"}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            file, _, heading = target.partition("#")
            assert (page.parent / file).exists(), target
            titles = re.findall(r"^#+ (.+)$", (page.parent / file).read_text(), re.MULTILINE)
            assert not heading or heading in {title.lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name):
    page = read("docs/command-line.md")
    assert f"| `endcap {name}" in page
    where = section("docs/command-line.md", "Where things are")
    shared = set() if name == "demo" else set(re.findall(r"`(-[-\w]+)`", where))
    rows = section("docs/command-line.md", "Options").partition(f"| `{name}` |")[2]
    own = set(re.findall(r"`(-[-\w]+)`", re.split(r"^\| `", rows, flags=re.MULTILINE)[0]))
    options = [each for each in COMMANDS[name].params if each.param_type_name == "option"]
    taken = {spelling for each in options for spelling in (*each.opts, *each.secondary_opts)}
    assert taken - shared == own


def test_the_keys_of_a_request_are_those_that_are_read():
    rows = re.findall(
        r"^\| (`.+?`) \|", section("docs/search.md", "`ext.endcap` of a request"), re.M
    )
    assert {key.strip("`") for row in rows for key in row.split(", ")} == set(requests.OPTIONS)


def test_the_keys_of_an_answer_are_those_that_are_written(reader):
    body = {"query": {"match": {"title": "sofa"}}, "ext": {"endcap": {"explain": True}}}
    written = reader.search(body, "products")["ext"]["endcap"]
    said = section("docs/search.md", "`ext.endcap` of an answer")
    assert set(re.findall(r"`(\w+)`", said)) == set(written)


def test_what_is_read_from_a_body_is_named():
    table = section("docs/search.md", "What is read from a body")
    named = set(re.findall(r"`(\w+)`", table))
    assert {*BYPASSES, *TOP_LEVEL_ONLY, *TEXT_CLAUSES, *WRAPPERS} <= named


def test_the_configuration_that_is_shown_is_read_and_shows_every_key():
    (block,) = blocks("docs/catalogue.md", "toml")
    shown = Configuration.from_table(tomllib.loads(block))
    assert shown.catalogue is not None
    everything = tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", block, flags=re.MULTILINE))
    assert set(everything) == set(configuration._KEYS)
    assert set(everything["search"]) == set(configuration._SEARCH)
    assert set(everything["encoder"]) == set(configuration._ENCODER)
    assert set(everything["index"]) == set(configuration._INDEX)
    assert {*everything["catalogue"], "guessed"} == set(CatalogueFields.__dataclass_fields__)


def test_the_names_of_an_event_are_those_that_are_read():
    said = read("docs/events.md")
    for names in (*FIELDS.values(), ACTION_WEIGHTS):
        assert all(re.search(rf"\b{name}\b", said) for name in names)
