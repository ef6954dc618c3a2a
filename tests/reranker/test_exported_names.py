import inspect

import endcap_reranker
from endcap_reranker import exceptions


def test_what_is_public():
    assert endcap_reranker.__all__ == [
        "ACTION_WEIGHTS",
        "ArtefactError",
        "BOTS_PER_HOUR",
        "BadEvent",
        "Blend",
        "Candidates",
        "ColumnError",
        "Cooccurrence",
        "CooccurrenceColumn",
        "Fitted",
        "FittingError",
        "Histories",
        "HistoryColumn",
        "Identify",
        "Interactions",
        "InteractionsError",
        "LexicalColumn",
        "ModelColumn",
        "ModelError",
        "OURS",
        "PopularityColumn",
        "Reranked",
        "Reranker",
        "RerankerError",
        "Scorer",
        "Search",
        "ShapeError",
        "Shopper",
        "TextColumn",
        "by_best",
        "by_rank",
        "fit",
        "order_by",
        "score_column",
    ]


def test_every_public_name_exists():
    assert all(hasattr(endcap_reranker, name) for name in endcap_reranker.__all__)


def test_the_tree_of_errors_is_the_one_that_is_drawn():
    errors = dict(inspect.getmembers(exceptions, inspect.isclass))
    assert all(issubclass(error, exceptions.RerankerError) for error in errors.values())
    assert all(name in exceptions.__doc__ for name in errors)
