"""Folds: which queries are held out together."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from endcap.evaluation.judgments import Judgments

FOLDS = 5


class Fold(NamedTuple):
    """What is chosen on the training queries is measured on the held-out ones."""

    training: Judgments
    held_out: Judgments


def fold_of(query: str, folds: int = FOLDS) -> int:
    """By a hash of the query, so that a query stays in its fold whatever else is judged."""
    return int.from_bytes(blake2b(query.encode(), digest_size=8).digest()) % folds


def split_folds(judgments: Judgments, folds: int = FOLDS) -> Iterator[Fold]:
    """Every query is held out once; a fold that would be empty on either side is left out."""
    for number in range(folds):
        held_out = [query for query in judgments.queries if fold_of(query, folds) == number]
        training = [query for query in judgments.queries if fold_of(query, folds) != number]
        if held_out and training:
            yield Fold(judgments.among(training), judgments.among(held_out))
