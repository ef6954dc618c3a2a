"""Processes that write at the same time, that are killed, that fork."""

import os
import random
import time

from opensearchpy import OpenSearch, helpers

from endcap_indexer.embedded.connection import EmbeddedConnection

KILLS = 10


def test_no_acknowledged_document_is_lost_when_the_writer_is_killed(folder, start_writer):
    moments = random.Random(4)
    acknowledged = []
    for kill in range(KILLS):
        writer = start_writer(f"writer{kill}", "for-ever")
        acknowledged += [writer.stdout.readline().decode().strip()]  # it is at work
        time.sleep(moments.uniform(0.0, 0.3))
        writer.kill()
        acknowledged += writer.communicate()[0].decode().split("\n")[:-1]
        with OpenSearch(connection_class=EmbeddedConnection, folder=folder) as client:
            found = client.mget(index="products", body={"ids": acknowledged})["docs"]
            assert [doc["_id"] for doc in found if not doc["found"]] == []
    assert len(acknowledged) > 100
    with OpenSearch(connection_class=EmbeddedConnection, folder=folder) as client:
        client.indices.refresh(index="products")
        everything = {hit["_id"] for hit in helpers.scan(client, index="products")}
        assert set(acknowledged) <= everything
        assert client.count(index="products")["count"] == len(everything)


def test_bulks_are_whole(folder, start_writer):
    """Of the five documents of a bulk a reader sees all or none, whenever the writer dies."""
    writer = start_writer("writer", "for-ever")
    writer.stdout.readline()
    time.sleep(0.2)
    writer.kill()
    with OpenSearch(connection_class=EmbeddedConnection, folder=folder) as client:
        client.indices.refresh(index="products")
        hits = helpers.scan(client, index="products")
        bulks = [hit["_id"].rsplit("-", 1)[0] for hit in hits if hit["_id"].count("-") == 2]
    assert bulks
    assert {bulks.count(name) for name in bulks} == {5}


def test_processes_write_at_the_same_time(client, start_writer):
    client.index(index="counters", id="shared", body={"n": 0})
    writers = [start_writer(name, 100) for name in ("left", "right")]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    assert client.get(index="counters", id="shared")["_source"] == {"n": 200}
    client.indices.refresh(index="products")
    assert client.count(index="products")["count"] == 200


def test_a_search_sees_what_another_process_has_written(client, start_writer):
    client.indices.create(index="products")
    client.index(index="counters", id="shared", body={"n": 0})
    assert client.count(index="products")["count"] == 0
    assert start_writer("other", 3).wait(timeout=60) == 0
    client.indices.refresh(index="products")
    assert client.count(index="products")["count"] == 3


def test_a_forked_process_opens_its_own_engine(client):
    client.index(index="products", id="parent", body={}, params={"refresh": "true"})
    assert client.count(index="products")["count"] == 1
    child = os.fork()
    if child == 0:
        status = 1
        try:
            client.index(index="products", id="child", body={}, params={"refresh": "true"})
            status = 0 if client.count(index="products")["count"] == 2 else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    client.index(index="products", id="parent again", body={})
    assert client.exists(index="products", id="child")
    client.indices.refresh(index="products")
    assert client.count(index="products")["count"] == 3
