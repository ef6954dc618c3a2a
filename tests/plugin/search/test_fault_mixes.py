"""Whatever fails of ours, together and in whatever order: no error, and no hit is lost."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_queries import texts
from unwell_engine import HANG, UnwellEngine, near, profile, together

PROFILE = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FAULTS = st.sampled_from((400, 403, 404, 429, 500, 503, HANG))
KINDS = {
    "near": near,
    "profile": profile,
    "together": together,
    "page": lambda url, body: '"ids"' in body,
    "look": lambda url, body: url.count("/") == 1,
}
mixes = st.fixed_dictionaries({}, optional=dict.fromkeys(KINDS, FAULTS))
options = st.fixed_dictionaries(
    {}, optional={"budget_ms": st.sampled_from((0.01, 20, 200)), "window": st.integers(1, 30)}
)


@PROFILE
@given(text=texts, mix=mixes, asked=options, user=st.sampled_from((None, "ada")))
def test_whatever_fails_no_hit_is_lost(shop, text, mix, asked, user):
    """The breakers of earlier examples are open, half-open and closed."""
    client, alias = shop
    client._core.snapshots._poll_interval_s = 0.0
    query = {"query": {"match": {"title": text}}, "size": 200}
    plain = client.search(query, alias, endcap=False)["hits"]
    engine = UnwellEngine(client)
    engine.hang_s = 0.02
    engine.fault = lambda url, body: next(
        (fault for kind, fault in mix.items() if KINDS[kind](url, body)), None
    )
    try:
        answer = client.search({**query, "ext": {"endcap": asked}}, alias, user=user)
    finally:
        engine.recover()
    found = [hit["_id"] for hit in answer["hits"]["hits"]]
    assert len(found) == len(set(found)) == answer["hits"]["total"]["value"]
    assert {hit["_id"] for hit in plain["hits"]} <= set(found)
    extension = answer["ext"]["endcap"]
    if not extension["applied"]:
        assert answer["hits"] == plain
        assert extension["reason"]
