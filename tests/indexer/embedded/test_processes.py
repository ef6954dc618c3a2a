"""Processes that write at the same time, that are killed, that fork."""

import itertools
import multiprocessing
import os
import random
import time

import pytest
from opensearchpy import ConflictError, OpenSearch, helpers

from endcap_indexer.embedded import EmbeddedConnection

FORK = multiprocessing.get_context("fork")
KILLS = 20


def connect(folder):
    return OpenSearch(connection_class=EmbeddedConnection, folder=folder)


def write_for_ever(folder, name, acknowledge):
    """Single writes and bulks in turn; a refresh now and then, so that tantivy commits too."""
    client = connect(folder)
    for turn in itertools.count():
        single = f"{name}-{turn}"
        client.index(index="products", id=single, body={"name": single})
        ids = [f"{single}-{number}" for number in range(5)]
        lines = [line for id in ids for line in ({"index": {"_id": id}}, {"name": id})]
        client.bulk(index="products", body=lines)
        os.write(acknowledge, "".join(f"{id}\n" for id in [single, *ids]).encode())
        if turn % 20 == 10:
            client.indices.refresh(index="products")


def count_up(folder, name, times):
    """Adds one to a shared counter, so many times, beside documents of its own."""
    with connect(folder) as client:
        for turn in range(times):
            client.index(index="products", id=f"{name}-{turn}", body={"name": name})
            while not add_one(client):
                pass


def add_one(client):
    seen = client.get(index="counters", id="shared")
    condition = {"if_seq_no": seen["_seq_no"], "if_primary_term": seen["_primary_term"]}
    body = {"n": seen["_source"]["n"] + 1}
    try:
        client.index(index="counters", id="shared", body=body, params=condition)
    except ConflictError:
        return False
    return True


@pytest.fixture
def kill_a_writer(folder):
    """Starts a writer, kills it after so many seconds of work; the ids it had acknowledged."""

    def kill(name, seconds):
        reading, writing = os.pipe()
        writer = FORK.Process(target=write_for_ever, args=(folder, name, writing))
        writer.start()
        os.close(writing)
        with os.fdopen(reading) as lines:
            first = lines.readline().strip()  # it is at work
            time.sleep(seconds)
            writer.kill()
            writer.join()
            return [first, *lines.read().split("\n")[:-1]]

    return kill


@pytest.fixture
def start_counter(folder):
    started = []

    def start(name, times):
        started.append(FORK.Process(target=count_up, args=(folder, name, times)))
        started[-1].start()
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.join()


def test_no_acknowledged_document_is_lost_when_the_writer_is_killed(folder, kill_a_writer):
    moments = random.Random(4)
    acknowledged = set()
    for turn in range(KILLS):
        acknowledged.update(kill_a_writer(f"writer{turn}", moments.uniform(0.0, 0.1)))
        with connect(folder) as client:
            found = client.mget(index="products", body={"ids": list(acknowledged)})["docs"]
            assert [doc["_id"] for doc in found if not doc["found"]] == []
    assert len(acknowledged) > 100
    with connect(folder) as client:
        client.indices.refresh(index="products")
        everything = {hit["_id"] for hit in helpers.scan(client, index="products")}
        assert acknowledged <= everything
        assert client.count(index="products")["count"] == len(everything)


def test_a_bulk_is_whole_or_not_there(folder, kill_a_writer):
    for turn in range(5):
        kill_a_writer(f"writer{turn}", 0.02)
    with connect(folder) as client:
        client.indices.refresh(index="products")
        hits = helpers.scan(client, index="products")
        bulks = [hit["_id"].rsplit("-", 1)[0] for hit in hits if hit["_id"].count("-") == 2]
    assert {bulks.count(name) for name in bulks} == {5}


def test_processes_write_at_the_same_time(client, start_counter):
    client.index(index="counters", id="shared", body={"n": 0})
    writers = [start_counter(name, 100) for name in ("left", "right")]
    for writer in writers:
        writer.join(timeout=60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert client.get(index="counters", id="shared")["_source"] == {"n": 200}
    client.indices.refresh(index="products")
    assert client.count(index="products")["count"] == 200


def test_a_search_sees_what_another_process_has_written(client, start_counter):
    client.indices.create(index="products")
    client.index(index="counters", id="shared", body={"n": 0})
    assert client.count(index="products")["count"] == 0
    start_counter("other", 3).join(timeout=60)
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
