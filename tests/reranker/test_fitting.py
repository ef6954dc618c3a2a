import numpy as np
import pytest

from endcap_reranker import Blend, FittingError, Search, fit

START = {"lexical": 0.5, "text": 0.5}


def column(*values):
    return np.array(values, np.float32)


def noisy_searches(searches, n, weights, seed=0, noise=0.0):
    """Searches whose ten best products are those of a known blend."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(searches):
        columns = {name: random.random(n).astype(np.float32) for name in weights}
        truth = sum(weight * columns[name] for name, weight in weights.items())
        truth = truth + noise * random.standard_normal(n)
        grades = np.zeros(n, np.float32)
        grades[np.argsort(-truth)[:10]] = [3, 3, 2, 2, 2, 1, 1, 1, 1, 1]
        made.append(Search(columns, grades))
    return made


def test_a_column_that_is_right_gets_the_weight():
    search = Search({"lexical": column(1, 0, 0.5), "text": column(0.5, 0, 1)}, column(0, 0, 1))
    fitted = fit([search], START)
    assert fitted.ndcg == 1.0
    assert fitted.weights["text"] > fitted.weights["lexical"]


def test_between_two_bounds_the_middle_is_chosen():
    """The good product is first while the share of text is between 0.25 and 0.75."""
    more = Search({"lexical": column(0, 0.75), "text": column(1, 0.75)}, column(0, 1))
    less = Search({"lexical": column(1, 0.75), "text": column(0, 0.75)}, column(0, 1))
    fitted = fit([more, less], {"lexical": 0.9, "text": 0.1})
    assert fitted.start_ndcg == pytest.approx((1 + 1 / np.log2(3)) / 2)
    assert fitted.ndcg == 1.0
    assert 0.35 < fitted.weights["text"] < 0.65


def test_a_known_blend_is_found_again():
    truth = {"lexical": 0.3, "text": 0.5, "history": 0.2}
    fitted = fit(noisy_searches(60, 40, truth), {"lexical": 1.0, "text": 1.0, "history": 1.0})
    assert fitted.ndcg > 0.99
    for name, weight in truth.items():
        assert fitted.weights[name] == pytest.approx(weight, abs=0.05)


def test_noise_gets_almost_no_weight():
    searches = noisy_searches(60, 40, {"lexical": 0.5, "text": 0.5, "history": 0.0}, noise=0.05)
    fitted = fit(searches, {"lexical": 1.0, "text": 1.0, "history": 1.0})
    assert fitted.weights["history"] < 0.05


def test_weights_are_shares_and_the_same_again():
    searches = noisy_searches(20, 30, {"lexical": 0.7, "text": 0.3}, noise=0.2)
    fitted = fit(searches, START)
    assert sum(fitted.weights.values()) == pytest.approx(1.0)
    assert all(weight >= 0 for weight in fitted.weights.values())
    assert fit(searches, START) == fitted


def test_fitted_weights_hold_on_other_searches():
    """Fifty searches of a noisy log: what is fitted is nearly as good as the truth elsewhere."""
    truth = {"lexical": 0.6, "text": 0.3, "popularity": 0.1}
    fitted = fit(noisy_searches(50, 60, truth, seed=1, noise=0.1), dict.fromkeys(truth, 1.0))
    unseen = noisy_searches(200, 60, truth, seed=2, noise=0.1)
    assert mean_ndcg(unseen, fitted.weights) > mean_ndcg(unseen, truth) - 0.01


def mean_ndcg(searches, weights):
    """NDCG@10 of the blend itself, one search at a time."""
    values = []
    for search in searches:
        scores = sum(Blend(weights).contributions(search.columns).values())
        order = np.argsort(-scores, kind="stable")[:10]
        gains = np.exp2(np.append(search.grades, search.missed)) - 1
        discounts = 1 / np.log2(np.arange(10) + 2)
        best = np.sort(gains)[::-1][:10]
        values.append(
            (gains[order] * discounts[: len(order)]).sum() / (best * discounts[: len(best)]).sum()
        )
    return float(np.mean(values))


def test_the_ndcg_is_that_of_the_blend():
    """Searches of several lengths, with columns that are silent here and there."""
    random = np.random.default_rng(3)
    searches = []
    for n in (3, 40, 11):
        columns = {name: random.random(n).astype(np.float32) for name in (*START, "history")}
        for values in columns.values():
            values[random.random(n) < 0.3] = np.nan
        grades = random.integers(0, 4, n).astype(np.float32)
        searches.append(Search(columns, grades, missed=column(3, 1)))
    start = {**START, "history": 0.25}
    fitted = fit(searches, start)
    assert fitted.start_ndcg == pytest.approx(mean_ndcg(searches, start))
    assert fitted.ndcg == pytest.approx(mean_ndcg(searches, fitted.weights))
    assert fitted.ndcg >= fitted.start_ndcg


def test_equal_scores_keep_the_order_of_the_candidates():
    search = Search({"lexical": column(1, 1, 1)}, column(0, 1, 0))
    assert fit([search], {"lexical": 1.0}).ndcg == pytest.approx(1 / np.log2(3))


def test_searches_of_other_lengths_do_not_show():
    short = Search({"lexical": column(-1)}, column(1))
    long = Search({"lexical": column(1, 0, 0)}, column(1, 0, 0))
    assert fit([short, long], {"lexical": 1.0}).ndcg == 1.0


def test_what_recall_missed_counts_in_the_ideal():
    search = Search({"lexical": column(1, 0)}, column(1, 0), missed=column(1))
    expected = 1 / (1 + 1 / np.log2(3))
    assert fit([search], {"lexical": 1.0}).ndcg == pytest.approx(expected)


def test_only_the_cutoff_counts():
    search = Search({"lexical": column(1, 0.5)}, column(0, 1))
    assert fit([search], {"lexical": 1.0}, cutoff=1).ndcg == 0.0


def test_searches_without_a_good_product_say_nothing():
    good = Search({"lexical": column(0, 1)}, column(0, 1))
    bad = Search({"lexical": column(0, 1)}, column(0, np.nan))
    empty = Search({"lexical": column()}, column())
    fitted = fit([bad, good, empty], {"lexical": 1.0})
    assert (fitted.searches, fitted.ndcg) == (1, 1.0)


@pytest.mark.parametrize("searches", [[], [Search({"lexical": column(1)}, column(0))]])
def test_nothing_to_fit_is_an_error(searches):
    with pytest.raises(FittingError, match="no search has a good product"):
        fit(searches, {"lexical": 1.0})


@pytest.mark.parametrize("start", [{}, {"lexical": 0.0}, {"lexical": -1.0}, {"lexical": np.nan}])
def test_a_start_of_nothing_is_an_error(start):
    with pytest.raises(FittingError, match="start must be weights"):
        fit([Search({"lexical": column(1)}, column(1))], start)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (Search({"text": column(1)}, column(1)), "search 0 has no column 'lexical'"),
        (Search({"lexical": column(1, 2)}, column(1)), "'lexical' and the grades differ"),
        (Search({"lexical": column(1)}, column(-1)), "search 0: a grade below 0"),
        (Search({"lexical": column(1)}, column(1), column(-1)), "search 0: a grade below 0"),
    ],
)
def test_a_search_that_does_not_fit_is_named(search, message):
    with pytest.raises(FittingError, match=message):
        fit([search], {"lexical": 1.0})
