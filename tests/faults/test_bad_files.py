"""Catalogues and events that nobody should write: each row is good or bad, no error is unknown."""

import time
from pathlib import Path

import pyarrow
import pytest
from broken_files import BrokenFiles
from edition_shop import product
from pyarrow import parquet
from shares import share

from endcap.event_sources import read_files, read_interactions
from endcap.exceptions import EndcapError
from endcap_indexer.catalogue import BadRows, CatalogueFields, Files, read_products, read_rows
from endcap_indexer.exceptions import CatalogueError, FieldsError, IndexerError
from endcap_reranker import RerankerError

FILES = share(300, of=6000)
SEED = 17
ALL = 10**6
FIELDS = CatalogueFields(text={"title": 1.0}, keywords=("brand",), price="price")


@pytest.fixture
def write(tmp_path):
    def write(broken, row) -> Path:
        suffix, content = broken.file(row)
        path = tmp_path / f"rows{suffix}"
        path.write_bytes(content)
        return path

    return write


def event(number):
    return {
        "user_id": f"u{number % 3}",
        "item_id": f"p{number}",
        "action": "click",
        "timestamp": 1_700_000_000 + number,
        "query": "lamp",
    }


def test_every_row_of_a_catalogue_is_good_or_bad(write, tell):
    started = time.monotonic()
    broken, good, bad, refused = BrokenFiles(SEED), 0, 0, 0
    for number in range(FILES):
        path = write(broken, lambda n: product(n, 1))
        read, wrong = [], BadRows(ALL)
        said = f"file {number} of seed {SEED}: {path.read_bytes()[:2000]!r}"
        try:
            read = list(read_rows(path, on_bad_row=wrong))
        except CatalogueError as error:
            assert path.name in str(error), said
            refused += 1
        lines = [row.line for row in read] + [row.line for row in wrong.first]
        assert len(set(lines)) == len(lines), said
        written = path.read_bytes().count(b"\n") + path.read_bytes().count(b"\r") + 1
        assert all(1 <= line <= written for line in lines), said
        assert all(row.file == str(path) and row.reason for row in wrong.first), said
        found, unfit = [], BadRows(ALL)
        try:
            found = list(read_products(Files(path), FIELDS, on_bad_row=unfit))
        except CatalogueError as error:
            assert path.name in str(error), said
        else:
            assert len(found) + unfit.count == len(lines), said
        assert len({each.id for each in found}) == len(found), said
        guess(read)
        good, bad = good + len(found), bad + unfit.count
    assert good > FILES and bad > FILES / 2
    tell(
        f"{FILES} catalogue files, seed {SEED}: {good} products, {bad} bad rows, {refused} files"
        f" refused; {time.monotonic() - started:.0f} s"
    )


def guess(rows):
    try:
        CatalogueFields.guess([row.values for row in rows])
    except FieldsError as error:
        assert str(error)


def test_every_event_is_good_or_bad(write, tell):
    started = time.monotonic()
    broken, good, bad, refused = BrokenFiles(SEED), 0, 0, 0
    for number in range(FILES):
        path = write(broken, event)
        wrong = BadRows(ALL)
        said = f"file {number} of seed {SEED}: {path.read_bytes()[:2000]!r}"
        try:
            good += len(read_interactions(read_files([path], wrong), wrong))
        except (IndexerError, EndcapError, RerankerError) as error:
            assert str(error), said
            refused += 1
        assert all(row.file == str(path) and row.line >= 1 for row in wrong.first), said
        bad += wrong.count
    assert good > FILES and bad > FILES / 4
    tell(
        f"{FILES} event files, seed {SEED}: {good} events, {bad} bad rows, {refused} files"
        f" without an event; {time.monotonic() - started:.0f} s"
    )


def test_a_damaged_parquet_file_is_refused_or_read(tmp_path, tell):
    """Bits flipped and pieces cut out: pages of it may still be whole."""
    started = time.monotonic()
    whole, path = tmp_path / "whole.parquet", tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([product(n, 1) for n in range(50)]), whole)
    broken, refused = BrokenFiles(SEED), 0
    for number in range(FILES):
        path.write_bytes(broken.damaged(whole.read_bytes()))
        wrong = BadRows(ALL)
        try:
            found = list(read_products(Files(path), FIELDS, on_bad_row=wrong))
        except CatalogueError as error:
            assert path.name in str(error), number
            refused += 1
        else:
            assert len(found) + wrong.count == 50, number
    assert refused > FILES / 10
    tell(
        f"{FILES} damaged Parquet files, seed {SEED}: {refused} refused;"
        f" {time.monotonic() - started:.0f} s"
    )
