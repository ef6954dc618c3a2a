import os
import sqlite3
import tracemalloc
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from uuid import UUID

import numpy as np
import pyarrow as arrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow.parquet import write_table

from endcap_indexer.catalogue import (
    BadRows,
    CatalogueFields,
    Files,
    Row,
    Rows,
    find_files,
    read_products,
    stop_at_bad_row,
)
from endcap_indexer.exceptions import CatalogueError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def read(source, bad=stop_at_bad_row):
    return list(source.rows(bad))


def ids(source, bad=stop_at_bad_row):
    return [row.values["id"] for row in read(source, bad)]


@pytest.fixture
def mixed(tmp_path):
    """A folder of three formats, and of what is none."""
    folder = tmp_path / "shop"
    (folder / "older").mkdir(parents=True)
    (folder / "c.csv").write_text("id,title\n3,c\n")
    (folder / "a.jsonl").write_text('{"id": "1", "title": "a"}\n{\n')
    write_table(arrow.table({"id": ["2"], "title": ["b"]}), folder / "b.parquet")
    for name in ("notes.txt", "_SUCCESS", ".a.jsonl.crc", "_old.csv", "older/d.csv"):
        (folder / name).write_text("id\nx\n")
    return folder


def test_a_folder_is_its_files_by_name_in_whatever_format(mixed):
    found = find_files([mixed])
    assert [path.name for path in found.paths] == ["a.jsonl", "b.parquet", "c.csv"]
    assert [path.name for path in found.left_out] == ["notes.txt", "older"]
    bad = BadRows()
    assert ids(Files(*found.paths), bad) == ["1", "2", "3"]
    assert [(each.file, each.line) for each in bad.first] == [(str(mixed / "a.jsonl"), 2)]


def test_the_order_is_not_that_of_the_disk(mixed, monkeypatch):
    expected, listed = find_files([mixed]), os.listdir(mixed)
    for order in (sorted(listed), sorted(listed, reverse=True)):
        monkeypatch.setattr(os, "listdir", lambda _, order=order: order)
        assert find_files([mixed]) == expected


def test_places_keep_their_order_and_a_file_counts_once(mixed):
    pattern, file = f"{mixed}/*.[jc]s*", mixed / "c.csv"
    found = find_files([file, pattern, mixed])
    assert [path.name for path in found.paths] == ["c.csv", "a.jsonl", "b.parquet"]


def test_a_pattern_goes_into_folders_where_it_says_so(mixed):
    found = find_files([f"{mixed}/**/*.csv"])
    assert [str(path.relative_to(mixed)) for path in found.paths] == ["c.csv", "older/d.csv"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path):
    path = tmp_path / "p[1].csv"
    path.write_text("id\n1\n")
    assert find_files([path]).paths == [path]


@pytest.mark.parametrize("place", ["empty", "empty/*.csv", "text", "text/*"])
def test_a_place_without_a_catalogue_is_refused(tmp_path, place):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.txt").touch()
    with pytest.raises(CatalogueError) as raised:
        find_files([tmp_path / place])
    said = str(raised.value)
    assert said.startswith(f"{tmp_path / place}: no catalogue file lies there")
    assert said.endswith("expected .jsonl, .ndjson, .json, .csv, .tsv, each also .gz, or .parquet")
    assert ("notes.txt" in said) == place.startswith("text")


def test_a_missing_file_is_said_when_it_is_read(tmp_path):
    source = Files(*find_files([tmp_path / "p.csv"]).paths)
    with pytest.raises(CatalogueError, match="p.csv cannot be read: No such file"):
        read(source)


def test_files_that_are_renamed_are_the_same_catalogue(mixed):
    before = Files(*find_files([mixed]).paths).digest()
    for name in ("a.jsonl", "b.parquet", "c.csv"):
        (mixed / name).rename(mixed / f"new-{name}")
    assert Files(*find_files([mixed]).paths).digest() == before
    (mixed / "new-c.csv").write_text("id,title\n3,d\n")
    assert Files(*find_files([mixed]).paths).digest() != before


def test_many_files_are_named_by_the_first(tmp_path):
    assert Files("a.csv", "b.csv").name == "a.csv and b.csv"
    many = Files(*(f"{n}.csv" for n in range(1234)))
    assert many.name == "0.csv and 1.csv and 2.csv and 1,231 more"


def test_any_iterable_of_mappings_is_a_catalogue():
    source = Rows("the shop", lambda: [{"id": "1", "price": None}, {"id": "2"}])
    assert read(source) == [Row("the shop", 1, {"id": "1"}), Row("the shop", 2, {"id": "2"})]
    assert source.count() == 2


def test_a_row_of_sqlite_is_one(tmp_path):
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        database.row_factory = sqlite3.Row
        query = "SELECT 1 AS id, 'lamp' AS title, x'636166c3a9' AS note"
        source = Rows("shop.db", lambda: database.execute(query))
        assert read(source) == [Row("shop.db", 1, {"id": 1, "title": "lamp", "note": "café"})]


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        (Decimal("12.90"), 12.9),
        (Decimal("1E+3"), 1000),
        (date(2024, 5, 31), "2024-05-31"),
        (datetime(2024, 5, 31, 12, 30, tzinfo=UTC), "2024-05-31T12:30:00Z"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (memoryview(b"red"), "red"),
        (np.array([0.5, 2], np.float32), [0.5, 2.0]),
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (("a", ("b", None)), ["a", ["b", None]]),
        ({1: {"size": None, "kind": Decimal(2)}}, {"1": {"kind": 2}}),
    ],
    ids=str,
)
def test_what_databases_hold_is_read_as_json_would_say_it(value, read_as):
    (row,) = read(Rows("shop", lambda: [{"id": "1", "value": value}]))
    assert row.values == {"id": "1", "value": read_as}
    assert repr(row.values["value"]) == repr(read_as)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("1", "lamp"), "shop:2: is a tuple; give a mapping of fields to values"),
        ({"title": "\ud800"}, "shop:2: title: character 1 is half a surrogate; write text"),
        ({"tags": {"a"}}, "shop:2: tags: is of the type set, which JSON does not have"),
        ({"image": b"\xff\xd8"}, "shop:2: image: byte 1 is not UTF-8"),
        ({"title": "lamp", "price": -1}, "shop:2: price: -1 is negative"),
        ({"id": "1", "title": "lamp"}, "shop:2: id: '1' was given by an earlier row"),
    ],
)
def test_a_bad_row_is_named_by_the_source_and_its_number(row, said):
    bad, good = BadRows(), [{"id": "1", "title": "a"}, {"id": "3", "title": "c"}]
    whole = {"id": "2", **row} if isinstance(row, dict) else row
    source = Rows("shop", lambda: [good[0], whole, good[1]])
    products = read_products(source, CatalogueFields(price="price"), on_bad_row=bad)
    assert [product.id for product in products] == ["1", "3"]
    assert [str(each).startswith(said) for each in bad.first] == [True]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.dictionaries(st.text(max_size=3), JSON, max_size=3), max_size=4))
def test_the_digest_is_of_what_the_rows_say(rows):
    turned = [dict(reversed(row.items())) for row in rows]
    digest = Rows("one", lambda: rows).digest()
    assert Rows("other", lambda: iter(turned)).digest() == digest
    assert Rows("one", lambda: [*rows, {"id": "new"}]).digest() != digest
    assert Rows("one", lambda: [*rows, ("bad",)]).digest() != digest


def test_the_digest_depends_on_the_order():
    one, two = {"id": "1"}, {"id": "2"}
    assert Rows("a", lambda: [one, two]).digest() != Rows("a", lambda: [two, one]).digest()


def test_a_generator_that_was_read_before_is_refused():
    rows = ({"id": str(n)} for n in range(9))
    source = Rows("shop", lambda: rows)
    assert len(list(islice(source.rows(stop_at_bad_row), 3))) == 3
    with pytest.raises(CatalogueError, match="shop: a generator that was read before; make a new"):
        read(source)


def test_a_source_of_no_rows_is_refused():
    with pytest.raises(CatalogueError, match="shop holds no rows; expected one mapping"):
        read(Rows("shop", list))


def test_what_a_source_raises_reaches_the_caller():
    def fail():
        yield {"id": "1"}
        raise sqlite3.OperationalError("the disk is gone")

    with pytest.raises(sqlite3.OperationalError, match="the disk is gone"):
        read(Rows("shop", fail))


def test_memory_stays_flat():
    source = Rows("shop", lambda: ({"id": n, "title": "x" * 100} for n in range(4_000)))
    tracemalloc.start()
    assert source.count() == 4_000
    source.digest()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000  # bytes; the rows are 0.5 MB
