import gzip
import hashlib
import tracemalloc

import pytest

from endcap_indexer.catalogue import BadRow, BadRows, Row, digest_of, read_rows, stop_at_bad_row
from endcap_indexer.exceptions import CatalogueError


def read(path, bad=None):
    return list(read_rows(path, on_bad_row=bad or stop_at_bad_row))


def values_and_bad(path):
    bad = BadRows()
    return [row.values for row in read(path, bad)], bad.first


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".json", ".jsonl.gz", ".JSONL"])
def test_json_lines_are_rows_with_their_line(write, suffix):
    path = write(f"products{suffix}", '{"id": "1"}\n\n{"id": "2", "price": 3}')
    assert read(path) == [
        Row(str(path), 1, {"id": "1"}),
        Row(str(path), 3, {"id": "2", "price": 3}),
    ]


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_csv_cells_may_hold_separators_quotes_and_line_breaks(write, suffix):
    path = write(f"p{suffix}", 'id,title\r\n1,"a, b"\r\n2,"17"" wide\nscreen"\r\n3,c\r\n')
    rows = read(path)
    assert [row.values["title"] for row in rows] == ["a, b", '17" wide\nscreen', "c"]
    assert [row.line for row in rows] == [2, 3, 5]


@pytest.mark.parametrize("suffix", [".tsv", ".tsv.gz"])
def test_tsv_knows_no_quotes(write, suffix):
    path = write(f"events{suffix}", 'user_id\tposition\tproduct_id\nu1\t0\t"A\nu1\t1\tB\n')
    assert [row.values for row in read(path)] == [
        {"user_id": "u1", "position": "0", "product_id": '"A'},
        {"user_id": "u1", "position": "1", "product_id": "B"},
    ]


def test_an_empty_cell_is_a_missing_value(write):
    assert read(write("p.csv", "id,price\n1,\n"))[0].values == {"id": "1"}


@pytest.mark.parametrize(
    ("name", "content"), [("p.jsonl", '{"id": "1"}\n'), ("p.csv", "id\n1\n"), ("p.tsv", "id\n1\n")]
)
def test_a_byte_order_mark_is_no_part_of_the_data(write, name, content):
    assert read(write(name, b"\xef\xbb\xbf" + content.encode()))[0].values == {"id": "1"}


@pytest.mark.parametrize(
    ("line", "field", "said"),
    [
        ('{"id": "2"', None, "is not JSON"),
        ("17", None, "is no JSON object"),
        ("[1]", None, "is no JSON object"),
        ("[NaN]", None, "is no JSON object"),
        ('{"title": "\\ud800"}', None, "is not JSON"),
        ('{"price": NaN, "title": "\\ud800"}', None, "is not JSON"),
        ('{"price": NaN', None, "is not JSON"),
        ('{"a":' * 2000, None, "is not JSON"),
    ],
)
def test_a_bad_line_is_named_and_the_next_one_is_read(write, line, field, said):
    path = write("p.jsonl", f'{{"id": "1"}}\n{line}\n{{"id": "3"}}\n')
    values, (bad,) = values_and_bad(path)
    assert values == [{"id": "1"}, {"id": "3"}]
    assert (bad.file, bad.line, bad.field) == (str(path), 2, field)
    assert said in bad.reason


def test_nan_is_read_so_that_its_field_can_be_named(write):
    (row,) = read(write("p.jsonl", '{"id": "1", "price": NaN}\n'))
    assert row.values["price"] != row.values["price"]


def test_broken_utf8_in_json_names_the_field(write):
    path = write("p.jsonl", b'{"id": "1", "title": "caf\xe9"}\n{"id": "2"}\n')
    values, (bad,) = values_and_bad(path)
    assert values == [{"id": "2"}]
    assert str(bad) == f"{path}:1: title: byte 26 is not UTF-8; save the file as UTF-8"


def test_broken_utf8_outside_of_a_value_names_the_line(write):
    _, (bad,) = values_and_bad(write("p.jsonl", b'\xff{"id": "1"}\n'))
    assert (bad.line, bad.field) == (1, None)


@pytest.mark.parametrize(("name", "separator"), [("p.csv", b","), ("p.tsv", b"\t")])
def test_broken_utf8_in_cells_names_the_column(write, name, separator):
    lines = [b"id", b"title"], [b"1", b"caf\xe9"], [b"2", "café".encode()]
    path = write(name, b"\n".join(separator.join(line) for line in lines))
    values, bad = values_and_bad(path)
    assert values == [{"id": "2", "title": "café"}]
    assert bad == [
        BadRow(str(path), 2, "title", "character 4 is not UTF-8; save the file as UTF-8")
    ]


@pytest.mark.parametrize("row", ["1", "1,a,b"])
def test_too_few_and_too_many_cells_are_a_bad_row(write, row):
    values, (bad,) = values_and_bad(write("p.csv", f"id,title\n{row}\n2,b\n"))
    assert values == [{"id": "2", "title": "b"}]
    assert bad.line == 2
    assert f"has {len(row.split(','))} cells, the header 2" in bad.reason


def test_a_quote_that_is_never_closed_is_a_bad_row(write):
    values, (bad,) = values_and_bad(write("p.csv", 'id,title\n1,a\n2,"b\n'))
    assert values == [{"id": "1", "title": "a"}]
    assert (bad.line, bad.reason) == (3, "cannot be split into cells: unexpected end of data")


def test_blank_lines_of_a_csv_file_are_no_rows(write):
    assert len(read(write("p.csv", "id,title\n\n1,a\n\n"))) == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.jsonl", "", "holds no rows; expected one JSON object per line"),
        ("p.jsonl.gz", "", "holds no rows; expected one JSON object per line"),
        ("p.jsonl", " \n\n", "holds no rows"),
        ("p.csv", "", "holds no rows; expected a header line"),
        ("p.tsv", "id\ttitle\n", "holds no rows; expected a header line"),
        ("p.json", '[{"id": "1"}]', "is one JSON array; expected one object per line"),
        ("p.csv", "id,,title\n1,2,3\n", "column 2 of the header is empty"),
        ("p.csv", "id,title,id\n1,2,3\n", "column 1 of the header is named 'id' like another"),
        ("p.csv", 'id,"title\n1,2', "the header cannot be split into cells"),
        ("p.csv", b"id,t\xe9tle\n1,2\n", "the header is not UTF-8"),
        ("p.xlsx", "x", "expected .jsonl, .ndjson, .json, .csv, .tsv, each also .gz, or .parquet"),
        ("p", "x", "unknown format ''"),
    ],
)
def test_what_is_no_catalogue_says_what_is_expected(write, name, content, said):
    path = write(name, content)
    with pytest.raises(CatalogueError) as raised:
        read(path)
    assert str(path) in str(raised.value)
    assert said in str(raised.value)


def test_an_unknown_format_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(CatalogueError):
        read_rows(tmp_path / "products.xlsx", on_bad_row=stop_at_bad_row)


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-9], lambda b: b"no gzip", lambda b: b[:20] + b"\0" * 9 + b[29:]]
)
def test_damaged_gzip_is_said(tmp_path, damage):
    path = tmp_path / "p.jsonl.gz"
    path.write_bytes(damage(gzip.compress(b'{"id": "1"}\n{"id": "two"}\n' * 50)))
    with pytest.raises(CatalogueError, match="damaged gzip file.*copy it again"):
        read(path)
    with pytest.raises(CatalogueError, match="damaged gzip file"):
        digest_of([path])


def test_a_missing_file_and_a_folder_are_said(tmp_path):
    with pytest.raises(CatalogueError, match="cannot be read: No such file"):
        read(tmp_path / "p.jsonl")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(CatalogueError, match="cannot be read: Is a directory"):
        read(tmp_path / "folder.csv")


def test_strict_reading_stops_at_the_first_bad_row(write):
    rows = read_rows(write("p.jsonl", '{"id": "1"}\nx\n{"id": "3"}\n'), on_bad_row=stop_at_bad_row)
    assert next(rows).values == {"id": "1"}
    with pytest.raises(CatalogueError, match="p.jsonl:2: is not JSON"):
        next(rows)


def test_bad_rows_counts_all_and_keeps_the_first():
    bad = BadRows(keep=2)
    for line in range(1, 6):
        bad(BadRow("p.csv", line, None, "is broken"))
    assert bad.count == 5
    assert [kept.line for kept in bad.first] == [1, 2]


def test_the_digest_is_that_of_the_uncompressed_bytes(write):
    plain, packed = write("a.csv", "id\n1\n"), write("b.csv.gz", "id\n1\n")
    inner = hashlib.sha256(b"id\n1\n").digest()
    assert digest_of([plain]) == digest_of([packed]) == hashlib.sha256(inner).hexdigest()


def test_the_digest_depends_on_order_and_on_where_a_file_ends(write):
    one, two, both = write("1.csv", "a"), write("2.csv", "b"), write("3.csv", "ab")
    digests = {digest_of([one, two]), digest_of([two, one]), digest_of([both])}
    assert len(digests) == 3


def test_memory_stays_flat(write):
    path = write("p.csv.gz", "id,title\n" + "1,a title of some length\n" * 100_000)
    tracemalloc.start()
    count = sum(1 for _ in read_rows(path, on_bad_row=stop_at_bad_row))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 100_000
    assert peak < 1_000_000  # bytes; the rows are 2.4 MB
