"""A fault injected in each stage: the order is that of what is left, at last the engine's, in time
and with the reason. On both engines.
"""

import threading
import time

import numpy as np
import opensearchpy
import pytest
from toy_model import toy_model
from unwell_engine import HANG, UnwellEngine, near, profile

import endcap
from endcap.registry import Registry
from endcap_indexer.encoder import QueryCache
from endcap_indexer.encoder.onnx import OnnxEncoder, to_unit
from endcap_reranker import ModelColumn, PopularityColumn

BUDGET_MS = 100
LIMIT_S = 4.0  # for the budget and a search on a busy machine; what hangs does so for longer
HANG_S = 8.0
WORDS = {"lexical": 1.0, "text": 1.0}


def ask(text="crimson couch", weights=WORDS, **ours):
    extension = {"endcap": {"weights": weights, **ours}}
    return {"query": {"match": {"title": text}}, "size": 100, "ext": extension}


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def hits_of(answer):
    """What is seen of it: scores are the blend's, up to the last bit of a float32."""
    return [(hit["_id"], pytest.approx(hit["_score"])) for hit in answer["hits"]["hits"]]


def reason(answer):
    return answer["ext"]["endcap"]["reason"]


def timed(client, *arguments, **options):
    started = time.monotonic()
    answer = client.search(*arguments, **options)
    return answer, time.monotonic() - started


@pytest.fixture
def hang():
    """A function that takes long, until the test has seen enough."""
    released = threading.Event()

    def wait(*given, release=False):
        if release:
            released.set()
        else:
            released.wait(HANG_S)
            fail()

    yield wait
    released.set()


def fail(*arguments, **options):
    raise RuntimeError("a fault injected")


# The encoder: nothing is left but the engine's own order.


@pytest.mark.parametrize("fault", ["raises", "nan", "slow"])
def test_without_the_encoder_the_hits_are_the_plain_client_s(shop, monkeypatch, fault, hang):
    client, alias = shop
    client.search(ask("lamp"), alias)
    if fault == "raises":
        monkeypatch.setattr(OnnxEncoder, "encode_queries", fail)
    elif fault == "nan":
        monkeypatch.setattr(OnnxEncoder, "_run", to_nan)
    else:
        monkeypatch.setattr(OnnxEncoder, "encode_queries", hang)
    answer, took = timed(client, ask(budget_ms=BUDGET_MS), alias)
    assert took < LIMIT_S
    plain = client.search({"query": ask()["query"], "size": 100}, alias, endcap=False)
    assert answer["hits"] == plain["hits"]
    assert answer["ext"]["endcap"]["applied"] is False
    said = {"raises": "failed: a fault injected", "nan": "not finite", "slow": "was late"}[fault]
    assert reason(answer).startswith("nothing is left to re-rank by; query encoder ")
    assert said in reason(answer)


def to_nan(encoder, session, encodings):
    return to_unit(np.full((len(encodings), encoder.dimension), np.nan, np.float32))


# The vector leg: the text still orders the engine's own hits.


@pytest.mark.parametrize("budget", [{}, {"budget_ms": 400}])
@pytest.mark.parametrize("status", [429, 503, 500, 403, HANG])
def test_without_the_vector_leg_the_text_orders_the_engine_s_hits(shop, status, budget):
    client, alias = shop
    expected = client.search(ask(recall="lexical"), alias)
    assert len(ids(client.search(ask(), alias))) > len(ids(expected))
    engine = UnwellEngine(client)
    engine.fault = lambda url, body: status if near(url, body) else None
    engine.hang_s = HANG_S if budget else engine.hang_s
    answer, took = timed(client, ask(**budget), alias)
    engine.released.set()
    assert hits_of(answer) == hits_of(expected)
    assert answer["hits"]["total"] == expected["hits"]["total"]
    assert answer["ext"]["endcap"]["applied"] is True
    if status == HANG and budget:
        assert took < LIMIT_S
        assert reason(answer) == "vector leg was late"
    else:
        assert reason(answer).startswith("vector leg failed: ")


# The profile: the order of nobody.


@pytest.mark.parametrize("budget", [{}, {"budget_ms": 400}])
@pytest.mark.parametrize("status", [403, 429, 503, 500, HANG])
def test_without_the_profile_a_shopper_gets_the_order_of_nobody(shop, status, budget):
    client, alias = shop
    nobody = client.search(ask(), alias)
    engine = UnwellEngine(client)
    engine.fault = lambda url, body: status if profile(url, body) else None
    engine.hang_s = HANG_S if budget else engine.hang_s
    answer, took = timed(client, ask(**budget), alias, user="ada")
    engine.released.set()
    said = reason(answer)
    assert answer["ext"]["endcap"]["applied"] is True
    if status == HANG:
        assert took < LIMIT_S
        assert "history leg was late" in said or "history leg failed: ConnectionTimeout" in said
    else:
        assert said.startswith("history leg failed: ")
        assert str(status) in said
        assert sum(profile(url, "") for url in engine.asked) == 1
    if "vector leg" not in said:
        assert hits_of(answer) == hits_of(nobody)


def test_a_profile_that_hangs_is_the_last_that_is_waited_for(shop):
    """Without a budget: the vector leg is not asked for too, which might hang as well."""
    client, alias = shop
    client.search(ask(), alias)
    engine = UnwellEngine(client)
    engine.fault = lambda url, body: HANG if profile(url, body) or near(url, body) else None
    answer = client.search(ask(), alias, user="ada")
    assert not any(url.endswith("_msearch") for url in engine.asked)
    assert "vector leg is left out: the engine did not answer in time" in reason(answer)
    assert hits_of(answer) == hits_of(client.search(ask(recall="lexical"), alias))


def test_that_there_is_no_index_of_profiles_is_said(client):
    answer = client.search(ask(), "products", user="ada")
    assert reason(answer).startswith("no history: endcap_profiles does not exist")
    assert answer["hits"] == client.search(ask(), "products")["hits"]
    client.record(user="bob", item="p000")
    assert reason(client.search(ask(), "products", user="ada")) is None


# The columns: the order by the others.


def infinite(self, candidates):
    return np.full(len(candidates), np.inf, np.float32)


def silent(self, candidates):
    return np.full(len(candidates), np.nan, np.float32)


def misshapen(self, candidates):
    return np.zeros(len(candidates) + 1, np.float32)


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (fail, "popularity column failed: a fault injected"),
        (infinite, "popularity column failed: the column 'popularity' is infinite"),
        (misshapen, "popularity column failed: the column 'popularity' must be"),
        (silent, None),
    ],
)
@pytest.mark.parametrize("budget", [{}, {"budget_ms": 2000}])
def test_a_column_that_is_broken_leaves_the_others(shop, monkeypatch, score, said, budget):
    client, alias = shop
    expected = client.search(ask(), alias)
    weights = {**WORDS, "popularity": 0.7}
    assert hits_of(client.search(ask(weights=weights), alias)) != hits_of(expected)
    monkeypatch.setattr(PopularityColumn, "score", score)
    answer = client.search(ask(weights=weights, **budget), alias)
    assert hits_of(answer) == hits_of(expected)
    assert reason(answer) is said or reason(answer).startswith(said)


@pytest.fixture
def modelled(client, store):
    """A client with a promoted model, and a shopper with a history."""
    axes = np.eye(3)
    registry = Registry(store, "products")
    model = toy_model({f"p{n:03}": axes[n % 6 // 2] * (1 + n / 72) for n in range(72)})
    registry.promote(registry.save_model(model, {}))
    client.record(user="ada", item="p000")
    return client


WITH_MODEL = {**WORDS, "model": 0.8}


@pytest.mark.parametrize("fault", ["raises", "nan state", "nan scores", "slow"])
def test_a_model_that_is_broken_leaves_the_others(modelled, monkeypatch, fault, hang):
    expected = modelled.search(ask(), "products", user="ada")
    before = modelled.search(ask(weights=WITH_MODEL), "products", user="ada")
    assert hits_of(before) != hits_of(expected)
    (column,) = [
        s
        for s in modelled._core.snapshots._live["products"].resolved.scorers
        if isinstance(s, ModelColumn)
    ]
    said = "model column failed: "
    if fault == "raises":
        monkeypatch.setattr(type(column.model), "score", fail)
    elif fault == "nan state":
        monkeypatch.setattr(type(column.model), "shopper_state", lambda *given: nan(3))
    elif fault == "nan scores":
        monkeypatch.setattr(type(column.model), "score", lambda self, state, rows: nan(len(rows)))
    else:
        monkeypatch.setattr(type(column.model), "score", hang)
        said = "model column was late"
    body = ask(weights=WITH_MODEL, budget_ms=400)
    answer, took = timed(modelled, body, "products", user="ada")
    assert took < LIMIT_S
    assert hits_of(answer) == hits_of(expected)
    assert reason(answer).startswith(said)


def nan(n):
    return np.full(n, np.nan, np.float32)


# Breakers.


@pytest.mark.parametrize("status", [503, HANG])
def test_a_dead_stage_costs_nothing_and_comes_back(shop, status):
    client, alias = shop
    expected = client.search(ask(), alias)
    lexical = client.search(ask(recall="lexical"), alias)
    engine = UnwellEngine(client)
    engine.fault = lambda url, body: status if near(url, body) else None
    for _ in range(5):
        assert "is left out" not in reason(client.search(ask(budget_ms=50), alias))
    engine.asked.clear()
    for _ in range(3):
        answer = client.search(ask(), alias)
        assert reason(answer).startswith("vector leg is left out since 2")
        assert "5 faults, the last: " in reason(answer)
        assert hits_of(answer) == hits_of(lexical)
    assert not any(url.endswith("_msearch") for url in engine.asked)  # the leg asks nothing
    engine.fault = lambda url, body: None
    breaker = client._core.breakers.of(alias, "vector leg")
    breaker._next = 0.0  # the pause is over
    answer = client.search(ask(), alias)
    assert reason(answer) is None
    assert hits_of(answer) == hits_of(expected)


def test_a_wrong_body_of_the_caller_opens_no_breaker(shop):
    client, alias = shop
    wrong = {"query": {"match": {"title": "sofa"}}, "post_filter": {"nonsense": {}}}
    for _ in range(6):
        with pytest.raises(opensearchpy.RequestError):
            client.search(wrong, alias)
    assert reason(client.search(ask(), alias)) is None


def test_who_says_nothing_of_a_stage_does_not_close_its_breaker(shop):
    """Searches for nobody between those of a shopper whose profile cannot be read."""
    client, alias = shop
    client.search(ask(), alias)
    engine = UnwellEngine(client)
    engine.fault = lambda url, body: 403 if profile(url, body) else None
    for _ in range(5):
        client.search(ask(), alias, user="ada")
        client.search(ask(), alias)
    assert reason(client.search(ask(), alias, user="ada")).startswith("history leg is left out")


async def test_the_async_client_leaves_behind_what_hangs(built_store, monkeypatch, hang):
    client = endcap.connect_async(built_store)
    await client.search(ask("lamp"), "products")
    monkeypatch.setattr(QueryCache, "encode_query", hang)
    started = time.monotonic()
    answer = await client.search(ask(budget_ms=BUDGET_MS), "products")
    assert time.monotonic() - started < LIMIT_S
    assert reason(answer).endswith("query encoder was late")
    hang(release=True)
    await client.close()


def test_grouping_that_fails_shows_the_engine_s_own_groups(shop):
    client, alias = shop
    body = {**ask("couch"), "collapse": {"field": "family"}}
    whole = client.search(body, alias)
    lexical = client.search({**ask("couch", recall="lexical"), "collapse": body["collapse"]}, alias)
    assert len(ids(whole)) > len(ids(lexical))
    engine = UnwellEngine(client)
    engine.fault = lambda url, body: 500 if '"family"]' in body else None
    answer = client.search(body, alias)
    assert "grouping failed: " in reason(answer)
    assert hits_of(answer) == hits_of(lexical)
