"""The demo's catalogue: a made-up shop for outdoors, kitchen and home, always the same."""

import random
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from importlib.resources import files
from typing import Any, NamedTuple

SEED = 20
PRODUCTS_PER_TYPE = 48
_NEWEST = date(2025, 10, 31)
_IN_STOCK = 0.95


class Brand(NamedTuple):
    """An invented brand; `tier` scales prices, `popularity` scales sales."""

    name: str
    character: str
    tier: float
    popularity: float
    categories: Sequence[str]  # top levels or leaves
    series: Sequence[str]
    lines: Sequence[str]


class ProductType(NamedTuple):
    """One leaf of the category tree; `price` is the range of a brand of tier 1."""

    path: Sequence[str]
    price: tuple[float, float]
    nouns: Sequence[str]
    features: Sequence[str]
    lines: Sequence[str]
    attributes: Mapping[str, Sequence[Any]]  # words to choose from, or a range of whole numbers


class Shop(NamedTuple):
    """The grammar of shop.toml."""

    colours: Sequence[str]
    brands: Sequence[Brand]
    types: Sequence[ProductType]


def read_shop() -> Shop:
    """The grammar that lies beside this module."""
    table = tomllib.loads(files(__package__).joinpath("shop.toml").read_text(encoding="utf-8"))
    brands = [Brand(**brand) for brand in table["brands"]]
    return Shop(table["colours"], brands, [ProductType(**kind) for kind in table["types"]])


def make_catalogue(seed: int = SEED) -> list[dict[str, Any]]:
    """Products as rows of a catalogue file, in random order; ids count from P00001."""
    shop, chance = read_shop(), random.Random(seed)
    products = [product for kind in shop.types for product in _products_of(shop, kind, chance)]
    chance.shuffle(products)
    return [{"id": f"P{number:05}"} | product for number, product in enumerate(products, start=1)]


def _products_of(shop: Shop, kind: ProductType, chance: random.Random) -> list[dict[str, Any]]:
    brands = [brand for brand in shop.brands if not set(kind.path).isdisjoint(brand.categories)]
    found: dict[str, dict[str, Any]] = {}
    while len(found) < PRODUCTS_PER_TYPE:
        product = _product(shop, kind, chance.choice(brands), chance)
        found.setdefault(product["title"], product)
    return list(found.values())


def _product(shop: Shop, kind: ProductType, brand: Brand, chance: random.Random) -> dict[str, Any]:
    noun, other = chance.sample(kind.nouns, 2)
    colour, feature = chance.choice(shop.colours), chance.choice(kind.features)
    attributes = {name: _attribute(values, chance) for name, values in kind.attributes.items()}
    price = _price(kind, brand, chance)
    lines = [*chance.sample(kind.lines, 2), chance.choice(brand.lines)]
    return {
        "title": f"{brand.name} {chance.choice(brand.series)} {feature} {noun}, {colour}",
        "brand": brand.name,
        "categories": list(kind.path),
        "description": " ".join(_sentence(line, other, attributes) for line in lines),
        "price": price,
        "rating": round(min(5.0, max(1.0, chance.gauss(4.2, 0.4))), 1),
        "sold": int(chance.lognormvariate(3.4, 0.9) * brand.popularity * kind.price[0] / price),
        "in_stock": chance.random() < _IN_STOCK,
        "released": (_NEWEST - timedelta(days=chance.randrange(1500))).isoformat(),
        "attributes": attributes | {"colour": colour.lower()},
    }


def _attribute(values: Sequence[Any], chance: random.Random) -> Any:
    if isinstance(values[0], str):
        return chance.choice(values)
    return chance.randint(*values)


def _price(kind: ProductType, brand: Brand, chance: random.Random) -> float:
    """Between the type's ends on a logarithmic scale, ending as shop prices do."""
    low, high = kind.price
    price = brand.tier * low * (high / low) ** chance.random()
    return round(price / 5) * 5 - 0.05 if price >= 50 else int(price) + 0.9


def _sentence(line: str, noun: str, attributes: Mapping[str, Any]) -> str:
    article = "An" if noun[0] in "AEIOU" else "A"
    sentence = line.replace("A {noun}", f"{article} {{noun}}")
    sentence = sentence.format(noun=noun.lower(), **attributes)
    return sentence[0].upper() + sentence[1:]
