"""Every index against the formula: the inner product with each stored row, best first."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endcap_indexer.exceptions import VectorsError
from endcap_indexer.files import FolderWriter, open_folder
from endcap_indexer.vectors import choose_index, open_index, write_index

KINDS = ["flat", "hnsw"]


def unit_rows(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def build(kind, stored, folder_path):
    with FolderWriter(folder_path, "toy", format=1) as folder:
        folder.save("vectors.npy", stored)
        write_index(kind, stored, folder)
        folder.commit({})
    folder = open_folder(folder_path, "toy", format=1)
    return open_index(kind, folder.array("vectors.npy"), folder)


def brute_force(stored, vector, k, allowed=None):
    rows = np.arange(len(stored)) if allowed is None else allowed[allowed >= 0]
    scores = stored[rows].astype(np.float32) @ vector
    rows, scores = rows[~np.isnan(scores)], scores[~np.isnan(scores)]
    order = np.lexsort((rows, -scores))[:k]
    return rows[order], scores[order]


@pytest.fixture(scope="module")
def stored():
    rows = unit_rows(600, 16).astype(np.float16)
    rows[[0, 7, 599]] = np.nan
    return rows


@pytest.fixture(scope="module")
def indexes(stored, tmp_path_factory):
    folder = tmp_path_factory.mktemp("indexes")
    return {kind: build(kind, stored, folder / kind) for kind in KINDS}


@pytest.fixture(params=KINDS)
def index(request, indexes):
    return indexes[request.param]


def test_the_compass(tmp_path):
    """Four directions: the nearest to north-north-east are north, then east."""
    compass = np.array([[0, 1], [1, 0], [0, -1], [-1, 0]], np.float16)
    vector = np.array([np.sin(0.4), np.cos(0.4)], np.float32)
    for kind in KINDS:
        rows, scores = build(kind, compass, tmp_path / kind).search(vector, 3)
        assert rows.tolist() == [0, 1, 3]
        np.testing.assert_allclose(scores, [np.cos(0.4), np.sin(0.4), -np.sin(0.4)], atol=1e-6)
        assert (rows.dtype, scores.dtype) == (np.int64, np.float32)


def test_a_stored_row_finds_itself(index, stored):
    for row in (1, 300, 598):
        rows, scores = index.search(stored[row].astype(np.float32), 1)
        assert rows.tolist() == [row]
        assert scores[0] == pytest.approx(1, abs=2e-3)


def test_indexes_agree(indexes, stored):
    for vector in unit_rows(20, 16, seed=1):
        expected_rows, expected_scores = brute_force(stored, vector, 10)
        for index in indexes.values():
            rows, scores = index.search(vector, 10)
            assert rows.tolist() == expected_rows.tolist()
            np.testing.assert_allclose(scores, expected_scores, atol=1e-5)


def test_products_without_a_vector_are_never_found(index, stored):
    rows, _ = index.search(unit_rows(1, 16)[0], len(stored))
    assert not {0, 7, 599} & set(rows.tolist())
    assert len(rows) == len(set(rows.tolist())) > 590
    assert index.search(unit_rows(1, 16)[0], 5, np.array([0, 7, 599]))[0].tolist() == []


def test_vectors_come_back(index, stored):
    vectors = index.vectors(np.array([3, -1, 0, 3]))
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors[[0, 3]], stored[[3, 3]].astype(np.float32))
    assert np.isnan(vectors[[1, 2]]).all()
    assert index.vectors(np.array([], np.int64)).shape == (0, 16)


@settings(max_examples=60, deadline=None)
@given(
    allowed=st.lists(st.integers(-1, 599), unique=True, max_size=60),
    k=st.integers(0, 80),
    seed=st.integers(0, 10**6),
)
def test_allowed_rows_are_scored_exactly(indexes, stored, allowed, k, seed):
    vector = unit_rows(1, 16, seed)[0]
    allowed = np.array(allowed, np.int64)
    expected_rows, expected_scores = brute_force(stored, vector, k, allowed)
    for index in indexes.values():
        rows, scores = index.search(vector, k, allowed)
        np.testing.assert_allclose(scores, expected_scores, atol=1e-6)
        assert rows.tolist() == expected_rows.tolist()


@settings(max_examples=40, deadline=None)
@given(k=st.integers(1, 700), seed=st.integers(0, 10**6))
def test_scores_fall_and_belong_to_their_rows(indexes, stored, k, seed):
    vector = unit_rows(1, 16, seed)[0]
    for index in indexes.values():
        rows, scores = index.search(vector, k)
        assert len(rows) <= k
        assert (np.diff(scores) <= 0).all()
        np.testing.assert_allclose(scores, stored[rows].astype(np.float32) @ vector, atol=1e-5)


def test_ties_go_to_the_lower_row(tmp_path):
    twins = np.tile(np.array([[1, 0]], np.float16), (50, 1))
    vector = np.array([1, 0], np.float32)
    for kind in KINDS:
        index = build(kind, twins, tmp_path / kind)
        assert index.search(vector, 50)[0].tolist() == list(range(50))
        assert index.search(vector, 3, np.array([9, 4, 2, 7]))[0].tolist() == [2, 4, 7]


@pytest.mark.parametrize(
    "stored", [np.empty((0, 4), np.float16), np.full((5, 4), np.nan, np.float16)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_found_in_nothing(tmp_path, kind, stored):
    index = build(kind, stored, tmp_path / kind)
    rows, scores = index.search(np.array([1, 0, 0, 0], np.float32), 3)
    assert (rows.tolist(), scores.tolist()) == ([], [])
    assert np.isnan(index.vectors(np.array([-1]))).all()


def test_the_graph_finds_what_exact_search_finds(tmp_path):
    """Recall of the 200 best on clustered rows, as product vectors are."""
    rng = np.random.default_rng(5)
    centres = unit_rows(40, 32)
    rows = centres[rng.integers(40, size=4000)] + 0.15 * rng.standard_normal((4000, 32))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)
    graph, exact = (build(kind, rows, tmp_path / kind) for kind in ("hnsw", "flat"))
    found = [
        len(np.intersect1d(graph.search(vector, 200)[0], exact.search(vector, 200)[0]))
        for vector in rows[rng.integers(4000, size=50)].astype(np.float32)
    ]
    assert np.mean(found) / 200 >= 0.98


def test_the_size_chooses(tmp_path):
    assert choose_index(10_000, 384) == "flat"
    assert choose_index(11_000, 384) == "hnsw"
    assert choose_index(0, 384) == "flat"
    stored = np.eye(2, dtype=np.float16)
    build("flat", stored, tmp_path / "toy")
    with pytest.raises(VectorsError, match="kind 'ivf', known are flat, hnsw"):
        open_index("ivf", stored, open_folder(tmp_path / "toy", "toy", format=1))


def test_wrong_input_is_named(index, tmp_path):
    with pytest.raises(VectorsError, match=r"shape \(3,\), but the products' have \(16,\)"):
        index.search(np.zeros(3, np.float32), 5)
    with pytest.raises(VectorsError, match="rows 5 to 600, but there are 600"):
        index.vectors(np.array([5, 600]))
    with pytest.raises(VectorsError, match="expected \\(n, d\\) float16"):
        build("flat", np.eye(3, dtype=np.float32), tmp_path / "wide")
