"""When a search sees a write."""

import time

from opensearchpy import helpers


def wait_until(condition, seconds=10.0):
    """Whether the condition has become true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_write_is_seen_after_the_refresh_interval(client, index):
    client.indices.create(index=index, body={"settings": {"refresh_interval": "100ms"}})
    for n in range(1, 4):
        client.index(index=index, id=str(n), body={"n": n})
        assert wait_until(lambda n=n: client.count(index=index)["count"] == n)


def test_without_an_interval_only_a_refresh_shows_writes(client, index):
    client.indices.create(index=index, body={"settings": {"refresh_interval": "-1"}})
    client.index(index=index, id="1", body={}, params={"refresh": "true"})
    assert client.count(index=index)["count"] == 1
    client.index(index=index, id="1", body={"n": 1})
    client.index(index=index, id="2", body={})
    time.sleep(0.2)
    found = client.search(index=index, body={})["hits"]["hits"]
    assert [hit["_source"] for hit in found] == [{}]
    client.indices.refresh(index=index)
    assert client.count(index=index)["count"] == 2


def test_a_deleted_document_is_found_until_the_next_refresh(client, index):
    client.indices.create(index=index, body={"settings": {"refresh_interval": "-1"}})
    client.index(index=index, id="1", body={"n": 1}, params={"refresh": "true"})
    assert client.count(index=index)["count"] == 1
    client.delete(index=index, id="1")
    found = client.search(index=index, body={})["hits"]["hits"]
    assert [hit["_source"] for hit in found] == [{"n": 1}]
    client.indices.refresh(index=index)
    assert client.search(index=index, body={})["hits"]["hits"] == []


def test_rewritten_documents_are_found_once(client, index):
    for turn in range(4):
        actions = [{"_index": index, "_id": str(n), "turn": turn} for n in range(50)]
        helpers.bulk(client, actions, refresh=turn % 2 == 0)
    client.indices.refresh(index=index)
    answer = client.search(index=index, body={"size": 100})
    assert answer["hits"]["total"]["value"] == 50
    assert {hit["_source"]["turn"] for hit in answer["hits"]["hits"]} == {3}
