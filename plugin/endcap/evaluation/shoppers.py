"""Searches whose good answer is known, made from shoppers' events, and the tuning that they say.

Each shopper's last-but-one product is taken as a search that ended well: what was typed before
it, else the words of its product's category, else the first words of its title; the history is
what came before. Where enough of them were typed, those alone are asked. Two leaks are kept out.
The last product is never looked at: it is what a benchmark asks for. And neither the co-occurrence
nor the model that are used while fitting has seen the last two: had they seen the answer together
with its own history, they would recognise it, and their weights would be far too high for the
events that are still to come.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from endcap.client import SearchClient
from endcap.evaluation.judgments import Judgments
from endcap.evaluation.systems import WINDOW, Asked, Searcher
from endcap.evaluation.tune import Tuned, Tuner, beside_relevance
from endcap.evaluation.words import words_of_product
from endcap.exceptions import TooFewEventsError
from endcap.registry import Registry
from endcap.tuning import Tuning
from endcap_indexer.catalogue import CatalogueFields
from endcap_reranker import Cooccurrence, Fitted, Interactions, fit
from endcap_reranker.models import UserItemModel

USERS = 1500
TYPED = 200  # searches that shoppers typed themselves are enough to fit on
HELD_OUT = 2  # the last product and the one before
PAGE = 500

PERSONAL = ("history", "cooccurrence", "model")  # nothing but a shopper's past fills them
QUERIES = 150  # on which boosts and floor are tuned: each is searched some ten times

OpenClient = Callable[[Path], SearchClient]  # a store → a client on it, of the same engine


class Unaware(NamedTuple):
    """A model that has not seen the last two products of anybody. facts: what its artefact says."""

    model: UserItemModel
    facts: Mapping[str, Any]


class Visit(NamedTuple):
    """A shopper's event that is asked for: the product, what came before it (oldest first), and
    what was typed ("" where nobody knows).
    """

    item: str
    history: tuple[str, ...]
    typed: str


class TunedOnEvents(NamedTuple):
    """tuning: of a shop's searches. nonpersonal: its best weights where no shopper is known, with
    none for history and co-occurrence. baseline: of the engine alone. fitted: the blend before it
    was scaled.
    """

    tuning: Tuning
    nonpersonal: Tuning
    baseline: Tuning
    fitted: Fitted


def tune_on_events(
    open_client: OpenClient,
    store: Path,
    index: str,
    interactions: Interactions,
    fields: CatalogueFields,
    start: Tuning | None = None,
    *,
    unaware: Unaware | None = None,
    window: int = WINDOW,
    users: int = USERS,
    seed: int = 0,
) -> TunedOnEvents:
    """A tuning from the last-but-one events of a sample of users, through the public client.

    First boosts, floor and fusion, for what shoppers chose after each text, unless `start` says
    them (judgments know better); then the weights of every column, that of a model where one that
    has not seen the answers is given. Raises TooFewEventsError where no event can be asked for,
    FittingError where none of them was found.
    """
    interactions = interactions.distinct()
    visits = sample_visits(interactions, HELD_OUT, users, seed)
    if not visits:
        raise TooFewEventsError("no shopper has three products, so there is no search to tune on")
    counted = Cooccurrence.count(interactions.without_last(HELD_OUT))
    with scratch_store(store, index, counted, unaware) as scratch, open_client(scratch) as client:
        asked = _ask(client, index, fields, visits)
        tuned = Tuned(start, start) if start else _tune_legs(client, index, asked)
        # The fit starts where every column says something.
        everything = replace(tuned.tuning, weights=Tuning().weights)
        searcher = Searcher(client, index, window)
        searches = [
            found.graded({visit.item: 1})
            for visit, text in asked
            if (
                found := searcher.explain(everything, Asked(text, visit.history, visit.history))
            ).ids
        ]
    share = start.weights["lexical"] if start else None
    spoken = set.intersection(*(set(search.columns) for search in searches)) if searches else ()
    columns = {name: weight for name, weight in everything.weights.items() if name in spoken}
    known = {name: weight for name, weight in columns.items() if name not in PERSONAL}
    fitted, alone = fit(searches, columns or everything.weights), fit(searches, known or columns)
    silent = {name: weight for name, weight in everything.weights.items() if name not in columns}
    return TunedOnEvents(
        replace(tuned.tuning, weights={**silent, **beside_relevance(fitted, share)}),
        replace(tuned.tuning, weights=beside_relevance(alone, share)),
        tuned.baseline,
        fitted,
    )


def _ask(
    client: SearchClient, index: str, fields: CatalogueFields, visits: Sequence[Visit]
) -> list[tuple[Visit, str]]:
    """The visits, each with what is searched for."""
    typed = [(visit, visit.typed) for visit in visits if visit.typed]
    if len(typed) >= TYPED:
        return typed
    texts = _texts(client, index, fields, visits)
    known = [(visit, visit.typed or texts.get(visit.item, "")) for visit in visits]
    asked = [(visit, text) for visit, text in known if text]
    if not asked:
        raise TooFewEventsError("no product of these events has words to search for")
    return asked


def _tune_legs(client: SearchClient, index: str, asked: Sequence[tuple[Visit, str]]) -> Tuned:
    """What was chosen after a text is a good answer to it; the texts that came most often."""
    often = [text for text, _ in Counter(text for _, text in asked).most_common(QUERIES)]
    chosen: dict[str, dict[str, int]] = {text: {} for text in often}
    for visit, text in asked:
        if text in chosen:
            chosen[text][visit.item] = 1
    judgments = Judgments(chosen, dict.fromkeys(chosen, ""))
    return Tuner(client, index, judgments).tune_legs(judgments)


def sample_visits(
    interactions: Interactions, back: int, users: int | None = None, seed: int = 0
) -> list[Visit]:
    """The `back`-th product from the end of each user who has one and something before it.

    users: how many of them are drawn; None: all. A product counts at its last event, so that none
    stands in its own history.
    """
    interactions = interactions.distinct()
    places = interactions.last(back)
    starts = interactions.histories().indptr[:-1]
    known = np.flatnonzero(places > starts)
    if users is not None and len(known) > users:
        known = np.sort(np.random.default_rng(seed).choice(known, users, replace=False))
    return [_visit(interactions, int(starts[user]), int(places[user])) for user in known]


def _visit(interactions: Interactions, start: int, place: int) -> Visit:
    ids = interactions.item_ids[interactions.items[start : place + 1]]
    *history, item = (id.decode() for id in ids.tolist())
    query = -1 if interactions.queries is None else int(interactions.queries[place])
    return Visit(item, tuple(history), interactions.query_texts[query] if query >= 0 else "")


def _texts(
    client: SearchClient, index: str, fields: CatalogueFields, visits: Sequence[Visit]
) -> dict[str, str]:
    """What a shopper could have typed for each product that the catalogue has."""
    wanted = sorted({visit.item for visit in visits})
    shown = [name for name in (fields.title, fields.category) if name]
    texts = {}
    for start in range(0, len(wanted), PAGE):
        body = {"ids": wanted[start : start + PAGE]}
        answer = client.mget(body=body, index=index, _source_includes=shown)
        for found in answer["docs"]:
            if found["found"]:
                texts[found["_id"]] = words_of_product(found["_source"], fields)
    return texts


@contextmanager
def scratch_store(
    store: Path, index: str, counted: Cooccurrence, unaware: Unaware | None = None
) -> Iterator[Path]:
    """The same generations and encoders with this co-occurrence and this model alone, gone
    afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="endcap-fitting-") as folder:
        scratch = Path(folder)
        for part in ("generations", "encoders"):
            (scratch / part).symlink_to((store / part).resolve())
        registry = Registry(scratch, index)
        registry.promote(registry.save_cooccurrence(counted, {"made_for": "fitting"}))
        if unaware is not None:
            name = registry.save_model(unaware.model, unaware.facts)
            registry.promote(name, force=True)
        yield scratch
