"""benchmarks/indexing.py on a tiny folder: a row of every stage."""

import csv
import json

import pytest

STAGES = ["encode", "reindex", "unchanged", "synthetic-30"]


def test_every_stage_has_its_row_whatever_the_catalogues_format(rows, tmp_path):
    with (tmp_path / "products.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title"])
        writer.writerows((f"p{n}", f"red sofa {n}") for n in range(48))
    found = rows("indexing", tmp_path, "--sizes", "30")
    assert [row["stage"] for row in found] == STAGES
    assert [row["products"] for row in found] == [48, 48, 48, 30]
    for row in found:
        assert set(row) == {"stage", "products", "products_per_s", "peak_mb"}
        assert row["products_per_s"] > 0
        assert 20 < row["peak_mb"] < 1000


def test_a_folder_without_products_is_one_line(rows, tmp_path, capsys):
    with pytest.raises(SystemExit) as raised:
        rows("indexing", tmp_path)
    assert raised.value.code == 1
    assert "has no products file (products with .tsv, .jsonl" in capsys.readouterr().err


def test_texts_are_encoded_in_the_chunks_of_a_build(benchmark, tmp_path, monkeypatch):
    indexing, sizes = benchmark("indexing"), []

    class Counter:
        def encode_products(self, texts):
            sizes.append(len(texts))

    monkeypatch.setattr(indexing, "open_encoder", lambda *_, **__: Counter())
    path = tmp_path / "products.jsonl"
    path.write_text("".join(json.dumps(made) + "\n" for made in indexing.make_products(1100)))
    catalogue = indexing.Catalogue(indexing.Files(path), indexing.DataFolder(tmp_path).fields())
    products, seconds = indexing.measure_encode(catalogue, tmp_path, "toy")
    assert (products, sizes) == (512, [16, 256, 256])
    assert seconds >= 0


def test_the_stage_unchanged_needs_the_build_before_it(benchmark, data, tmp_path):
    indexing = benchmark("indexing")
    folder = indexing.DataFolder(data)
    catalogue = indexing.Catalogue(indexing.Files(folder.require("products")), folder.fields())
    with pytest.raises(indexing.EndcapError, match="reindex must come first"):
        indexing.measure_unchanged(catalogue, tmp_path / "work")


def test_made_up_products_are_always_the_same(benchmark):
    make = benchmark("indexing").make_products
    one, other = list(make(5)), list(make(5))
    assert one == other
    assert [product["id"] for product in one] == [f"product-{n}" for n in range(5)]
