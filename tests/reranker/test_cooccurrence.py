import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap_reranker import ArtefactError, Cooccurrence

ONE = np.ones(1, np.float32)


def codes(*items):
    return np.array(items, np.int32)


def ones(n):
    return np.ones(n, np.float32)


def test_the_checkerboard_recommends_the_withheld_item(checkerboard):
    """Every user's best unseen item is the one of his colour that was withheld."""
    counted = Cooccurrence.count(checkerboard)
    histories = checkerboard.histories()
    for user in range(10):
        seen = histories.items[histories.indptr[user] : histories.indptr[user + 1]][::-1]
        scores = counted.score_all(seen, ones(len(seen)))
        scores[seen] = -1
        assert scores.argmax() == user


def test_an_alternating_sequence_leads_to_the_other(make_interactions):
    pairs = [(user, item) for user in range(4) for item in (0, 1, 0, 1)]
    pairs += [(user, item) for user in range(4, 8) for item in (2, 3, 2, 3)]
    counted = Cooccurrence.count(make_interactions(pairs, 4))
    similar = 4 / (np.sqrt(4 * 4) + 10)
    for item, other in ((0, 1), (1, 0), (2, 3), (3, 2)):
        expected = np.where(np.arange(4) == other, similar, 0)
        np.testing.assert_allclose(counted.score_all(codes(item), ONE), expected, rtol=1e-6)


def test_the_score_is_the_formula(make_interactions):
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 1), (2, 2)]
    counted = Cooccurrence.count(make_interactions(pairs, 3), decay=0.7, shrink=2.0)
    from_one = 2 / (np.sqrt(2 * 3) + 2)
    from_two = 1 / (np.sqrt(1 * 3) + 2)
    found = counted.score(codes(2, 0), np.array([1, 3], np.float32), codes(1))
    np.testing.assert_allclose(found, [1 * 0.7**0 * from_two + 3 * 0.7**1 * from_one], rtol=1e-6)


def test_unknown_events_take_no_step(counted):
    found = counted.score(codes(-1, 3, -1, 5), ones(4), codes(7, 8))
    np.testing.assert_array_equal(found, counted.score(codes(3, 5), ones(2), codes(7, 8)))


def test_the_faintest_events_are_not_looked_at(counted):
    """0.8^20 is above a hundredth, 0.8^21 is not."""
    history, candidates = codes(*range(30)), codes(*range(40))
    expected = counted.score(history[:21], ones(21), candidates)
    np.testing.assert_array_equal(counted.score(history, ones(30), candidates), expected)


@given(st.integers(0, 10_000), st.integers(0, 60), st.integers(0, 50))
def test_candidates_are_scored_as_all_items_are(counted, seed, events, n):
    random = np.random.default_rng(seed)
    history = random.integers(-1, 40, events).astype(np.int32)
    weights = random.choice([0.0, 1.0, 2.0], events).astype(np.float32)
    candidates = random.integers(-1, 40, n).astype(np.int32)
    everything = counted.score_all(history, weights)
    expected = np.where(candidates < 0, np.nan, everything[candidates])
    found = counted.score(history, weights, candidates)
    assert found.dtype == everything.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_candidates_that_share_low_bits_are_told_apart(make_interactions):
    near, far = 1, 0x10000 + 1
    counted = Cooccurrence.count(make_interactions([(0, 0), (0, far)], far + 1))
    missed, found = counted.score(codes(0), ONE, codes(near, far))
    assert missed == 0
    assert found == pytest.approx(1 / (1 + 10))
    np.testing.assert_array_equal(counted.score(codes(0), ONE, codes(near)), [0])


@pytest.mark.parametrize(
    ("history", "weights"), [(codes(), ones(0)), (codes(-1), ONE), (codes(1), 0 * ONE)]
)
def test_without_a_history_there_is_no_opinion(counted, history, weights):
    assert np.isnan(counted.score(history, weights, codes(1, 2))).all()
    assert np.isnan(counted.score_all(history, weights)).all()


def test_codes_of_ids(counted):
    assert counted.codes(["i003", "i000", "i039"]).tolist() == [3, 0, 39]


@pytest.mark.parametrize("unknown", ["", "a", "i0", "i040", "z", "i0031", "ö", "\ud83d"])
def test_an_unknown_id_has_no_code(counted, unknown):
    assert counted.codes(["i003", unknown]).tolist() == [3, -1]


def test_codes_of_nothing(counted):
    assert counted.codes([]).tolist() == []


def test_tensors_there_and_back(counted):
    back = Cooccurrence.from_tensors(counted.to_tensors())
    assert back.item_ids.tolist() == counted.item_ids.tolist()
    assert back.decay == pytest.approx(counted.decay)
    np.testing.assert_array_equal(back.popularity, counted.popularity)
    history, candidates = codes(3, 5), codes(*range(40))
    expected = counted.score(history, ones(2), candidates)
    np.testing.assert_allclose(back.score(history, ones(2), candidates), expected, rtol=1e-6)


def test_tensors_are_plain_numbers(counted):
    kinds = {name: tensor.dtype.kind for name, tensor in counted.to_tensors().items()}
    assert set(kinds.values()) <= {"i", "u", "f"}


def test_memory_maps_are_not_copied(counted, tmp_path):
    mapped = {}
    for name, tensor in counted.to_tensors().items():
        np.save(tmp_path / f"{name}.npy", tensor)
        mapped[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
    opened = Cooccurrence.from_tensors(mapped)
    for name, array in (
        ("item_ids", opened.item_ids),
        ("indptr", opened.neighbours.indptr),
        ("neighbours", opened.neighbours.items),
        ("values", opened.neighbours.values),
        ("popularity", opened.popularity),
    ):
        assert np.shares_memory(array, mapped[name])
    assert opened.codes(["i003"]).tolist() == [3]
    expected = counted.score(codes(3), ONE, codes(*range(40)))
    np.testing.assert_array_equal(opened.score(codes(3), ONE, codes(*range(40))), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": np.array([2])}, "format 2, this version reads 1"),
        ({"values": np.zeros(3, np.float16)}, "values must be float32 with 1 dimensions"),
        ({"item_ids": np.zeros(40, np.uint8)}, "item_ids must be uint8 with 2 dimensions"),
        ({"popularity": np.zeros(39, np.float32)}, "not of the same items"),
        ({"neighbours": np.zeros(3, np.int32)}, "do not end where indptr says"),
        ({"values": np.zeros(3, np.float32)}, "do not end where indptr says"),
    ],
)
def test_tensors_that_are_something_else_are_refused(counted, change, message):
    with pytest.raises(ArtefactError, match=message):
        Cooccurrence.from_tensors({**counted.to_tensors(), **change})


def test_a_missing_tensor_is_named(counted):
    tensors = counted.to_tensors()
    del tensors["indptr"], tensors["decay"]
    with pytest.raises(ArtefactError, match="lacks decay, indptr"):
        Cooccurrence.from_tensors(tensors)
