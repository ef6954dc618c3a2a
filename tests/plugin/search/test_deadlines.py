"""After the deadline a search asks the engine once more, for the page, whatever hangs; on both
engines.
"""

import threading
import time

import pytest
from unwell_engine import HANG, UnwellEngine, near, profile

from endcap_indexer.encoder.onnx import OnnxEncoder

BUDGET_S = 1.0
LEGS_S = 0.8 * BUDGET_S  # for the legs; the rest is for the order
HANG_S = 8.0
LIMIT_S = 4.0  # for the budget and a search on a busy machine
BODY = {"query": {"match": {"title": "crimson couch"}}, "size": 100}
NEVER = {"query encoder": None, "vector leg": near, "history leg": profile}


@pytest.mark.parametrize("stages", [*([stage] for stage in NEVER), [*NEVER]], ids=" and ".join)
def test_one_engine_call_is_made_after_the_deadline(shop, monkeypatch, stages):
    client, alias = shop
    client.search({"query": {"match": {"title": "lamp"}}}, alias, user="ada")
    released = threading.Event()
    if "query encoder" in stages:
        monkeypatch.setattr(OnnxEncoder, "encode_queries", lambda *given: released.wait(HANG_S))
    engine = UnwellEngine(client)
    kinds = [kind for stage in stages if (kind := NEVER[stage])]
    engine.fault = lambda url, body: HANG if any(kind(url, body) for kind in kinds) else None
    engine.hang_s = HANG_S
    ours = {"budget_ms": 1000 * BUDGET_S, "weights": {"lexical": 1.0, "text": 1.0}}
    started = time.monotonic()
    answer = client.search({**BODY, "ext": {"endcap": ours}}, alias, user="ada")
    took = time.monotonic() - started
    released.set()
    engine.released.set()
    assert sum(at > started + LEGS_S for at in engine.asked_at) == 1
    assert LEGS_S < took < LIMIT_S
    said = answer["ext"]["endcap"]
    assert f"{stages[0]} was late" in said["reason"]
    plain = client.search(BODY, alias, endcap=False)["hits"]
    if "query encoder" in stages:
        assert (said["applied"], answer["hits"]) == (False, plain)
    else:
        found = {hit["_id"] for hit in answer["hits"]["hits"]}
        assert said["applied"] and found >= {hit["_id"] for hit in plain["hits"]}
