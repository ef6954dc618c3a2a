"""What is typed to find a product."""

import pytest

from endcap.evaluation.words import category_paths, words_of_product
from endcap_indexer.catalogue import CatalogueFields

FIELDS = CatalogueFields(category="category")


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ("Home > Lamps", ["home lamps"]),
        (["Home", "Lamps"], ["home lamps"]),
        ([["Home", "Lamps"], ["Garden", "Lights"]], ["home lamps", "garden lights"]),
        (["Hair Care", "Hair & Nails"], ["care hair nails"]),  # where a word stands last
        ("Möbel", ["möbel"]),
        (None, []),
        ([], []),
        ("&", []),
    ],
)
def test_the_words_of_a_path(value, paths):
    assert category_paths(value) == paths


def test_the_first_path_is_typed():
    product = {"title": "A lamp", "category": [["Home", "Lamps"], ["Garden"]]}
    assert words_of_product(product, FIELDS) == "home lamps"


def test_without_a_category_the_first_words_of_the_title_are():
    assert words_of_product({"title": "A lamp of red wool, 3 pieces"}, FIELDS) == "A lamp of red"
    assert words_of_product({"title": "A lamp"}, CatalogueFields()) == "A lamp"
