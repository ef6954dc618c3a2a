import faiss
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from endcap_indexer.files import FolderWriter
from endcap_indexer.vectors.hnsw import write_graph
from endcap_indexer.vectors.stored import StoredVectors, best


def test_every_half_is_widened_as_numpy_does():
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16).reshape(256, 256)
    vectors = StoredVectors(halves).vectors(np.arange(256))
    np.testing.assert_array_equal(vectors, halves.astype(np.float32))


def test_chunks_leave_out_what_has_no_vector():
    stored = np.eye(5, dtype=np.float16)
    stored[[1, 4]] = np.nan
    chunks = list(StoredVectors(stored).chunks(size=2))
    assert [rows.tolist() for rows, _ in chunks] == [[0], [2, 3], []]
    np.testing.assert_array_equal(
        np.concatenate([part for _, part in chunks]), np.eye(5)[[0, 2, 3]]
    )


def test_long_lists_are_scored_piece_by_piece():
    angles = np.linspace(0, np.pi, 3000)
    stored = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float16)
    scores = StoredVectors(stored).score(np.array([1, 0], np.float32), np.arange(3000)[::-1])
    np.testing.assert_allclose(scores, np.cos(angles)[::-1], atol=1e-3)


@given(
    scores=st.lists(st.sampled_from([0.5, 0.25, 0.0, -1.0, np.nan]), max_size=30),
    k=st.integers(0, 40),
)
def test_best_is_sorting_by_score_then_row(scores, k):
    rows = np.arange(len(scores), dtype=np.int64)[::-1]
    found, values = best(rows, np.array(scores, np.float32), k)
    scored = [(-s, row) for s, row in zip(scores, rows.tolist(), strict=True) if s == s]
    expected = sorted(scored)[:k]
    assert found.tolist() == [row for _, row in expected]
    assert values.tolist() == [-negative for negative, _ in expected]


def test_building_gives_the_threads_back(tmp_path):
    before = faiss.omp_get_max_threads()
    with FolderWriter(tmp_path / "toy", "toy", format=1) as folder:
        write_graph(np.eye(4, dtype=np.float16), folder)
        folder.commit({})
    assert faiss.omp_get_max_threads() == before
