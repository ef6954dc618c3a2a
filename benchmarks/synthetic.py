"""Events and queries where a data folder has none: made up, always the same."""

from collections.abc import Sequence
from itertools import islice

import numpy as np
from shop import Shop

from endcap.evaluation import Judgments
from endcap_indexer.catalogue import BadRows, Files, read_products
from endcap_reranker import Interactions

USERS = 4_000
EVENTS_OF_USER = 50
SPREAD = 200  # a user's products lie this near to each other, so that some are chosen together
QUERIES = 300
TITLE_WORDS = 3


def make_interactions(ids: Sequence[str], seed: int = 0) -> Interactions:
    """200,000 events: each user's products lie around one that is the user's own."""
    random = np.random.default_rng(seed)
    item_ids = np.unique([id.encode() for id in ids])
    own = random.integers(0, len(item_ids), USERS)
    near = np.rint(random.normal(0, SPREAD, (USERS, EVENTS_OF_USER)))
    items = (own[:, np.newaxis] + near.astype(np.int64)) % len(item_ids)
    users = np.repeat(np.arange(USERS, dtype=np.int32), EVENTS_OF_USER)
    weights = np.ones(len(users), np.float32)
    return Interactions(users, items.ravel().astype(np.int32), weights, item_ids, USERS)


def make_queries(shop: Shop) -> tuple[str, ...]:
    """The judged queries, else the first words of titles; each once."""
    judgments = shop.folder.find("judgments")
    if judgments is not None:
        return tuple(Judgments.read(judgments).queries[:QUERIES])
    products = read_products(
        Files(shop.folder.require("products")), shop.fields, on_bad_row=BadRows()
    )
    titles = (str(product.document[shop.fields.title]) for product in islice(products, QUERIES))
    return tuple(dict.fromkeys(" ".join(title.split()[:TITLE_WORDS]) for title in titles))
