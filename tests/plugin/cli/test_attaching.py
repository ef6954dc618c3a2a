"""`endcap attach` and `endcap follow`, typed against a genuine OpenSearch."""

import os
import signal
import subprocess
import sys

import pytest

import endcap
from endcap_indexer.generations import hold_lease

GUESSED = """\
endcap.toml names no fields, so these are guessed:
  _id              id
  title            title, text with boost 2, embedded
  brand            keyword
  family           keyword
  kind             keyword
  variants.colour  keyword
  price            price
  sales            popularity
"""
LIMIT_S = 60


@pytest.fixture
def typed(run, opensearch_url):
    """`typed("attach", name)` types it with the server and a store of its own."""

    def with_server(*arguments, **options):
        return run(*arguments, "--engine", opensearch_url, "--store", "data", **options)

    return with_server


def test_an_index_is_attached_followed_listed_and_searched(typed, shop_index, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    name, plain = shop_index
    said = typed("attach", name).stdout
    assert said.startswith(GUESSED)
    assert f"{name}-000001 is live for {name}: 72 products, 24 embedded, 48 reused, 0 rows" in said
    assert "asked for by _id, which is slower; --row-field changes that" in said
    plain.delete(index=name, id="p000")
    plain.update(index=name, id="p001", body={"doc": {"title": "oak lamp"}})
    followed = typed("follow", name).stdout
    assert followed.startswith(
        f"{name}-000001 1 documents read, 1 products changed, 1 embedded, 1 gone, 0 rows written,"
    )
    assert "live, 2 segments" in typed("generations", "--index", name).stdout
    assert "oak lamp  p001" in typed("search", "oak", "--index", name).stdout


def test_rows_are_written_when_that_is_typed(typed, shop_index):
    name, plain = shop_index
    said = typed("attach", name, "--row-field").stdout
    assert "72 rows written" in said
    assert "slower" not in said
    found = plain.search(index=name, body={"query": {"exists": {"field": "endcap.row"}}})
    assert found["hits"]["total"]["value"] == 72


def test_an_alias_stands_for_its_index(typed, shop_index, folder):
    name, plain = shop_index
    plain.indices.put_alias(index=name, name=f"{name}-live")
    typed("attach", f"{name}-live")
    typed("follow", f"{name}-live")
    assert f"{name}-000001" in typed("generations", "--index", f"{name}-live").stdout
    (folder / "events.jsonl").write_text('{"user": "u", "item": "p000"}\n')
    typed("train", "events.jsonl", "--index", f"{name}-live")
    assert (folder / "data" / "artefacts" / name / "promoted.json").exists()


def test_fields_that_endcap_toml_names_are_checked(typed, shop_index, folder):
    name, _ = shop_index
    with (folder / "endcap.toml").open("a") as file:
        file.write('[catalogue]\nembed = ["title", "colour"]\n')
    said = typed("attach", name, code=1).stderr
    assert "catalogue.embed names 'colour', which is no field of this index; it has brand," in said
    assert "variants.colour" in said


def test_a_built_index_is_followed_and_not_attached(shop, store):
    with endcap.connect(store) as client:
        client.update(index="products", id="p001", body={"doc": {"title": "oak lamp"}})
    assert "1 documents read, 1 products changed, 1 embedded" in shop("follow", "products").stdout
    said = shop("attach", "products", code=1).stderr
    assert "run: endcap reindex CATALOGUE --index products, or endcap follow products" in said


def test_what_is_not_attached_and_what_is_not_there(typed, shop_index):
    name, _ = shop_index
    assert f"run: endcap attach {name}" in typed("follow", name, code=1).stderr
    assert "no such index" in typed("attach", f"{name}-nothing", code=1).stderr


def test_a_service_follows_until_it_is_told_to_end(typed, shop_index, folder, opensearch_url):
    """It waits for another writer, and ends well at SIGTERM."""
    name, plain = shop_index
    typed("attach", name)
    service = subprocess.Popen(
        [sys.executable, "-m", "endcap", "follow", name, "--watch", "0.1",
         "--engine", opensearch_url, "--store", "data"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    try:
        lines = iter(service.stdout.readline, "")
        assert next(lines) == f"follows {name} every 0.1 s; Ctrl-C ends it\n"
        with hold_lease(folder / "data"):
            plain.update(index=name, id="p001", body={"doc": {"title": "oak lamp"}})
            assert next(lines).startswith("waiting process")
        said = next(line for line in lines if not line.startswith("waiting"))
        assert said.startswith(f"{name}-000001 1 documents read, 1 products changed, 1 embedded")
        service.send_signal(signal.SIGTERM)
        assert "stopped; what was followed is kept\n" in list(lines)
        assert service.wait(LIMIT_S) == 0
    finally:
        service.kill()
        service.communicate()
