import os
import subprocess
import sys
from collections import Counter, defaultdict

import pytest

from endcap.demo.catalogue import PRODUCTS_PER_TYPE, make_catalogue, read_shop

CATALOGUE = make_catalogue()


def test_a_catalogue_of_the_promised_size_with_unique_ids_and_titles():
    assert 1500 <= len(CATALOGUE) <= 2500
    assert len({product["id"] for product in CATALOGUE}) == len(CATALOGUE)
    assert len({product["title"] for product in CATALOGUE}) == len(CATALOGUE)


def test_the_same_seed_makes_the_same_catalogue_and_another_seed_another():
    assert make_catalogue() == CATALOGUE
    assert make_catalogue(seed=1) != CATALOGUE


def test_the_catalogue_does_not_depend_on_the_hash_seed():
    code = "from endcap.demo.catalogue import make_catalogue; print(ascii(make_catalogue()))"
    paths = os.pathsep.join(path for path in sys.path if path)
    made = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "3", "PYTHONPATH": paths},
        capture_output=True,
        check=True,
    )
    assert made.stdout.decode().strip() == ascii(CATALOGUE)


def test_every_type_of_product_is_there():
    paths = Counter(tuple(product["categories"]) for product in CATALOGUE)
    assert paths == {tuple(kind.path): PRODUCTS_PER_TYPE for kind in read_shop().types}
    assert 8 <= len({path[0] for path in paths}) <= 12


def test_brands_sell_what_they_say_and_every_type_has_a_choice():
    sold_by = {brand.name: set(brand.categories) for brand in read_shop().brands}
    brands = defaultdict(set)
    for product in CATALOGUE:
        assert sold_by[product["brand"]] & set(product["categories"])
        brands[tuple(product["categories"])].add(product["brand"])
    assert set().union(*brands.values()) == set(sold_by)
    assert min(map(len, brands.values())) >= 2


def test_every_line_of_the_grammar_can_be_filled_in():
    for product in CATALOGUE:
        assert not set("{}") & set(product["title"] + product["description"])
        assert product["description"].endswith(".")


def test_descriptions_use_another_word_than_titles():
    nouns_of = {tuple(kind.path): kind.nouns for kind in read_shop().types}
    other = 0
    for product in CATALOGUE:
        nouns, said = nouns_of[tuple(product["categories"])], product["description"].lower()
        titled = [noun for noun in nouns if f" {noun}," in product["title"]]
        assert f"a {max(titled, key=len).lower()} " not in said
        other += any(noun.lower() in said for noun in nouns)
    assert other > len(CATALOGUE) / 4


@pytest.mark.parametrize(("cheap", "dear"), [("Bramblyn", "Skarnholt"), ("Pannerby", "Osterlune")])
def test_brands_have_their_price_class(cheap, dear):
    prices = defaultdict(list)
    for product in CATALOGUE:
        prices[product["brand"], product["categories"][-1]].append(product["price"])
    shared = [leaf for brand, leaf in prices if brand == cheap and (dear, leaf) in prices]
    assert shared
    for leaf in shared:
        mean = {
            brand: sum(prices[brand, leaf]) / len(prices[brand, leaf]) for brand in (cheap, dear)
        }
        assert mean[cheap] < mean[dear]
