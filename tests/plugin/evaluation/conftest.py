"""The toy shop, asked what its few judged queries are answered with."""

import pytest

from endcap.evaluation import Judgments
from endcap.evaluation.systems import Searcher


@pytest.fixture(scope="session")
def searcher(reader):
    return Searcher(reader, "products")


@pytest.fixture
def judge():
    """Judgments of `{query: {product: grade}}`, of one split unless said otherwise."""

    def made(grades: dict, splits: dict | None = None) -> Judgments:
        return Judgments(grades, splits or dict.fromkeys(grades, ""))

    return made
