"""Several application servers: processes that read one store while another writes."""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from uuid import uuid4

import pytest
from toy_shop import products

import endcap
from endcap.registry import Registry
from endcap.tuning import Tuning
from endcap_indexer.catalogue import Product
from endcap_indexer.encoder import open_encoder
from endcap_indexer.generations import (
    Generation,
    generation_folder,
    hold_lease,
    update_generation,
)
from endcap_indexer.generations.embeddings import Embeddings

READERS = 2
SEGMENTS = 12
SEEN_S = 10.0  # the poll interval, and what opening takes on a busy machine
LIMIT_S = 30.0

READER = """
import json, os, sys, time
import endcap

engine, store, alias, stop = sys.argv[1:]
query = {"query": {"match": {"title": "crimson couch"}}, "size": 100}
with endcap.connect(engine, store=store) as client:
    while True:
        started = time.monotonic()
        answer = client.search(query, alias)
        took = time.monotonic() - started
        said = answer["ext"]["endcap"]
        found = sum(hit["_id"].startswith("fresh") for hit in answer["hits"]["hits"])
        kept = {name: said.get(name) for name in ("applied", "reason", "generation", "model")}
        kept |= {"at": time.monotonic(), "took": took, "fresh": found}
        print(json.dumps(kept), flush=True)
        if os.path.exists(stop):
            break
"""


@pytest.fixture(params=["embedded", "server"])
def shop(request, store, tmp_path, rebuild):
    """An engine, and a store with a shop of its own in it."""
    if request.param == "embedded":
        yield str(store), store, "products"
        return
    engine, alias = request.getfixturevalue("opensearch_url"), f"servers-{uuid4().hex[:12]}"
    own = tmp_path / "own"
    own.mkdir()
    with endcap.connect(engine, store=own, timeout=60) as client:
        rebuild(client, own, index=alias)
        yield engine, own, alias
        client.indices.delete(index=f"{alias}-*")


class Servers:
    """Processes that search all the time, and what they saw."""

    def __init__(self, shop, folder):
        self._stop = folder / "stop"
        command = [sys.executable, "-c", READER, *map(str, shop), str(self._stop)]
        self._logs = [folder / f"{number}.jsonl" for number in range(READERS)]
        with ExitStack() as files:
            outputs = [files.enter_context(log.open("w")) for log in self._logs]
            self._processes = [subprocess.Popen(command, stdout=output) for output in outputs]

    def answers(self):
        """Of each process, so far; a line that is being written is not one yet."""
        texts = [log.read_text().rpartition("\n")[0] for log in self._logs]
        return [[json.loads(line) for line in text.splitlines()] for text in texts]

    def until(self, condition):
        """Wait until every process has seen it; how long each took, from now on."""
        now = time.monotonic()
        while not all(any(condition(answer) for answer in seen) for seen in self.answers()):
            assert time.monotonic() < now + LIMIT_S, "not seen in time"
            assert all(process.poll() is None for process in self._processes)
            time.sleep(0.05)
        return [
            max(0.0, next(a["at"] for a in seen if condition(a)) - now) for seen in self.answers()
        ]

    def stop(self):
        self._stop.touch()
        return [process.wait(LIMIT_S) for process in self._processes]


def test_every_server_sees_every_change_and_none_a_half_of_one(
    shop, tmp_path, rebuild, encoder_folder
):
    engine, store, alias = shop
    servers = Servers(shop, tmp_path)
    seen = {}
    try:
        servers.until(lambda answer: answer["applied"])
        with endcap.connect(engine, store=store, timeout=60) as operator:
            append_segments(operator, store, alias, encoder_folder)
            seen["segments"] = servers.until(lambda answer: answer["fresh"] == SEGMENTS)
            registry = Registry(store, alias)
            registry.promote(registry.save_tuning(Tuning(), {"made": "by hand"}))
            seen["promotion"] = servers.until(lambda answer: answer["model"] is not None)
            rebuild(operator, store, products(66), alias)
            seen["generation"] = servers.until(lambda a: a["generation"] == f"{alias}-000002")
    finally:
        codes = servers.stop()
    assert codes == [0] * READERS
    for answers in servers.answers():
        assert all(answer["applied"] and answer["reason"] is None for answer in answers)
    assert all(seconds < SEEN_S for each in seen.values() for seconds in each), seen


def append_segments(operator, store, alias, encoder_folder):
    """One after the other, each with a product more."""
    generation = Generation.open(generation_folder(store, f"{alias}-000001"))
    encoder = open_encoder(str(encoder_folder), store, device="cpu")
    with hold_lease(store):
        for number in range(SEGMENTS):
            document = {"title": "a velvet thing", "endcap": {"row": len(generation)}}
            operator.index(index=alias, id=f"fresh{number}", body=document, refresh=True)
            columns = {"price": 1.0, "popularity": 1.0}
            product = Product(f"fresh{number}", document, "crimson couch", None, columns)
            found = Embeddings(store, encoder, generation).find([product])
            generation = update_generation(generation, [product], *found, gone=[])


def test_a_server_that_forks_its_workers_opens_everything_in_each(shop):
    """The client is made before the fork; nobody has searched with it."""
    engine, store, alias = shop
    body = {"query": {"match": {"title": "crimson couch"}}, "size": 100}
    hurried = {**body, "ext": {"endcap": {"budget_ms": 10_000}}}
    with endcap.connect(engine, store=store) as client:
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                well = False
                try:
                    first = client.search(body, alias, user="ada")
                    both = [client.search(hurried, alias) for _ in range(5)]
                    well = first["ext"]["endcap"]["applied"] and all(
                        answer["hits"] == both[0]["hits"] for answer in both
                    )
                    client.close()
                finally:
                    os._exit(0 if well else 1)
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
        assert client.search(body, alias)["ext"]["endcap"]["applied"] is True
