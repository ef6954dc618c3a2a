from collections import Counter
from datetime import datetime
from itertools import combinations

import pytest

from endcap.demo.catalogue import make_catalogue
from endcap.demo.shoppers import QUERIES, SHOPPERS, SHOWN, Taste, attraction, make_events

CATALOGUE = make_catalogue()
PRODUCTS = {product["id"]: product for product in CATALOGUE}
EVENTS = make_events(CATALOGUE)


def history(user):
    return [PRODUCTS[event["item"]] for event in EVENTS if event["user"] == user]


def shares(user, field):
    counts = Counter(product[field] for product in history(user))
    return {value: count / counts.total() for value, count in counts.items()}


def test_the_same_seed_makes_the_same_events_and_another_seed_others():
    assert make_events(CATALOGUE) == EVENTS
    assert make_events(CATALOGUE, seed=1) != EVENTS


def test_events_are_rows_of_known_products_oldest_first():
    actions = Counter(event["action"] for event in EVENTS)
    assert set(actions) == {"view", "add_to_cart", "purchase"}
    assert actions["view"] > actions["add_to_cart"] > actions["purchase"]
    assert {event["item"] for event in EVENTS} <= set(PRODUCTS)
    times = [datetime.fromisoformat(event["time"]) for event in EVENTS]
    assert times == sorted(times)


def test_half_of_the_events_come_from_a_search():
    searched = [event for event in EVENTS if "query" in event]
    assert len(searched) / len(EVENTS) == pytest.approx(0.5, abs=0.05)
    for event in searched:
        assert event["query"] == PRODUCTS[event["item"]]["categories"][-1].lower()


def test_shoppers_have_long_histories_and_hundreds_stand_behind_them():
    counts = Counter(event["user"] for event in EVENTS)
    assert len(SHOPPERS) >= 6
    for shopper in SHOPPERS:
        assert counts.pop(shopper.id) == shopper.events
        assert 20 <= shopper.events <= 60
    assert len(counts) >= 200


@pytest.mark.parametrize("shopper", SHOPPERS, ids=lambda shopper: shopper.id)
def test_a_history_concentrates_on_the_shoppers_brands(shopper):
    catalogue = Counter(product["brand"] for product in CATALOGUE)
    loved = sum(shares(shopper.id, "brand").get(brand, 0) for brand in shopper.taste.brands)
    usual = sum(catalogue[brand] for brand in shopper.taste.brands) / len(CATALOGUE)
    assert loved > 2 * usual


@pytest.mark.parametrize("shopper", SHOPPERS, ids=lambda shopper: shopper.id)
def test_a_history_concentrates_on_the_shoppers_categories(shopper):
    wanted = [
        p for p in history(shopper.id) if set(p["categories"]) & set(shopper.taste.categories)
    ]
    assert len(wanted) > 0.75 * shopper.events


def test_tastes_differ():
    for one, two in combinations(SHOPPERS, 2):
        ours, theirs = shares(one.id, "brand"), shares(two.id, "brand")
        overlap = sum(min(share, theirs.get(brand, 0)) for brand, share in ours.items())
        assert overlap < 0.5, (one.id, two.id)


def test_the_parent_pays_less_than_the_climber():
    mean = {u: sum(p["price"] for p in history(u)) / len(history(u)) for u in ("tomas", "jonas")}
    assert mean["tomas"] < mean["jonas"] / 3


def test_attraction_is_the_product_of_its_factors():
    product = {"categories": ["Home", "Cushions"], "brand": "B", "price": 100.0, "sold": 15}
    taste = Taste({"B": 3.0}, {"Home": 2.0, "Cushions": 1.0}, "high")
    assert attraction(taste, product) == pytest.approx((2 + 1) * 3 * 4**0.4 * 16**0.25)
    assert attraction(Taste({"B": 3.0}, {"Kids": 2.0}), product) == 0


def test_what_the_demo_shows():
    assert len(QUERIES) == 3
    assert len(SHOWN) == 2
    assert set(SHOWN) <= {shopper.id for shopper in SHOPPERS}
