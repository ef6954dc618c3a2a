"""The demo's shoppers: people whose tastes differ, and what they did in the shop."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import pow
from typing import Any, Literal, NamedTuple

SEED = 21
BACKGROUND = 320  # shoppers besides the named ones, so that co-occurrence has something to count
DAYS = 60
_VISITOR_EVENTS = (8, 28)
_NOW = datetime(2025, 11, 1, tzinfo=UTC)
_ACTIONS = ("view", "add_to_cart", "purchase")
_ACTION_CHANCES = (0.78, 0.14, 0.08)
_USUAL_PRICE = 25.0
_PRICE_POWERS = {"low": -0.7, "any": 0.0, "high": 0.4}
_SALES_POWER = 0.25
_WANDERING = 0.12  # of the events are for any product: a present, a whim, a wrong click

Product = Mapping[str, Any]


class Taste(NamedTuple):
    """How much more often a product is looked at: factors, 1 where nothing is said."""

    brands: Mapping[str, float]
    categories: Mapping[str, float]  # top level or leaf; the others are never looked for
    price: Literal["low", "any", "high"] = "any"


class Shopper(NamedTuple):
    """Someone the demo shows by name; `about` is the line under the name."""

    id: str
    about: str
    taste: Taste
    events: int


SHOPPERS = (
    Shopper(
        "ines",
        "walks long trails with a light pack and swears by Featherlode",
        Taste(
            {"Featherlode": 14.0},
            {"Packs": 3, "Camping": 3, "Clothing": 2, "Footwear": 2, "Bottles & Flasks": 1},
        ),
        48,
    ),
    Shopper(
        "tomas",
        "equips two small children and counts every penny",
        Taste(
            {"Bramblyn": 5.0, "Pipkin Row": 4.0},
            {"Kids": 6, "Clothing": 1, "Packs": 1, "Bottles & Flasks": 1},
            "low",
        ),
        44,
    ),
    Shopper(
        "mira",
        "cooks for friends and will not have an ugly thing in the kitchen",
        Taste(
            {"Osterlune": 10.0, "Copperfen": 4.0},
            {"Kitchen": 4, "Tableware": 3, "Table Lamps": 2, "Vacuum Flasks": 2},
            "high",
        ),
        52,
    ),
    Shopper(
        "jonas",
        "climbs in winter and trusts Skarnholt with his life",
        Taste(
            {"Skarnholt": 14.0},
            {"Clothing": 3, "Camping": 3, "Footwear": 2, "Packs": 2, "Headlamps": 2},
            "high",
        ),
        40,
    ),
    Shopper(
        "aiko",
        "rides to the office in every weather",
        Taste(
            {"Pedalune": 9.0, "Lumenfold": 3.0},
            {"Cycling": 5, "Daypacks": 2, "Rain Jackets": 2, "Vacuum Flasks": 2},
        ),
        38,
    ),
    Shopper(
        "priya",
        "spends the evenings under a blanket with a book and a good lamp",
        Taste(
            {"Vellamora": 8.0, "Lumenfold": 4.0},
            {"Home": 5, "Table Lamps": 4, "Lanterns": 1, "Mugs": 2},
        ),
        36,
    ),
)
SHOWN = ("ines", "tomas")
QUERIES = ("rain jacket", "backpack", "gift for a toddler")
_OTHER_TASTES = (
    Taste(
        {"Tundrel": 6.0},
        {"Clothing": 3, "Footwear": 3, "Packs": 2, "Camping": 1, "Water Bottles": 1},
    ),
    Taste({"Pannerby": 6.0}, {"Kitchen": 3, "Tableware": 3, "Bottles & Flasks": 1}, "low"),
    Taste({"Hobb & Wether": 6.0}, {"Home": 2, "Tableware": 2, "Kitchen": 1, "Packs": 1}, "high"),
    Taste(
        {},
        {
            "Clothing": 1,
            "Footwear": 1,
            "Packs": 1,
            "Camping": 1,
            "Lighting": 1,
            "Home": 1,
            "Kitchen": 1,
        },
    ),
)


def make_events(catalogue: Sequence[Product], seed: int = SEED) -> list[dict[str, Any]]:
    """Events as rows of an event file, oldest first: user, item, action, time and query.

    `query` is the words that led to the product, absent where the shopper came by another way.
    """
    chance = random.Random(seed)
    tastes = [shopper.taste for shopper in SHOPPERS] + list(_OTHER_TASTES)
    attractions = [[attraction(taste, product) for product in catalogue] for taste in tastes]
    visits = [
        (shopper.id, own, shopper.events)
        for shopper, own in zip(SHOPPERS, attractions, strict=False)
    ]
    for number in range(1, BACKGROUND + 1):
        visits.append(
            (f"visitor-{number:03}", chance.choice(attractions), chance.randint(*_VISITOR_EVENTS))
        )
    events = [
        event
        for user, weights, count in visits
        for event in _events_of(user, _choose(catalogue, weights, count, chance), chance)
    ]
    return sorted(events, key=lambda event: (event["time"], event["user"]))


def _choose(
    catalogue: Sequence[Product], weights: Sequence[float], count: int, chance: random.Random
) -> list[Product]:
    items = chance.choices(catalogue, weights, k=count)
    return [chance.choice(catalogue) if chance.random() < _WANDERING else item for item in items]


def attraction(taste: Taste, product: Product) -> float:
    """How often a shopper looks at a product, up to a factor; 0: never looks for it."""
    category = sum(taste.categories.get(level, 0.0) for level in product["categories"])
    brand = taste.brands.get(product["brand"], 1.0)
    price, sold = float(product["price"]) / _USUAL_PRICE, float(product["sold"])
    return category * brand * pow(price, _PRICE_POWERS[taste.price]) * pow(1 + sold, _SALES_POWER)


def _events_of(user: str, items: Sequence[Product], chance: random.Random) -> list[dict[str, Any]]:
    actions = chance.choices(_ACTIONS, _ACTION_CHANCES, k=len(items))
    return [_event(user, item, action, chance) for item, action in zip(items, actions, strict=True)]


def _event(user: str, item: Product, action: str, chance: random.Random) -> dict[str, Any]:
    time = _NOW - timedelta(seconds=chance.randrange(DAYS * 86_400))
    event = {"user": user, "item": item["id"], "action": action, "time": time.isoformat()}
    searched = chance.random() < 0.5
    return event | ({"query": item["categories"][-1].lower()} if searched else {})
