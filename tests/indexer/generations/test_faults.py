"""Wherever a build fails or dies: shoppers see one whole generation, and the next run ends well."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from failing_disk import FailingDisk
from opensearchpy.exceptions import TransportError

from endcap_indexer import files
from endcap_indexer.generations import embeddings, reindex

PRODUCTS = 15


def test_a_fault_at_every_operation(
    client, store, encoder, write_catalogue, read_live, monkeypatch, chunks_of_ten
):
    """At each write, fsync, rename and removal, until a build needs fewer than k.

    After every other fault the disk stays dead, so that nothing can be tidied up.
    """
    monkeypatch.setattr(embeddings, "SAVE_SECONDS", 0.0)

    def build(edition):
        return reindex(client, store, "products", write_catalogue(PRODUCTS, edition), encoder)

    build("edition 0")
    for fail_at in range(1, 1000):
        before, after = f"edition {fail_at - 1}", f"edition {fail_at}"
        disk = FailingDisk(fail_at, dead=fail_at % 2 == 0)
        monkeypatch.setattr(files, "DISK", disk)
        with suppress(OSError, TransportError):  # the embedded engine answers 500
            build(after)
        monkeypatch.setattr(files, "DISK", files.Disk())
        assert read_live() in ((before, PRODUCTS), (after, PRODUCTS))
        build(after)
        assert read_live() == (after, PRODUCTS)
        if not disk.reached:
            break
    assert fail_at > 40
    expected = sorted(client.indices.get(index="*"))
    found = sorted(path.name for path in (store / "generations").iterdir())
    assert len(expected) == 2 and found == expected


FORKER = """
import os, signal, sys, time
from pathlib import Path
from opensearchpy import OpenSearch
sys.path.insert(0, sys.argv[1])
from conftest import FIELDS, ToyEncoder
from endcap_indexer.catalogue import Files
from endcap_indexer.embedded import EmbeddedConnection
from endcap_indexer.generations import Catalogue, embeddings, reindex

embeddings.SAVE_SECONDS = 0.0
store, catalogue = Path(sys.argv[2]), Catalogue(Files(sys.argv[3]), FIELDS)
for delay in sys.stdin:
    child = os.fork()
    if child == 0:
        client = OpenSearch(connection_class=EmbeddedConnection, folder=str(store / "engine"))
        reindex(client, store, "products", catalogue, ToyEncoder())
        os._exit(0)
    if delay.strip() != "never":
        time.sleep(float(delay))
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\\n")
    sys.stdout.flush()
"""


@pytest.fixture
def run_and_kill(store, write_catalogue):
    """Run `reindex` in a process of its own, killed after so many seconds; its exit code.

    The process is forked from one that has imported everything, so it starts at once.
    """
    catalogue = write_catalogue(PRODUCTS).source.paths[0]
    forker = subprocess.Popen(
        [sys.executable, "-c", FORKER, str(Path(__file__).parent), str(store), str(catalogue)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    def run(delay):
        forker.stdin.write(f"{delay}\n".encode())
        forker.stdin.flush()
        return int(forker.stdout.readline())

    yield run
    forker.communicate()


def test_killed_at_twenty_random_moments(
    client, store, encoder, write_catalogue, read_live, run_and_kill
):
    assert run_and_kill("never") == 0
    write_catalogue(PRODUCTS, "edition 0")
    started = time.monotonic()
    assert run_and_kill("never") == 0
    seconds = time.monotonic() - started
    assert read_live() == ("edition 0", PRODUCTS)
    rng = random.Random(20)
    killed = 0
    for number in range(1, 21):
        before, after = f"edition {number - 1}", f"edition {number}"
        catalogue = write_catalogue(PRODUCTS, after)
        killed += run_and_kill(rng.uniform(0, seconds)) == -signal.SIGKILL
        assert read_live() in ((before, PRODUCTS), (after, PRODUCTS))
        reindex(client, store, "products", catalogue, encoder)
        assert read_live() == (after, PRODUCTS)
    assert killed >= 10
