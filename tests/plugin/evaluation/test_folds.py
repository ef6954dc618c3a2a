"""Folds: stable, and nothing is chosen on what it is measured on."""

from hypothesis import given
from hypothesis import strategies as st

from endcap.evaluation import Judgments
from endcap.evaluation.folds import FOLDS, fold_of, split_folds

queries = st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=40)


def judged(texts):
    return Judgments({text: {"1": 1} for text in texts}, dict.fromkeys(texts, ""))


def test_a_query_stays_in_its_fold():
    """These numbers are those of every machine and every version."""
    assert [fold_of(query) for query in ("laptop", "red sofa", "lampe à pied")] == [1, 0, 2]


@given(queries)
def test_every_query_is_held_out_once(texts):
    folds = list(split_folds(judged(texts)))
    held_out = [query for fold in folds for query in fold.held_out.queries]
    if len({fold_of(text) for text in texts}) > 1:
        assert sorted(held_out) == sorted(texts)
    else:
        assert folds == []


@given(queries)
def test_no_query_is_on_both_sides(texts):
    for training, held_out in split_folds(judged(texts)):
        assert not set(training.queries) & set(held_out.queries)
        assert set(training.queries) | set(held_out.queries) == set(texts)


def test_the_folds_are_of_like_size():
    sizes = [len(held_out) for _, held_out in split_folds(judged([f"q{n}" for n in range(1000)]))]
    assert len(sizes) == FOLDS
    assert all(150 < size < 250 for size in sizes)
