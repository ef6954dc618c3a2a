import functools

import pytest
from toy_model import toy_model

from endcap.cli.progress import TerminalProgress
from endcap.registry import Registry
from endcap_indexer.generations import generation_folder, hold_lease

GUESSED = """\
endcap.toml names no fields, so these are guessed:
  id      id
  title   title, text with boost 2, embedded
  brand   keyword, text with boost 1
  kind    keyword
  family  keyword
  price   price
  sales   popularity
"""
WRONG = [
    {"id": "w1", "title": "red sofa", "price": -3},
    "{",
    {"id": "p000", "title": "red sofa again", "price": 2.0},
]


def reindex(run, *options, **expected):
    return run("reindex", "catalogue.jsonl", "--store", "data", *options, **expected)


def test_a_catalogue_goes_live_and_says_what_was_guessed(run):
    said = reindex(run).stdout
    assert said.startswith(GUESSED)
    assert "products-000001 is live: 72 products, 24 embedded, 48 reused, " in said
    assert "bad rows" not in said


def test_fields_that_endcap_toml_names_are_not_guessed(run, folder):
    with (folder / "endcap.toml").open("a") as file:
        file.write('[catalogue]\nprice = "price"\n')
    assert "guessed" not in reindex(run).stdout


@pytest.mark.parametrize("told", ["--vectors", "endcap.toml"])
def test_vectors_cannot_lie_in_the_embedded_engine(run, folder, told):
    options = ("--vectors", "opensearch")
    if told == "endcap.toml":
        options = ()
        with (folder / "endcap.toml").open("a") as file:
            file.write('[index]\nvectors = "opensearch"\n')
    said = reindex(run, *options, code=1).stderr
    assert "vectors cannot lie in this engine" in said
    assert "--vectors folder" in said


def test_an_unchanged_catalogue_is_recognised_unless_forced(run):
    reindex(run)
    said = reindex(run).stdout
    assert "catalogue.jsonl is unchanged: products-000001 stays live" in said
    assert "products-000002 is live" in reindex(run, "--force").stdout


def test_of_a_changed_catalogue_only_changed_texts_are_embedded(run, folder, write_rows):
    reindex(run)
    rows = (folder / "catalogue.jsonl").read_text().splitlines()
    write_rows("catalogue.jsonl", [*rows, {"id": "new", "title": "oak lamp", "price": 1.0}])
    assert "products-000002 is live: 73 products, 1 embedded, 72 reused" in (reindex(run).stdout)


def test_bad_rows_are_named_counted_and_skipped(run, folder, write_rows):
    rows = (folder / "catalogue.jsonl").read_text().splitlines()
    write_rows("catalogue.jsonl", [*rows, *WRONG])
    said = reindex(run).stdout
    for line, field in ((73, "price: "), (74, ""), (75, "id: ")):
        assert f"skipped catalogue.jsonl:{line}: {field}" in said
    assert "-3 is negative; write 0 or more, or leave the field out; the value is left out" in said
    assert "73 products" in said
    assert "3 bad rows" in said


def test_of_many_bad_rows_the_first_are_named(run, folder, write_rows):
    rows = (folder / "catalogue.jsonl").read_text().splitlines()
    write_rows("catalogue.jsonl", [*rows, *["{"] * 12])
    said = reindex(run).stdout
    assert said.count("skipped catalogue.jsonl:") == 10
    assert "skipped 2 more" in said


def test_strict_stops_at_the_first_bad_row(run, folder, write_rows):
    rows = (folder / "catalogue.jsonl").read_text().splitlines()
    write_rows("catalogue.jsonl", [*rows, *WRONG])
    failed = reindex(run, "--strict", code=1)
    assert failed.stderr.startswith("error catalogue.jsonl:73: price: ")
    assert "has no live generation" in run("search", "sofa", "--store", "data", code=1).stderr


def test_an_interrupted_build_says_that_it_resumes_and_does(run, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(TerminalProgress, "advance", interrupt)
        stopped = reindex(run, code=130)
    assert stopped.stderr == "interrupted; the same command goes on where it stopped\n"
    assert "is live: 72 products, 0 embedded" in reindex(run).stdout


def test_a_shop_with_vectors_of_its_own_needs_no_encoder(run, folder, write_rows):
    (folder / "endcap.toml").write_text('[catalogue]\nvector = "vector"\n')
    rows = [{"id": f"v{n}", "title": f"lamp {n}", "vector": [1.0, float(n)]} for n in range(3)]
    write_rows("catalogue.jsonl", rows)
    assert "is live: 3 products, 0 embedded" in reindex(run).stdout
    assert "shop's own" in run("generations", "--store", "data").stdout
    assert not (folder / "data" / "encoders").exists()


def test_generations_are_listed_and_the_live_one_is_marked(run):
    reindex(run)
    reindex(run, "--force")
    first, second = (
        line.split()
        for line in run("generations", "--store", "data").stdout.splitlines()
        if "products-" in line
    )
    assert (first[0], second[0]) == ("products-000001", "products-000002")
    assert second[3] in ("s", "min")
    assert "MB" in second
    assert "live" in second
    assert "live" not in first
    assert "72" in second


def test_generations_that_the_promoted_model_does_not_fit_are_named(shop, store):
    registry = Registry(store, "products")
    model = toy_model({"p000": [1.0]}, text_dimension=5)
    name = registry.save_model(model, {"text_encoder": "other"})
    assert "but" not in shop("generations").stdout
    registry.promote(name)
    said = shop("generations").stdout
    assert f"but {name} does not fit products-000001: it reads vectors of other with 5 " in said
    (registry.folder / "promoted.json").write_text("{")
    said = shop("generations").stdout
    assert "products-000001" in said
    assert "promoted.json is damaged" in said


def files(folder):
    return {
        path: path.stat().st_mtime_ns for path in folder.rglob("*") if "engine" not in str(path)
    }


def test_a_dry_run_says_what_would_be_and_writes_nothing(run, folder, write_rows):
    before = files(folder)
    said = reindex(run, "--dry-run").stdout
    assert "products-000001 would be built: 72 products, 24 to embed; nothing was written" in said
    assert files(folder) == before
    reindex(run)
    assert "is unchanged: products-000001 would stay live" in reindex(run, "--dry-run").stdout
    configured = (folder / "endcap.toml").read_text()
    (folder / "endcap.toml").write_text(f'{configured}query_prompt = "query: "\n')
    said = reindex(run, "--dry-run").stdout
    assert "products-000002 would be built: 72 products, 24 to embed" in said
    (folder / "endcap.toml").write_text(configured)
    rows = (folder / "catalogue.jsonl").read_text().splitlines()[:20]
    write_rows("catalogue.jsonl", [*rows, {"id": "new", "title": "oak lamp"}, "{"])
    before = files(folder)
    said = reindex(run, "--dry-run").stdout
    assert "catalogue.jsonl:22" in said
    assert "products-000002 would be built: 21 products, 1 to embed, 1 bad rows" in said
    assert "products-000001 is live, with 72 products" in said
    assert "would be refused" in said
    assert files(folder) == before


def test_a_catalogue_that_shrinks_is_refused_unless_told(run, folder, write_rows):
    reindex(run)
    rows = (folder / "catalogue.jsonl").read_text().splitlines()[:20]
    write_rows("catalogue.jsonl", rows)
    said = reindex(run, code=1).stderr
    assert "has 20 products, products-000001 has 72" in said
    assert "products-000002 is live" in reindex(run, "--least-share", "0.2").stdout


def test_gates_and_kept_generations_are_written_in_endcap_toml(run, folder):
    with (folder / "endcap.toml").open("a") as file:
        file.write('[gates]\ncanaries = ["unobtainable"]\n[index]\nkeep = 1\n')
    assert "the canary 'unobtainable'" in reindex(run, code=1).stderr
    assert "products-" not in run("generations", "--store", "data").stdout


def test_back_to_an_earlier_generation(run):
    reindex(run)
    reindex(run, "--force")
    rollback = functools.partial(run, "rollback", "--store", "data")
    said = rollback("generation").stdout
    assert said == "products-000001 is live instead of products-000002\n"
    said = rollback("products-000002").stdout
    assert said == "products-000002 is live instead of products-000001\n"
    assert "there are products-000001" in rollback("products-000007", code=1).stderr


def test_a_damaged_manifest_is_an_error_of_one_line(shop, store):
    (generation_folder(store, "products-000001") / "manifest.json").write_text("{")
    said = shop("generations", code=1).stderr
    assert said.startswith("error ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("catalogue", ["missing.jsonl", "endcap.toml"])
def test_a_file_that_is_no_catalogue(run, catalogue):
    said = run("reindex", catalogue, "--store", "data", code=1).stderr
    assert said.startswith(f"error {catalogue}")


def test_folders_patterns_and_files_are_one_catalogue(run, folder):
    rows = (folder / "catalogue.jsonl").read_text().splitlines(keepends=True)
    for number, part in enumerate((rows[:30], rows[30:60], rows[60:])):
        (folder / "parts" / str(number)).mkdir(parents=True)
        (folder / "parts" / str(number) / "p.jsonl").write_text("".join(part))
    (folder / "parts" / "0" / "notes.txt").touch()
    places = ("parts/0", "parts/[1]/*.jsonl", "parts/2/p.jsonl")
    said = run("reindex", *places, "--store", "data").stdout
    assert said.startswith("left out parts/0/notes.txt is no catalogue file\n")
    assert "products-000001 is live: 72 products" in said
    said = run("reindex", *places, "--store", "data").stdout
    assert f"{' and '.join(places)} are unchanged: products-000001 stays live" in said


@pytest.mark.parametrize("place", ["empty", "empty/*.csv"])
def test_a_place_without_a_catalogue(run, folder, place):
    (folder / "empty").mkdir()
    said = run("reindex", "catalogue.jsonl", place, "--store", "data", code=1).stderr
    assert said.startswith(f"error {place}: no catalogue file lies there; expected .jsonl, ")
    assert not (folder / "data").exists()


def test_a_file_of_changes_is_written_and_followed(run, write_rows, folder):
    reindex(run)
    write_rows(
        "changes.jsonl",
        [
            {"id": "new", "title": "oak lamp", "price": 3.0},
            {"id": "p000", "endcap": {"deleted": True}},
            {"id": "bad", "title": "bad", "price": -1},
            "{",
        ],
    )
    update = functools.partial(run, "reindex", "changes.jsonl", "--update", "--store", "data")
    said = update().stdout
    assert "changes.jsonl:3: price: -1 is negative" in said
    assert "changes.jsonl:4: is not JSON" in said
    assert "products 1 products written, 1 removed, 1 bad rows" in said
    assert "1 embedded, 1 gone" in said
    assert "oak lamp  new" in run("search", "oak", "--store", "data").stdout
    with hold_lease(folder / "data"):
        said = update().stdout
        assert "later vectors follow, since process" in said
        assert "run afterwards: endcap follow products" in said
    assert "products-000002" in reindex(run, "--force").stdout


def test_an_update_needs_something_to_update(run):
    said = run("reindex", "catalogue.jsonl", "--update", "--store", "data", code=1).stderr
    assert "data does not exist; run: endcap reindex CATALOGUE" in said


@pytest.mark.parametrize(
    "options", [["--dry-run"], ["--force"], ["--vectors", "folder"], ["--least-share", "0"]]
)
def test_what_is_said_of_a_build_is_no_option_of_an_update(run, folder, options):
    said = reindex(run, "--update", *options, code=1).stderr
    assert said == f"error --update writes at once and builds nothing: leave out {options[0]}\n"
    assert not (folder / "data").exists()
