"""Merging what was deleted away: it changes nothing that a search shows."""

import pytest
from opensearchpy import helpers


@pytest.fixture
def some(client, index):
    """Twenty documents, of which every other was deleted and the first rewritten."""
    actions = [{"_index": index, "_id": str(n), "n": n} for n in range(20)]
    helpers.bulk(client, actions, refresh=True)
    for n in range(0, 20, 2):
        client.delete(index=index, id=str(n))
    client.index(index=index, id="1", body={"n": 100}, params={"refresh": "true"})
    return index


def found(client, index):
    hits = client.search(index=index, body={"size": 100, "version": True})["hits"]["hits"]
    return sorted((hit["_source"]["n"], hit["_id"], hit["_version"]) for hit in hits)


@pytest.mark.parametrize("options", [{}, {"only_expunge_deletes": True}, {"max_num_segments": 1}])
def test_a_merge_changes_nothing(client, some, options):
    before = found(client, some)
    answer = client.indices.forcemerge(index=some, **options)
    assert answer["_shards"]["failed"] == 0
    assert found(client, some) == before
    client.index(index=some, id="2", body={"n": 2}, params={"refresh": "true"})
    assert len(found(client, some)) == len(before) + 1


def test_a_deletion_that_no_search_has_seen_is_merged_away_too(client, some):
    client.delete(index=some, id="1")
    client.indices.forcemerge(index=some, only_expunge_deletes=True)
    client.indices.refresh(index=some)
    assert "1" not in [id for _, id, _ in found(client, some)]
    assert not client.exists(index=some, id="1")


def test_an_index_that_is_not_there_is_not_merged(client, index, refusal):
    status, error = refusal(client.indices.forcemerge, index=index)
    assert (status, error["type"]) == (404, "index_not_found_exception")
