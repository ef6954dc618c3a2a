"""Segments against a dict: what was said last of a product counts, and its row never changes."""

import threading
from dataclasses import dataclass, field

import numpy as np
import pytest
from failing_disk import FailingDisk
from hypothesis import given, settings
from hypothesis import strategies as st

from endcap_indexer import files
from endcap_indexer.catalogue import Product
from endcap_indexer.exceptions import ChecksumError, GenerationError, VectorsError
from endcap_indexer.files import remove_folder
from endcap_indexer.generations import Generation, Manifest, segments, update_generation
from endcap_indexer.generations.build import GenerationWriter
from endcap_indexer.generations.embeddings import digest_texts
from endcap_indexer.generations.segments import (
    MANY_PIECES,
    list_pieces,
    merge_pieces,
    segment_folder,
)

MANIFEST = Manifest(
    generation="toys-000001",
    created="2026-11-23T09:00:00+00:00",
    digest="ab" * 16,
    encoder="toy-1",
    dimension=2,
    text_fields=("title^2",),
    columns=("price",),
    catalogue={},
)
BUILT = 12


@dataclass
class Shop:
    """The products as a dict: id → angle; an angle of None is a product without a vector."""

    angles: dict[str, float | None] = field(default_factory=dict)

    def arrays(self, ids):
        products = [make_product(id, self.angles[id]) for id in ids]
        vectors = np.array([unit(self.angles[id]) for id in ids], np.float16).reshape(-1, 2)
        return products, digest_texts([product.text for product in products]), vectors


def unit(angle):
    return [np.nan, np.nan] if angle is None else [np.cos(angle), np.sin(angle)]


def make_product(id, angle):
    return Product(id, {}, f"{id} at {angle}", None, {"price": np.nan if angle is None else angle})


def build(path, shop, flat_cells=None):
    with GenerationWriter(path, MANIFEST) as writer:
        writer.append(*shop.arrays(list(shop.angles)))
        writer.finish_rows()
        writer.commit(bad_rows=0)
    return Generation.open(path)


def change(generation, shop, angles, gone=()):
    """What the dict does in two lines, the generation does in one segment."""
    for id in gone:
        shop.angles.pop(id, None)
    shop.angles |= angles
    return update_generation(generation, *shop.arrays(list(angles)), gone)


def assert_same(generation, shop, fresh):
    """Everything that a search asks, against a generation that was built from the dict."""
    ids = list(shop.angles)
    rows, built = generation.rows(ids), fresh.rows(ids)
    assert generation.products == len(ids) == len(generation.present_rows())
    assert sorted(generation.present_rows().tolist()) == sorted(rows.tolist())
    assert generation.ids(rows) == ids
    assert generation.rows(["stranger"]).tolist() == [-1]
    np.testing.assert_array_equal(generation.index.vectors(rows), fresh.index.vectors(built))
    np.testing.assert_array_equal(generation.columns["price"][rows], fresh.columns["price"][built])
    np.testing.assert_array_equal(generation.digests(rows), fresh.digests(built))
    for angle in (0.1, 2.0, 4.5):
        query = np.array(unit(angle), np.float32)
        for k in (1, 3, len(ids) + 5):
            assert_found(generation, fresh, query, k)
        some = np.array([row for row in rows if row % 2], np.int64)
        same = fresh.rows(generation.ids(some))
        assert_found(generation, fresh, query, 3, some, same)


def assert_found(generation, fresh, query, k, allowed=None, same=None):
    """The same products, best first; which of two equally near ones comes first may differ."""
    rows, scores = generation.index.search(query, k, allowed)
    built, expected = fresh.index.search(query, k + 1, same)  # one more shows a tie at the end
    np.testing.assert_allclose(scores, expected[:k], atol=1e-6)
    np.testing.assert_allclose(generation.index.vectors(rows) @ query, scores, atol=1e-6)
    steps = np.diff(expected, prepend=2, append=-2) < -1e-6
    clear = np.flatnonzero((steps[:-1] & steps[1:])[:k])
    assert [generation.ids(rows)[n] for n in clear] == [fresh.ids(built)[n] for n in clear]


IDS = st.sampled_from([f"p{n}" for n in range(18)])
ANGLES = st.one_of(st.none(), st.integers(0, 60).map(lambda tenth: tenth / 10))
STEPS = st.lists(
    st.tuples(st.dictionaries(IDS, ANGLES, max_size=5), st.sets(IDS, max_size=4)), max_size=7
)


@pytest.mark.parametrize("cells", [4_000_000, 10], ids=["flat", "graph"])
@settings(max_examples=20, deadline=None)
@given(steps=STEPS, data=st.data())
def test_segments_answer_as_a_fresh_generation(tmp_path_factory, cells, steps, data):
    """Random changes, deletions and merges; opened once, or brought up to date whenever."""
    folder = tmp_path_factory.mktemp("segments")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("endcap_indexer.generations.segments.MANY_PIECES", 2)
        patched.setattr("endcap_indexer.vectors.index.FLAT_CELLS", cells)
        shop = Shop({f"p{n}": n / 2 for n in range(BUILT)})
        generation = reader = build(folder / "toys-000001", shop)
        patched.setattr("endcap_indexer.vectors.index.FLAT_CELLS", 4_000_000)
        given_rows = {id: row for row, id in enumerate(shop.angles)}
        for angles, gone in steps:
            generation = change(generation, shop, angles, sorted(gone))
            if data.draw(st.booleans()):
                merge_pieces(generation.path)
            for id, row in zip(shop.angles, generation.rows(list(shop.angles)), strict=True):
                assert given_rows.setdefault(id, row) == row
            if data.draw(st.booleans(), label="the reader looks"):
                reader = reader.refreshed()
        fresh = build(folder / "fresh", shop)
        for each in (generation, reader.refreshed(), Generation.open(folder / "toys-000001")):
            assert_same(each, shop, fresh)
    remove_folder(folder)


@pytest.fixture
def shop():
    return Shop({f"p{n}": n / 2 for n in range(BUILT)})


@pytest.fixture
def generation(tmp_path, shop):
    return build(tmp_path / "toys-000001", shop)


def test_nothing_to_write_writes_nothing(generation, shop):
    assert change(generation, shop, {}, ["nobody knows it"]) is generation
    assert not (generation.path / "segments").exists()
    assert generation.refreshed() is generation


def test_a_product_that_comes_back_has_its_old_row(generation, shop):
    generation = change(generation, shop, {"new": 1.0}, ["p3"])
    assert generation.rows(["p3", "new"]).tolist() == [-1, BUILT]
    generation = change(generation, shop, {"p3": 0.2}, ["new"])
    assert generation.rows(["p3", "new"]).tolist() == [3, -1]
    assert generation.given_rows(["new"]).tolist() == [BUILT]
    assert len(generation) == BUILT + 1
    assert generation.products == BUILT


def test_of_an_id_that_is_given_twice_the_last_counts(generation):
    products = [make_product("p1", 1.0), make_product("p1", 2.0)]
    vectors = np.array([unit(1.0), unit(2.0)], np.float16)
    digests = digest_texts([product.text for product in products])
    after = update_generation(generation, products, digests, vectors, ["p1"])
    assert after.columns["price"][1] == 2.0
    assert after.products == BUILT


def test_an_open_generation_does_not_change(generation, shop):
    change(generation, shop, {"p1": 6.0, "new": 1.0}, ["p2"])
    assert generation.rows(["p1", "p2", "new"]).tolist() == [1, 2, -1]
    assert generation.columns["price"][1] == 0.5


def test_wrong_vectors_are_named_and_nothing_is_written(generation):
    product, digests = make_product("p1", 1.0), digest_texts(["text"])
    for vectors, said in (
        ([[1.0, 1.0]], "product 'p1' has a vector of length 1.4"),
        ([[1.0, 0.0, 0.0]], "vectors of 3 numbers, but those of toys-000001 have 2"),
    ):
        with pytest.raises(VectorsError, match=said):
            update_generation(generation, [product], digests, np.array(vectors, np.float16))
    assert list_pieces(generation.path) == []


def test_damage_is_found_and_a_missing_segment_too(generation, shop):
    for angle in (1.0, 2.0):
        generation = change(generation, shop, {"p1": angle})
    path = segment_folder(generation.path, 2) / "vectors.f16.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ChecksumError, match=r"vectors\.f16\.npy is damaged"):
        Generation.open(generation.path)
    remove_folder(segment_folder(generation.path, 1))
    with pytest.raises(GenerationError, match="a segment is missing before 000002"):
        Generation.open(generation.path)


def test_a_fault_at_every_operation(generation, shop, tmp_path, monkeypatch):
    """A reader sees the segment whole or not at all, and the same update then goes through."""
    for fail_at in range(1, 100):
        angles = {"p1": fail_at / 20, f"new{fail_at}": 1.0}
        before = dict(shop.angles)
        disk = FailingDisk(fail_at, dead=fail_at % 2 == 0)
        monkeypatch.setattr(files, "DISK", disk)
        try:
            change(generation, shop, angles, [f"new{fail_at - 1}"])
        except OSError:
            assert disk.reached
        monkeypatch.setattr(files, "DISK", files.Disk())
        seen = generation.refreshed()
        assert seen.products in (len(before), len(shop.angles))
        shown = seen.columns["price"][1]
        assert shown == np.float32(before["p1"] if seen is generation else angles["p1"])
        generation = change(seen, shop, angles, [f"new{fail_at - 1}"])
        if not disk.reached:
            break
    assert fail_at > 20
    assert_same(Generation.open(generation.path), shop, build(tmp_path / "fresh", shop))


def test_many_segments_stay_few_pieces_and_little_is_written_twice(generation, shop, tmp_path):
    early = generation
    for number in range(2 * MANY_PIECES):
        angles = {"p1": number / 10, f"new{number}": 1.0}
        generation = change(generation, shop, angles, [f"new{number - 2}"])
        merge_pieces(generation.path)
        assert len(list_pieces(generation.path)) < MANY_PIECES
    assert generation.segments == 2 * MANY_PIECES
    fresh = build(tmp_path / "fresh", shop)
    for seen in (Generation.open(generation.path), early.refreshed(), generation):
        assert_same(seen, shop, fresh)
    generation = change(Generation.open(generation.path), shop, {"new0": 2.0})
    assert generation.rows(["new0"]).tolist() == [BUILT]  # it keeps its row though it was gone
    assert len(list((generation.path / "segments").iterdir())) < MANY_PIECES


def test_a_fault_at_every_operation_of_a_merge(generation, shop, tmp_path, monkeypatch):
    """Whatever is left lying about, every reader finds the same, and the next merge tidies up."""
    monkeypatch.setattr(segments, "MANY_PIECES", 3)
    for fail_at in range(1, 200, 4):
        while len(list_pieces(generation.path)) < 3:
            name = f"new{generation.segments}"
            generation = change(generation, shop, {name: 1.0, "p1": fail_at / 10})
        early = Generation.open(generation.path)
        disk = FailingDisk(fail_at, dead=fail_at % 8 == 1)
        monkeypatch.setattr(files, "DISK", disk)
        try:
            merge_pieces(generation.path)
        except OSError:
            assert disk.reached
        monkeypatch.setattr(files, "DISK", files.Disk())
        assert early.refreshed() is early
        seen = Generation.open(generation.path)
        assert seen.products == len(shop.angles)
        assert seen.columns["price"][1] == np.float32(shop.angles["p1"])
        if not disk.reached:
            break
    assert fail_at > 30
    generation = change(generation, shop, {"p2": 1.0})
    assert_same(Generation.open(generation.path), shop, build(tmp_path / "fresh", shop))


def test_readers_open_while_pieces_are_merged(generation, shop, monkeypatch):
    """A piece may go while it is read: then it is looked for again."""
    monkeypatch.setattr(segments, "MANY_PIECES", 3)
    ended = threading.Event()

    def write():
        later = generation
        for number in range(MANY_PIECES):
            later = change(later, shop, {f"new{number}": 1.0})
            merge_pieces(later.path)
        ended.set()

    writer = threading.Thread(target=write)
    writer.start()
    reader, opened = generation, 0
    while not ended.is_set():
        reader = reader.refreshed()
        assert Generation.open(generation.path).products >= reader.products
        opened += 1
    writer.join()
    assert opened > 3
    assert reader.refreshed().products == BUILT + MANY_PIECES


def test_a_generation_goes_with_its_segments(generation, shop):
    change(generation, shop, {"p1": 1.0})
    remove_folder(generation.path)
    assert not generation.path.exists()
