"""Candidates and events made of a seed; every array is read-only, so a mutation raises."""

import numpy as np
import pytest

from endcap_reranker import Candidates, Cooccurrence, Interactions, Shopper

ITEMS = 40
DIMENSION = 8


def read_only(array):
    array.flags.writeable = False
    return array


def unit_rows(random, n):
    rows = random.standard_normal((n, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="session")
def make_vectors():
    """(n, d) unit vectors of a seed."""
    return lambda seed, n: unit_rows(np.random.default_rng(seed), n)


@pytest.fixture(scope="session")
def make_shopper():
    def make(seed, events):
        random = np.random.default_rng(seed)
        rows = random.integers(-1, ITEMS, events)
        vectors = unit_rows(np.random.default_rng(0), ITEMS)[rows]
        vectors[rows < 0] = np.nan
        weights = random.choice([1.0, 2.0, 3.0], events).astype(np.float32)
        return Shopper(read_only(rows), read_only(weights), read_only(vectors))

    return make


@pytest.fixture(scope="session")
def make_candidates():
    """n candidates of the catalogue of seed 0, some unknown to it, some without a lexical score."""

    def make(seed, n, shopper=None, query=True):
        random = np.random.default_rng(seed)
        rows = random.permutation(ITEMS)[:n].astype(np.int64)
        rows[random.random(n) < 0.1] = -1
        vectors = unit_rows(np.random.default_rng(0), ITEMS)[rows]
        vectors[rows < 0] = np.nan
        lexical = (random.integers(0, 5, n) * 2.5).astype(np.float32)
        lexical[random.random(n) < 0.1] = np.nan
        query_vector = read_only(unit_rows(random, 1)[0]) if query else None
        return Candidates(
            read_only(rows), read_only(lexical), query_vector, read_only(vectors), {}, shopper
        )

    return make


@pytest.fixture(scope="session")
def make_interactions():
    """Interactions of [(user, item), ...] pairs, oldest first; items are 'i0', 'i1', ..."""

    def make(pairs, n_items, weights=None, times=None):
        order = sorted(range(len(pairs)), key=lambda position: pairs[position][0])
        pick = [weights[k] if weights else 1.0 for k in order]
        return Interactions(
            users=np.array([pairs[k][0] for k in order], np.int32),
            items=np.array([pairs[k][1] for k in order], np.int32),
            weights=np.array(pick, np.float32),
            item_ids=np.sort(
                [f"i{item:03d}".encode() for item in range(n_items)] or np.array([], "S1")
            ),
            n_users=max((user for user, _ in pairs), default=-1) + 1,
            times=np.array([times[k] for k in order], np.float64) if times else None,
        )

    return make


@pytest.fixture(scope="session")
def random_interactions(make_interactions):
    def make(seed, users=30, items=ITEMS, events=200):
        random = np.random.default_rng(seed)
        pairs = np.column_stack(
            [random.integers(users, size=events), random.integers(items, size=events)]
        )
        return make_interactions(pairs.tolist(), items, random.choice([1.0, 2.0], events).tolist())

    return make


@pytest.fixture(scope="session")
def checkerboard(make_interactions):
    """Even users like every even item and odd users every odd one, of 10, but not their own."""
    pairs = [(user, item) for user in range(10) for item in range(user % 2, 10, 2) if item != user]
    return make_interactions(pairs, 10)


@pytest.fixture(scope="session")
def counted(random_interactions):
    return Cooccurrence.count(random_interactions(0))
