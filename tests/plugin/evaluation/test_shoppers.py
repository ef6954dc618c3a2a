"""Searches made from events: which events are looked at, and which never are."""

from dataclasses import replace

import numpy as np
import pytest
from toy_model import toy_model

import endcap
from endcap.evaluation import shoppers, tune_on_events
from endcap.evaluation.shoppers import Unaware, Visit, sample_visits
from endcap.exceptions import TooFewEventsError
from endcap.registry import COOCCURRENCE, Registry
from endcap.tuning import Tuning
from endcap_indexer.catalogue import CatalogueFields
from endcap_reranker import Cooccurrence, Interactions


def interactions(histories, queries=None):
    """Events of `{user: [item, …]}`, oldest first."""
    rows = [
        ("toy", {"user": user, "item": item, "query": (queries or {}).get((user, item), "")})
        for user, items in histories.items()
        for item in items
    ]
    return Interactions.from_rows(rows, on_bad_row=pytest.fail)


def test_the_last_but_one_event_is_asked_for_and_the_last_never_seen():
    events = interactions({"u": ["a", "b", "c", "last"]})
    assert sample_visits(events, 2) == [Visit("c", ("a", "b"), "")]
    assert sample_visits(events, 1) == [Visit("last", ("a", "b", "c"), "")]


def test_a_user_needs_something_before_the_event():
    events = interactions({"u": ["a", "last"], "v": ["a"], "w": ["a", "b", "last"]})
    assert sample_visits(events, 2) == [Visit("b", ("a",), "")]


def test_what_was_typed_comes_with_the_event():
    events = interactions({"u": ["a", "b", "last"]}, {("u", "b"): "red lamp"})
    assert sample_visits(events, 2)[0].typed == "red lamp"


def test_a_product_chosen_again_counts_at_its_last_event():
    """It would otherwise stand in its own history, which the caller hides."""
    again = interactions({"u": ["a", "b", "a", "last"]})
    assert sample_visits(again, 2) == [Visit("a", ("b",), "")]


def test_a_repeated_last_product_is_neither_asked_for_nor_known_while_fitting(store, monkeypatch):
    """Seen, then bought: the benchmark's answer is p002, whichever of its events is the last."""
    events = interactions({"u": ["p000", "p036", "p002", "p002"]})
    assert sample_visits(events, 1) == [Visit("p002", ("p000", "p036"), "")]
    assert sample_visits(events, 2) == [Visit("p036", ("p000",), "")]
    counted = []
    count = Cooccurrence.count

    def spy(seen):
        counted.extend(seen.item_ids[seen.items].tolist())
        return count(seen)

    monkeypatch.setattr(shoppers.Cooccurrence, "count", spy)
    fit(store, events)
    assert counted == [b"p000"]


def test_a_sample_is_drawn_by_its_seed():
    events = interactions({f"u{n}": ["a", f"i{n}", "last"] for n in range(50)})
    first, again, other = (sample_visits(events, 2, 10, seed) for seed in (0, 0, 1))
    assert len(first) == 10
    assert first == again != other


@pytest.fixture
def pairs():
    """Who chose p0xx also chose p0xx + 36, another brand of the same thing."""
    return {
        f"u{n}": [f"p{n % 36:03}", f"p{n % 36 + 36:03}", f"p{(n + 1) % 36:03}"] for n in range(72)
    }


def fit(store, events, **options):
    fields = CatalogueFields(text={"title": 2.0, "brand": 1.0})
    opened = []

    def open_client(scratch):
        opened.append(scratch)
        return endcap.connect(store, store=scratch)

    options = {"start": Tuning(), **options}
    found = tune_on_events(open_client, store, "products", events, fields, **options)
    return found.fitted, opened


def test_weights_of_all_columns_that_speak_are_fitted(store, pairs):
    fitted, _ = fit(store, interactions(pairs))
    assert set(fitted.weights) == set(Tuning().weights) - {"model"}
    assert sum(fitted.weights.values()) == pytest.approx(1)
    assert fitted.ndcg >= fitted.start_ndcg
    assert fitted.searches == 72


def test_the_last_event_changes_nothing(store, pairs):
    """Whatever the last events are, the fit is the same: they are never looked at."""
    other = {user: [*items[:2], "gone"] for user, items in pairs.items()}
    assert fit(store, interactions(pairs))[0] == fit(store, interactions(other))[0]


def test_the_answer_is_not_counted_while_fitting(store, pairs, monkeypatch):
    """Each answer is chosen together with its history by this very user alone; had that been
    counted, co-occurrence would find every answer.
    """
    seen = []
    explain = shoppers.Searcher.explain

    def spy(self, tuning, asked):
        found = explain(self, tuning, asked)
        seen.append(np.nanmax(found.columns["cooccurrence"], initial=0.0))
        return found

    monkeypatch.setattr(shoppers.Searcher, "explain", spy)
    once = {user: items for user, items in pairs.items() if int(user[1:]) < 36}
    fit(store, interactions(once))
    assert len(seen) == 36
    assert max(seen) == 0
    leaking = Cooccurrence.count(interactions(once).without_last(1))
    assert len(leaking.neighbours.items) > 0


def test_the_store_is_left_as_it_was(store, pairs):
    registry = Registry(store, "products")
    name = registry.save_cooccurrence(Cooccurrence.count(interactions(pairs)), {})
    registry.promote(name)
    _, (scratch,) = fit(store, interactions(pairs))
    assert not scratch.exists()
    assert registry.promoted() == {COOCCURRENCE: name}
    assert (store / "generations").is_dir()
    assert not (store / "generations").is_symlink()


def test_what_was_typed_is_searched_for(store, pairs, monkeypatch):
    asked = []
    explain = shoppers.Searcher.explain

    def spy(self, tuning, search):
        asked.append(search)
        return explain(self, tuning, search)

    monkeypatch.setattr(shoppers.Searcher, "explain", spy)
    one = {"u": ["p000", "p036", "p001"], "v": ["p001", "p037", "p002"]}
    fit(store, interactions(one, {("u", "p036"): "crimson sofa"}))
    assert {(search.text, search.history, search.hidden) for search in asked} == {
        ("crimson sofa", ("p000",), ("p000",)),
        ("blue couch", ("p001",), ("p001",)),
    }


def test_what_enough_shoppers_typed_themselves_is_asked_alone(store, pairs, monkeypatch):
    asked = []
    explain = shoppers.Searcher.explain

    def spy(self, tuning, search):
        asked.append(search.text)
        return explain(self, tuning, search)

    monkeypatch.setattr(shoppers.Searcher, "explain", spy)
    monkeypatch.setattr(shoppers, "TYPED", 3)
    typed = {(f"u{n}", pairs[f"u{n}"][1]): "crimson sofa" for n in range(3)}
    fit(store, interactions(pairs, typed))
    assert asked == ["crimson sofa"] * 3


def test_a_model_that_does_not_know_the_answers_is_weighed_too(store, pairs):
    """It says of everybody what comes next, so that nothing else needs a weight."""
    vectors = {}
    for n in range(36):
        vectors |= {f"p{n:03}": np.eye(36)[n], f"p{n + 36:03}": np.eye(36)[n] * 3}
    unaware = Unaware(toy_model(vectors), {})
    once = {user: items for user, items in pairs.items() if int(user[1:]) < 36}
    fitted, (scratch,) = fit(store, interactions(once), unaware=unaware)
    assert fitted.weights["model"] > 0
    assert fitted.ndcg > 0.9
    assert not scratch.exists()
    assert Registry(store, "products").promoted() == {}


def test_boosts_are_tuned_for_what_was_chosen_unless_judgments_did(store):
    """Whoever typed a brand chose that brand's product; without its field nothing is found."""
    histories = {f"u{n}": ["p000", f"p{n + 1:03}", "p070"] for n in range(60)}
    brands = ("Alder", "Birch", "Cedar")
    typed = {(f"u{n}", f"p{n + 1:03}"): brands[(n + 1) // 24] for n in range(60)}
    events = interactions(histories, typed)
    fields = CatalogueFields(text={"title": 2.0, "brand": 1.0})

    def open_client(scratch):
        return endcap.connect(store, store=scratch)

    tuned = tune_on_events(open_client, store, "products", events, fields)
    assert set(tuned.nonpersonal.weights) == {"lexical", "text", "popularity"}
    assert tuned.nonpersonal == replace(tuned.tuning, weights=tuned.nonpersonal.weights)
    assert set(tuned.tuning.boosts) == {"title", "brand"}
    assert tuned.tuning.fusion["lexical"] > 0.5  # no title says a brand: meaning says nothing
    judged = Tuning(boosts={"title": 7.0, "brand": 3.0}, floor=0.33)
    kept = tune_on_events(open_client, store, "products", events, fields, judged)
    assert (kept.tuning.boosts, kept.tuning.floor) == (judged.boosts, 0.33)
    assert kept.tuning.weights["lexical"] == judged.weights["lexical"]


def test_events_that_are_too_few_are_said_to_be(store):
    with pytest.raises(TooFewEventsError, match="no shopper has three products"):
        fit(store, interactions({"u": ["p001", "p002"]}))


def test_events_without_words_are_said_to_be(store):
    """No product of the catalogue was asked for, and nobody typed anything."""
    with pytest.raises(TooFewEventsError, match="no product of these events has words"):
        fit(store, interactions({"u": ["p001", "gone", "p002"]}))


def test_products_that_left_the_catalogue_are_no_answers(store, pairs):
    gone = {**pairs, "x": ["p001", "gone", "p002"]}
    assert fit(store, interactions(gone))[0].searches == 72
