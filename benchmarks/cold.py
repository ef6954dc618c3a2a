"""Cold products and cold shoppers: a share of both is hidden from training, and then asked for.

Slices: `cold` (the answer is a product that training did not know), `warm` (the others), `shopper`
(training did not know the shopper, who has clicked a few products). Cold products are asked for
among all products and among the cold ones alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from columns import Doubles
from numpy.typing import NDArray
from ranks import averages
from user_models import Questions, Ranker, Trainer

from endcap.evaluation.comparison import Row
from endcap_reranker import Interactions

CUTOFF = 20
CLICKS = 3  # of a shopper whom training did not know
Z = 1.96  # of a 95 % interval

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Hidden:
    """What training does not see: users (u,), and products (n,) by row of the generation."""

    learnt: Interactions
    users: Mask
    products: Mask

    @classmethod
    def draw(cls, trainer: Trainer, share: float) -> "Hidden":
        """A share of the items and a share of the users."""
        random, events = np.random.default_rng(0), trainer.interactions
        items = random.random(len(events.item_ids)) < share
        users = random.random(events.n_users) < share
        learnt = events.only(~items[events.items] & ~users[events.users])
        ids = [id.decode() for id in events.item_ids[items].tolist()]
        products = np.zeros(len(trainer.generation), bool)
        rows = trainer.generation.rows(ids)
        products[rows[rows >= 0]] = True
        return cls(learnt, users, products)


def measure(trainer: Trainer, asked: Questions, share: float) -> Iterator[Row]:
    """Rows by slice, with and without calibration; the model is the default one."""
    hidden = Hidden.draw(trainer, share)
    blind = replace(trainer, interactions=hidden.learnt)
    model, _ = blind.train(trainer.configure())
    slices = _slices(asked, hidden)
    every = np.ones(len(hidden.products), bool)
    for calibrated in (False, True):
        ranker = Ranker.over(model, trainer.generation, calibrated=calibrated)
        for name, questions in slices.items():
            pools = {"full": every, "cold": hidden.products} if name == "cold" else {"full": every}
            for pool, products in pools.items():
                ranks = ranker.ranks(questions, products)
                about = {"slice": name, "calibrated": calibrated, "pool": pool}
                yield {"system": "model", **about, **_figures(ranks, int(products.sum()))}


def _slices(asked: Questions, hidden: Hidden) -> Mapping[str, Questions]:
    """A shopper whom training did not know has some last clicks only."""
    cold = hidden.products[asked.answers] & (asked.answers >= 0)
    unknown = hidden.users[asked.users]
    strangers = asked.only(~cold & unknown)
    clicks = [history[-CLICKS:] for history in strangers.histories]
    return {
        "cold": asked.only(cold & ~unknown),
        "warm": asked.only(~cold & ~unknown),
        "shopper": replace(strangers, histories=clicks),
    }


def _figures(ranks: Doubles, products: int) -> Row:
    """random: the recall of an order that knows nothing. low, high: a 95 % interval of recall."""
    hits, n = int((ranks <= CUTOFF).sum()), len(ranks)
    low, high = interval(hits, n)
    return {
        f"recall@{CUTOFF}": round(hits / n, 5) if n else None,
        "low": low,
        "high": high,
        "random": round(min(CUTOFF / products, 1.0), 5),
        "ndcg@10": averages(ranks)["ndcg@10"] if n else None,
        "searches": n,
    }


def interval(hits: int, n: int) -> tuple[float, float]:
    """Of a share, 95 % (Wilson, JASA 1927); nothing is known of none: 0 to 1."""
    if not n:
        return 0.0, 1.0
    share, square = hits / n, Z**2
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = Z / (1 + square / n) * float(np.sqrt(share * (1 - share) / n + square / (4 * n**2)))
    return round(middle - half, 5), round(middle + half, 5)
