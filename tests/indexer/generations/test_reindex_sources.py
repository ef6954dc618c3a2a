"""A catalogue is whatever gives rows: files of several formats, or a function of the shop's."""

import json
import sqlite3

import pyarrow as arrow
import pytest
from pyarrow.parquet import write_table

from endcap_indexer.catalogue import BadRows, Files, Rows, find_files

READINGS = 3  # of a build: the digest, the count and the products


@pytest.fixture
def parts(tmp_path, edition_rows, as_catalogue):
    """Thirty products of an edition in three files of three formats."""

    def write(edition="first"):
        rows = edition_rows(edition)
        folder = tmp_path / "parts"
        folder.mkdir(exist_ok=True)
        (folder / "1.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:10]))
        write_table(arrow.Table.from_pylist(rows[10:20]), folder / "2.parquet")
        (folder / "3.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows[20:]))
        return as_catalogue(Files(*find_files([folder]).paths))

    return write


def test_a_folder_of_files_is_one_catalogue(build, parts, read_live):
    assert build(parts()).products == 30
    assert read_live() == ("first", 30)
    assert build(parts()).unchanged
    assert not build(parts("second")).unchanged
    assert read_live() == ("second", 30)


def test_files_that_are_renamed_are_not_built_again(build, parts, tmp_path, as_catalogue):
    build(parts())
    for path in (tmp_path / "parts").iterdir():
        path.rename(path.with_name(f"part-{path.name}"))
    renamed = Files(*find_files([tmp_path / "parts"]).paths)
    assert build(as_catalogue(renamed)).unchanged


def test_a_function_is_a_catalogue(build, read_live, edition_rows, as_catalogue):
    calls = []

    def read():
        calls.append(None)
        yield from edition_rows("first")
        yield {"id": "none"}

    bad_rows = BadRows()
    first = build(as_catalogue(Rows("shop", read), on_bad_row=bad_rows))
    assert (first.products, first.bad_rows, len(calls)) == (30, 1, READINGS)
    assert str(bad_rows.first[0]).startswith("shop:31: title: is missing")
    assert read_live() == ("first", 30)
    again = build(as_catalogue(Rows("renamed", read)))
    assert again.unchanged
    later = Rows("shop", lambda: edition_rows("second"))
    assert not build(as_catalogue(later)).unchanged
    assert read_live() == ("second", 30)


@pytest.mark.parametrize("reading", range(1, READINGS + 1))
def test_a_source_that_fails_leaves_the_live_generation(
    build, read_live, edition_rows, as_catalogue, reading
):
    """At whichever reading, in its middle; and the next build is whole."""
    build(as_catalogue(Rows("shop", lambda: edition_rows("first"))))
    calls = []

    def fail():
        calls.append(None)
        for number, row in enumerate(edition_rows("second")):
            if len(calls) == reading and number == 20:
                raise sqlite3.OperationalError("the disk is gone")
            yield row

    source = as_catalogue(Rows("shop", fail))
    with pytest.raises(sqlite3.OperationalError, match="the disk is gone"):
        build(source)
    assert read_live() == ("first", 30)
    assert build(source).products == 30
    assert read_live() == ("second", 30)
