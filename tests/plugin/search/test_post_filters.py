"""OpenSearch loses hits to a post_filter once it has counted as many as it is asked to, on indices
larger than the toy shop. None are lost here.
"""

from uuid import uuid4

import pytest
from toy_shop import products

import endcap
from endcap_indexer.generations import IndexSettings

MANY = 1200
PLACES = ("folder", "opensearch")
KINDS = {
    "any": {},
    "explained": {"explain": True},
    "of groups": {"collapse": {"field": "family"}},
    "counted": {"track_total_hits": True},
    "not counted": {"track_total_hits": False},
}


@pytest.fixture(scope="module")
def large(opensearch_url, tmp_path_factory, rebuild):
    """A client and its indices: by where their vectors lie."""
    store, name = tmp_path_factory.mktemp("large"), f"large-{uuid4().hex[:12]}"
    with endcap.connect(opensearch_url, store=store, timeout=60) as client:
        for place in PLACES:
            rebuild(client, store, products(MANY), f"{name}-{place}", IndexSettings(place))
        yield client, name
        client.indices.delete(index=f"{name}-*")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("window", [20, 200])
@pytest.mark.parametrize("place", PLACES)
def test_a_post_filter_finds_what_the_same_filter_in_the_query_finds(large, place, window, kind):
    client, name = large
    match = {"match": {"title": "red couch lamp"}}
    post = {"range": {"price": {"gte": MANY // 2}}}
    ours = {"window": window, "history": ["p001", "p700"]}
    wanted = {"size": 1000, "_source": False, **KINDS[kind], "ext": {"endcap": ours}}
    behind = client.search({**wanted, "query": match, "post_filter": post}, f"{name}-{place}")
    query = {"bool": {"must": [match], "filter": [post]}}
    within = client.search({**wanted, "query": query}, f"{name}-{place}")
    assert behind["ext"]["endcap"]["applied"]
    assert ids(behind) == ids(within)
    assert behind["hits"].get("total") == within["hits"].get("total")
    paged = [
        id
        for start in range(0, len(ids(behind)), 50)
        for id in ids(
            client.search(
                {**wanted, "query": match, "post_filter": post, "from": start, "size": 50},
                f"{name}-{place}",
            )
        )
    ]
    assert paged == ids(behind)


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]
