import contextlib
import io
import re
import sys
import tracemalloc
from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow as arrow
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow.parquet import ParquetWriter, write_table

from endcap_indexer.catalogue import (
    BadRows,
    CatalogueFields,
    Files,
    Row,
    read_products,
    read_rows,
    stop_at_bad_row,
)
from endcap_indexer.exceptions import CatalogueError

NOON = datetime(2024, 5, 31, 12, 30)
BERLIN = arrow.timestamp("ns", "Europe/Berlin")
PLAIN = settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def write_parquet(tmp_path):
    """Write columns by name, each an array or what `arrow.array` takes."""

    def write(columns, **options):
        path = tmp_path / "p.parquet"
        write_table(arrow.table(columns), path, **options)
        return path

    return write


def read(path, bad=stop_at_bad_row):
    return list(read_rows(path, on_bad_row=bad))


def test_rows_are_numbered_and_a_null_is_a_missing_value(write_parquet):
    path = write_parquet({"id": ["1", "2"], "price": [None, 2.5], "sold": [3, None]})
    assert read(path) == [
        Row(str(path), 1, {"id": "1", "sold": 3}),
        Row(str(path), 2, {"id": "2", "price": 2.5}),
    ]


@pytest.mark.parametrize(
    ("value", "type", "read_as"),
    [
        (True, arrow.bool_(), True),
        (7, arrow.uint64(), 7),
        (1.5, arrow.float16(), 1.5),
        ("café", arrow.large_string(), "café"),
        ("café".encode(), arrow.binary(), "café"),
        ("red", arrow.dictionary(arrow.int8(), arrow.string()), "red"),
        (date(2024, 5, 31), arrow.date32(), "2024-05-31"),
        (NOON, arrow.timestamp("ms"), "2024-05-31T12:30:00"),
        (1717151400123456789, arrow.timestamp("ns"), "2024-05-31T10:30:00.123456"),
        (NOON, arrow.timestamp("us", "UTC"), "2024-05-31T12:30:00Z"),
        (1717151400000000000, BERLIN, "2024-05-31T10:30:00Z"),
        (NOON.time(), arrow.time64("ns"), "12:30:00"),
        (Decimal("12.90"), arrow.decimal128(10, 2), 12.9),
        (Decimal(12), arrow.decimal128(20, 0), 12),
        (b"0123456789abcdef", arrow.uuid(), "30313233-3435-3637-3839-616263646566"),
        ([0.5, 2.0], arrow.list_(arrow.float32(), 2), [0.5, 2.0]),
        ([["a"], []], arrow.list_(arrow.list_(arrow.string())), [["a"], []]),
        ([1717151400123456789], arrow.list_(arrow.timestamp("ns")), ["2024-05-31T10:30:00.123456"]),
        ([("a", NOON)], arrow.map_(arrow.string(), arrow.timestamp("ns")), {"a": NOON.isoformat()}),
        ([(7, "a")], arrow.map_(arrow.int8(), arrow.string()), {"7": "a"}),
        ([], arrow.map_(arrow.string(), arrow.string()), {}),
        (
            {"colour": "red", "size": None, "seen": NOON},
            arrow.struct({"colour": arrow.string(), "size": arrow.int8(), "seen": BERLIN}),
            {"colour": "red", "seen": "2024-05-31T12:30:00Z"},
        ),
    ],
    ids=str,
)
def test_a_value_is_what_a_line_of_json_would_say(write_parquet, value, type, read_as):
    path = write_parquet({"id": ["1"], "value": arrow.array([value], type)})
    (row,) = read(path)
    assert row.values == {"id": "1", "value": read_as}
    assert repr(row.values["value"]) == repr(read_as)


def _text(raw):
    """An array of two texts, "a" and one of these bytes, which nobody checked."""
    offsets = b"".join(place.to_bytes(4, "little") for place in (0, 1, 1 + len(raw)))
    buffers = [None, arrow.py_buffer(offsets), arrow.py_buffer(b"a" + raw)]
    return arrow.Array.from_buffers(arrow.string(), 2, buffers)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (arrow.array([b"a", b"b\xff"]), "byte 2 is not UTF-8; write text, or leave the field out"),
        (_text(b"b\xff"), "byte 2 is not UTF-8; write the column as UTF-8"),
        (
            arrow.array([None, timedelta(1)], arrow.duration("s")),
            "is of the type timedelta, which JSON does not have; write text or a number",
        ),
        (arrow.array([1, 10**15], arrow.timestamp("s")), "cannot be read as timestamp"),
        (
            arrow.array([[], [("a", 1), ("a", 2)]], arrow.map_(arrow.string(), arrow.int8())),
            "has a key twice; keep one",
        ),
    ],
)
def test_what_json_cannot_say_is_a_bad_row_that_names_the_field(write_parquet, values, said):
    bad = BadRows()
    path = write_parquet({"id": ["1", "2"], "value": values})
    assert [row.values["id"] for row in read(path, bad)] == ["1"]
    (only,) = bad.first
    assert (only.file, only.line, only.field) == (str(path), 2, "value")
    assert said in only.reason


def test_a_bad_value_of_a_product_is_named_by_the_row(write_parquet):
    bad = BadRows()
    path = write_parquet({"id": ["1", "2"], "title": ["a", "b"], "price": [1.0, -1.0]})
    products = read_products(Files(path), CatalogueFields(price="price"), on_bad_row=bad)
    assert [product.id for product in products] == ["1"]
    assert [str(each).partition(" is ")[0] for each in bad.first] == [f"{path}:2: price: -1.0"]


PRODUCTS = st.lists(
    st.fixed_dictionaries(
        {"id": st.text(), "price": st.none() | st.floats(allow_nan=False)},
        optional={
            "tags": st.lists(st.text(max_size=3), max_size=3),
            "sizes": st.fixed_dictionaries({"eu": st.integers(-5, 5), "uk": st.text(max_size=3)}),
        },
    ),
    min_size=1,
    max_size=6,
)
TYPES = arrow.schema(
    {
        "id": arrow.string(),
        "price": arrow.float64(),
        "tags": arrow.list_(arrow.string()),
        "sizes": arrow.struct({"eu": arrow.int32(), "uk": arrow.string()}),
    }
)


@PLAIN
@given(products=PRODUCTS, group=st.integers(1, 6))
def test_rows_come_back_as_they_were_written(tmp_path, products, group):
    path = tmp_path / "p.parquet"
    write_table(arrow.Table.from_pylist(products, TYPES), path, row_group_size=group)
    said = [{name: value for name, value in each.items() if value is not None} for each in products]
    assert [row.values for row in read(path)] == said


def test_a_file_of_no_rows_and_one_of_two_columns_of_a_name_are_refused(write_parquet):
    path = write_parquet({"id": arrow.array([], arrow.string())})
    with pytest.raises(CatalogueError, match="p.parquet holds no rows; expected one row per"):
        read(path)
    twice = arrow.Table.from_arrays([arrow.array([1]), arrow.array([2])], ["id", "id"])
    write_table(twice, path)
    with pytest.raises(CatalogueError, match="p.parquet: two columns are named 'id'; rename one"):
        read(path)


def test_a_packed_file_is_to_be_unpacked(write):
    with pytest.raises(CatalogueError, match="p.parquet.gz: .*unpack it: gunzip"):
        read(write("p.parquet.gz", b""))


def _whole():
    buffer = io.BytesIO()
    write_table(arrow.table({"id": [str(n) for n in range(300)]}), buffer, write_page_checksum=True)
    return buffer.getvalue()


WHOLE = _whole()


@pytest.mark.parametrize("raw", [b"", b"PAR1", b"id,title\n1,a\n" * 9, WHOLE[:-9], WHOLE[9:]])
def test_what_is_no_whole_file_is_said(write, raw):
    with pytest.raises(CatalogueError, match=r"p\.parquet is no whole Parquet file .*copy it ag"):
        read(write("p.parquet", raw))


@PLAIN
@given(place=st.integers(4, len(WHOLE) - 13), bit=st.integers(0, 7), cut=st.booleans())
def test_a_flipped_bit_is_found_or_changes_nothing(write, place, bit, cut):
    """Pages have checksums here; what the footer says of the writer may change unnoticed."""
    raw = bytearray(WHOLE)
    raw[place] ^= 1 << bit
    path = write("p.parquet", bytes(raw[:place] if cut else raw))
    bad = BadRows()
    try:
        rows = read(path, bad)
    except CatalogueError as error:
        assert str(path) in str(error)
        return
    assert not cut
    values = [value for row in rows for value in row.values.values()]
    assert bad.count or set(values) <= {str(n) for n in range(300)}
    assert len(rows) + bad.count == 300


def test_no_row_is_lost_to_a_footer_that_tells_of_fewer(write):
    """Each number 300 in the footer made 299, as Thrift writes them: zigzag, seven bits a byte."""
    many, fewer = b"\xd8\x04", b"\xd6\x04"
    places = [found.start() for found in re.finditer(re.escape(many), WHOLE)]
    assert len(places) >= 3  # of the file, of the row group, of the column
    for place in places:
        path = write("p.parquet", WHOLE[:place] + fewer + WHOLE[place + 2 :])
        with contextlib.suppress(CatalogueError):
            assert len(read(path)) == 300, place


def test_without_pyarrow_it_is_said_what_to_install(write_parquet, monkeypatch):
    path = write_parquet({"id": ["1"]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CatalogueError) as raised:
        read(path)
    assert str(raised.value) == f"{path}: Parquet needs pyarrow: pip install 'endcap[parquet]'"


def test_memory_stays_flat(tmp_path):
    """One row group of 32 MB: neither side holds more than a batch and a buffer of it."""
    path, count = tmp_path / "p.parquet", 8_000
    schema = arrow.schema({"id": arrow.int64(), "title": arrow.string()})
    with ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        ids = range(count)
        table = arrow.table({"id": ids, "title": [f"{n:04000d}" for n in ids]}, schema)
        writer.write_table(table, row_group_size=count)
    del table
    before, most = arrow.total_allocated_bytes(), 0
    tracemalloc.start()
    for row in read_rows(path, on_bad_row=stop_at_bad_row):
        last = row.line
        most = max(most, arrow.total_allocated_bytes() - before)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last == count
    assert most < 6_000_000  # bytes
    assert peak < 6_000_000
