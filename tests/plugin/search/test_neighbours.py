"""The vector leg under conditions finds what exact search finds among what is allowed."""

import numpy as np
import pytest

import endcap
from endcap import neighbours
from endcap_indexer.encoder import open_encoder
from endcap_indexer.generations import Generation, generation_folder

WORDS = ("sofa", "couch", "jacket", "coat", "lamp", "light", "red", "crimson", "blue", "navy",
         "small", "little", "warm", "cosy", "oak", "steel", "linen", "wool")  # fmt: skip
PRODUCTS = 800
WINDOW = 10
MAXIMUM = 150  # rows of one answer
TEXT = "warm red sofa"


@pytest.fixture(scope="module")
def large_store(tmp_path_factory, rebuild):
    """Products of a few words; the price is a number that has nothing to do with them."""
    random = np.random.default_rng(0)
    prices = random.permutation(PRODUCTS)
    rows = [
        {
            "id": f"p{number:04}",
            "title": " ".join(random.choice(WORDS, random.integers(2, 6), replace=False)),
            "price": float(prices[number]),
        }
        for number in range(PRODUCTS)
    ]
    store = tmp_path_factory.mktemp("large")
    with endcap.connect(store) as client:
        rebuild(client, store, rows)
    return store


@pytest.fixture(params=["all at once", "too many at once"])
def client(request, large_store, monkeypatch):
    """With an answer that holds all products, and with one that holds few of them."""
    if request.param == "too many at once":
        monkeypatch.setattr(neighbours, "MAXIMUM_ROWS", MAXIMUM)
    with endcap.connect(large_store) as client:
        yield client


@pytest.fixture(scope="module")
def cosines(large_store, encoder_folder):
    """By id, of each product and the text."""
    generation = Generation.open(generation_folder(large_store, "products-000001"))
    (query,) = open_encoder(str(encoder_folder), large_store, device="cpu").encode_queries([TEXT])
    rows = np.arange(PRODUCTS)
    found = generation.index.vectors(rows) @ query
    return dict(zip(generation.ids(rows), found.tolist(), strict=True))


def nearest(client, *conditions, must_not=()):
    query = {
        "bool": {
            "should": [{"match": {"title": TEXT}}],
            "filter": list(conditions),
            "must_not": list(must_not),
        }
    }
    ours = {"recall": "vector", "window": WINDOW, "weights": {"text": 1.0}, "floor": -1}
    answer = client.search(
        {"query": query, "size": WINDOW // 2, "ext": {"endcap": ours}}, "products"
    )
    assert answer["ext"]["endcap"]["reason"] is None
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def allowed(client, *conditions, must_not=()):
    query = {"bool": {"filter": list(conditions), "must_not": list(must_not)}}
    hits = client.search({"query": query, "size": PRODUCTS}, "products", endcap=False)
    return [hit["_id"] for hit in hits["hits"]["hits"]]


def assert_best(found, among, cosines):
    """Ties may stand in any order, so the cosines are compared."""
    best = sorted((cosines[id] for id in among), reverse=True)[: WINDOW // 2]
    assert [cosines[id] for id in found] == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize("kept", [1, 0.5, 0.1, 0.02, 0.001, 0])
def test_what_a_condition_leaves_is_found_nearest_first(client, cosines, kept):
    condition = {"range": {"price": {"lt": kept * PRODUCTS}}}
    among = allowed(client, condition)
    assert len(among) == np.ceil(kept * PRODUCTS)
    assert_best(nearest(client, condition), among, cosines)


def test_a_condition_that_excludes_what_is_near_leaves_what_is_far(client, cosines):
    """The first list holds none of these, so it cannot say how long one has to be."""
    near = [{"match": {"title": word}} for word in ("sofa", "couch", "warm", "cosy", "red")]
    assert_best(nearest(client, must_not=near), allowed(client, must_not=near), cosines)


def test_a_mild_condition_is_met_by_a_longer_list(client, cosines, monkeypatch):
    """All that it allows would be far more than are asked for."""
    asked = []
    plain = neighbours.ask_rows
    monkeypatch.setattr(
        neighbours, "ask_rows", lambda *given: asked.append(given[-1]) or plain(*given)
    )
    condition = {"range": {"price": {"lt": 0.12 * PRODUCTS}}}
    assert_best(nearest(client, condition), allowed(client, condition), cosines)
    first = neighbours.AHEAD * WINDOW
    assert asked[0] == first < asked[1] <= MAXIMUM
    assert len(asked) == 2
