"""Searches whose good answer is known, made from shoppers' events, and the weights fitted on them.

Each shopper's last-but-one event is taken as a search that ended well: what was typed before it,
else the words of its product's category, else the first words of its title; the history is what
came before. Two leaks are kept out. The last event is never looked at: it is what a benchmark asks
for. And the co-occurrence that is used while fitting has not counted the last two events: had it
counted the answer together with its own history, it would recognise it, and its weight would be
far too high for the events that are still to come.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from endcap.client import SearchClient
from endcap.evaluation.systems import WINDOW, Asked, Searcher
from endcap.evaluation.words import words_of_product
from endcap.exceptions import EvaluationError
from endcap.registry import COOCCURRENCE, Registry
from endcap.tuning import Tuning
from endcap_indexer.catalogue import CatalogueFields
from endcap_reranker import Cooccurrence, Fitted, Interactions, fit

USERS = 1500
HELD_OUT = 2  # the last event and the one before
PAGE = 500

OpenClient = Callable[[Path], SearchClient]  # a store → a client on it, of the same engine


class Visit(NamedTuple):
    """A shopper's event that is asked for: the product, what came before it (oldest first), and
    what was typed ("" where nobody knows).
    """

    item: str
    history: tuple[str, ...]
    typed: str


def fit_on_events(
    open_client: OpenClient,
    store: Path,
    index: str,
    interactions: Interactions,
    fields: CatalogueFields,
    tuning: Tuning,
    *,
    window: int = WINDOW,
    users: int = USERS,
    seed: int = 0,
) -> Fitted:
    """Weights of every column of the tuning, fitted on last-but-one events of a sample of users.

    Candidates and columns come through the public client with its real recall. Raises
    EvaluationError where no event can be asked for, FittingError where none of them was found.
    """
    visits = sample_visits(interactions, HELD_OUT, users, seed)
    if not visits:
        raise EvaluationError("no shopper has three events, so there is no search to fit on")
    everything = replace(tuning, weights=Tuning().weights)  # every column says something
    counted = Cooccurrence.count(interactions.without_last(HELD_OUT))
    with scratch_store(store, index, counted) as scratch:
        client = open_client(scratch)
        searcher = Searcher(client, index, window)
        texts = _texts(client, index, fields, visits)
        asked = [
            (visit, Asked(visit.typed or texts[visit.item], visit.history, visit.history))
            for visit in visits
            if visit.typed or visit.item in texts
        ]
        explained = [(visit, searcher.explain(everything, search)) for visit, search in asked]
        client.close()
    searches = [found.graded({visit.item: 1}) for visit, found in explained if found.ids]
    return fit(searches, everything.weights)


def sample_visits(
    interactions: Interactions, back: int, users: int | None = None, seed: int = 0
) -> list[Visit]:
    """The `back`-th event from the end of each user who has one and something before it.

    users: how many of them are drawn; None: all. A product that stands in its own history already
    is no search: shops hide what was bought.
    """
    places = interactions.last(back)
    starts = interactions.histories().indptr[:-1]
    known = np.flatnonzero(places > starts)
    if users is not None and len(known) > users:
        known = np.sort(np.random.default_rng(seed).choice(known, users, replace=False))
    visits = [_visit(interactions, int(starts[user]), int(places[user])) for user in known]
    return [visit for visit in visits if visit.item not in visit.history]


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
def scratch_store(store: Path, index: str, counted: Cooccurrence) -> Iterator[Path]:
    """The same generations and encoders with this co-occurrence alone, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="endcap-fitting-") as folder:
        scratch = Path(folder)
        for part in ("generations", "encoders"):
            (scratch / part).symlink_to((store / part).resolve())
        registry = Registry(scratch, index)
        name = registry.save_cooccurrence(counted, {"made_for": "fitting"})
        registry.promote(COOCCURRENCE, name)
        yield scratch
