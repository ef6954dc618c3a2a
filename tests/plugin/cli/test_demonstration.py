"""The whole demo, with the toy encoder, which knows a few of its words."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import endcap
from endcap.cli import app
from endcap.demo import QUERIES, SHOPPERS, SHOWN
from endcap.demo.comparison import FUSED, PLAIN, REASONS, compare

RISE = re.compile(r"^(?P<who>\w+) +(?P<before>\d+\+?) → (?P<place>\d) ", re.MULTILINE)
WIDTHS = (80, 100)
LINES = 92  # a demo that scrolls away is not read


@pytest.fixture(scope="module")
def demo(tmp_path_factory, encoder_folder):
    """The store, and what was said on a terminal of 80 columns, then, again, of 100."""
    store = tmp_path_factory.mktemp("demo") / "store"
    said = []
    for width in WIDTHS:
        typed = ["demo", "--store", str(store), "--model", str(encoder_folder)]
        result = CliRunner(env={"COLUMNS": str(width)}).invoke(app, typed)
        assert result.exit_code == 0, (result.output, result.exception)
        said.append(result.stdout)
    return store, said


@pytest.fixture(scope="module")
def comparisons(demo):
    shoppers = [shopper for shopper in SHOPPERS if shopper.id in SHOWN]
    with endcap.connect(demo[0]) as client:
        return [compare(client, "products", query, shoppers) for query in QUERIES]


@pytest.mark.parametrize("run", [0, 1])
def test_it_fits_a_terminal(demo, run):
    lines = demo[1][run].splitlines()
    assert len(lines) <= LINES
    assert [line for line in lines if len(line) > WIDTHS[run] and str(demo[0]) not in line] == []


@pytest.mark.parametrize("run", [0, 1])
def test_it_names_every_order_every_query_and_every_reason(demo, run):
    said = demo[1][run]
    for name in (PLAIN, FUSED, *(f"for {who}" for who in SHOWN), *REASONS.values()):
        assert re.search(rf"^{name}  ", said, re.MULTILINE), name
    for query in QUERIES:
        assert f"“{query}”" in said


def test_a_second_run_builds_nothing_again_and_shows_the_same(demo):
    first, second = demo[1]
    assert "products-000001 is live: 1,776 products" in first
    assert "is unchanged: products-000001 stays live" in second
    rises = [[match.groups() for match in RISE.finditer(said)] for said in demo[1]]
    assert rises[0] == rises[1] != []


def test_every_shopper_sees_another_order_than_nobody(comparisons):
    for comparison in comparisons:
        fused = [each.id for each in comparison.orders[FUSED]]
        for who in SHOWN:
            assert [each.id for each in comparison.orders[f"for {who}"]] != fused
        assert any(comparison.rises.values())
    for who in SHOWN:
        assert any(comparison.rises[who] for comparison in comparisons)


def test_every_rise_is_true_and_has_its_reasons(demo, comparisons):
    with endcap.connect(demo[0]) as client:
        for comparison in comparisons:
            query = client.text_query(comparison.query, index="products")
            body = {"query": query, "size": 100, "ext": {"endcap": {"explain": True}}}
            places = {each.id: n for n, each in enumerate(comparison.orders[FUSED], start=1)}
            for who, rises in comparison.rises.items():
                answer = client.search(body, "products", user=who)
                said = {each["_id"]: each for each in answer["ext"]["endcap"]["explanations"]}
                for rise in rises:
                    assert answer["hits"]["hits"][rise.place - 1]["_id"] == rise.product.id
                    assert places.get(rise.product.id) == rise.before
                    assert rise.reasons
                    for column, part in rise.reasons.items():
                        assert said[rise.product.id]["contributions"][column] == part > 0


def test_what_it_suggests_runs_as_it_is_written(demo):
    suggested = [line.strip() for line in demo[1][1].splitlines() if line.startswith("  endcap ")]
    assert [shlex.split(line)[1] for line in suggested] == [
        "search", "record", "search", "reindex",
    ]  # fmt: skip
    for line in suggested[:3]:
        result = CliRunner().invoke(app, shlex.split(line)[1:])
        assert result.exit_code == 0, (line, result.output)
    assert "history" in result.stdout  # the purchase counts in the search after it


def test_it_calls_itself_as_it_was_called(monkeypatch, capsys):
    from endcap.cli.demonstration import Shop, _say_what_next
    from endcap.cli.terminal import open_console

    monkeypatch.setattr("sys.argv", [".venv/bin/endcap"])
    monkeypatch.setenv("PATH", "")
    shop = Shop(None, Path("s"), "tea")
    _say_what_next(open_console(), shop, "https://search.shop", "mug", "P1")
    search, record, *_ = capsys.readouterr().out.splitlines()
    place = "--store s --engine https://search.shop"
    assert search.startswith("  .venv/bin/endcap search ")
    assert search.endswith(f"{place} --index tea")
    assert record.endswith(place)


@pytest.fixture
def halves(tmp_path, encoder_folder):
    """`halves(*more)` types the demo on an engine of its own, apart from the store."""
    places = ["--store", str(tmp_path / "store"), "--engine", str(tmp_path / "engine")]
    typed = ["demo", *places, "--model", str(encoder_folder)]
    return lambda *more: CliRunner(env={"COLUMNS": "80"}).invoke(app, [*typed, *more])


def test_two_halves_say_what_the_whole_says(demo, halves):
    before = halves("--only", "show")
    assert before.exit_code == 1
    assert before.stderr.startswith("error products has no live generation")
    built, shown = halves("--only", "build"), halves("--only", "show")
    assert (built.exit_code, shown.exit_code) == (0, 0), (built.output, shown.output)
    assert shown.stdout in demo[1][0]
    assert "3  what they see" in shown.stdout
    assert "is promoted" in built.stdout
    assert "3  what they see" not in built.stdout
    assert "--engine" in halves().stdout.rsplit("─ try next ─", 1)[1]


def test_an_index_of_others_is_left_alone(halves, tmp_path):
    halves("--only", "build")
    shutil.rmtree(tmp_path / "store")
    refused = halves()
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error 'products' is there already and was not built from")
    assert halves("--index", "demo", "--only", "build").exit_code == 0
