import numpy as np
import pytest

from endcap_reranker import Blend, ColumnError

NAN = np.nan


def column(*values):
    return np.array(values, np.float32)


def scores(blend, **columns):
    return sum(blend.contributions(columns).values())


def test_the_score_is_the_weighted_sum():
    blend = Blend({"lexical": 0.4, "text": 0.6, "history": 0.2})
    found = scores(blend, lexical=column(1, 0.5), text=column(0.5, 1), history=column(0, 0.25))
    expected = [0.4 * 1 + 0.6 * 0.5, 0.4 * 0.5 + 0.6 * 1 + 0.2 * 0.25]
    np.testing.assert_allclose(found, expected)


def test_lexical_takes_over_where_text_is_silent():
    blend = Blend({"lexical": 0.4, "text": 0.6})
    found = blend.contributions({"lexical": column(0.5, 0.5), "text": column(NAN, 1)})
    np.testing.assert_allclose(found["lexical"], [(0.4 + 0.6) * 0.5, 0.4 * 0.5])
    np.testing.assert_allclose(found["text"], [0, 0.6])


def test_text_takes_over_where_lexical_is_silent():
    found = scores(Blend({"lexical": 0.4, "text": 0.6}), lexical=column(NAN), text=column(0.5))
    np.testing.assert_allclose(found, [(0.4 + 0.6) * 0.5])


def test_lexical_takes_over_from_a_column_that_is_not_computed():
    found = scores(Blend({"lexical": 0.4, "text": 0.6}), lexical=column(0.5))
    np.testing.assert_allclose(found, [(0.4 + 0.6) * 0.5])


def test_where_both_are_silent_they_add_nothing():
    blend = Blend({"lexical": 0.4, "text": 0.6, "popularity": 0.1})
    found = scores(blend, lexical=column(NAN), text=column(NAN), popularity=column(0.5))
    np.testing.assert_allclose(found, [0.1 * 0.5])


def test_a_column_of_weight_zero_takes_nothing_over():
    found = scores(Blend({"lexical": 0.0, "text": 1.0}), lexical=column(1), text=column(NAN))
    np.testing.assert_array_equal(found, [0])


@pytest.mark.parametrize("name", ["history", "cooccurrence", "popularity"])
def test_a_silent_column_that_is_not_relevance_adds_nothing(name):
    blend = Blend({"lexical": 0.5, name: 0.5})
    found = scores(blend, lexical=column(1, 1), **{name: column(NAN, 1)})
    np.testing.assert_allclose(found, [0.5, 1.0])


def test_other_columns_may_be_the_relevance():
    blend = Blend({"title": 0.3, "image": 0.7}, relevance=("title", "image"))
    found = scores(blend, title=column(1), image=column(NAN))
    np.testing.assert_allclose(found, [1.0])


def test_columns_of_many_searches_at_once():
    blend = Blend({"lexical": 0.4, "text": 0.6, "history": 0.2})
    one = {"lexical": column(1, NAN), "text": column(NAN, 0.5), "history": column(NAN, 1)}
    two = {name: np.stack([values, values[::-1]]) for name, values in one.items()}
    for name, values in blend.contributions(two).items():
        np.testing.assert_array_equal(values[0], blend.contributions(one)[name])
        np.testing.assert_array_equal(values[1], blend.contributions(one)[name][::-1])


def test_no_columns_no_contributions():
    assert Blend({"lexical": 1.0}).contributions({}) == {}


@pytest.mark.parametrize("weight", [-0.1, NAN, np.inf])
def test_a_weight_that_is_none_is_refused(weight):
    with pytest.raises(ColumnError, match="the weight of 'text' must be 0 or more"):
        Blend({"text": weight})


def test_a_column_without_a_weight_is_refused():
    with pytest.raises(ColumnError, match="no weight for text; 0 switches a column off"):
        Blend({"lexical": 1.0}).contributions({"lexical": column(1), "text": column(1)})
