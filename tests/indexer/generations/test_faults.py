"""Wherever a build fails or dies: shoppers see one whole generation, and the next run ends well."""

import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from endcap_indexer import files
from endcap_indexer.generations import embeddings, reindex

PRODUCTS = 30


class FailingDisk(files.Disk):
    """Fails at the k-th operation; a dead disk also at every one after it."""

    def __init__(self, fail_at: int, dead: bool) -> None:
        self.count = 0
        self._fail_at, self._dead = fail_at, dead

    @property
    def reached(self) -> bool:
        return self.count >= self._fail_at

    def _step(self) -> None:
        self.count += 1
        if self.count == self._fail_at or (self._dead and self.reached):
            raise OSError("injected")

    def write(self, file, data):
        self._step()
        super().write(file, data)

    def sync(self, descriptor):
        self._step()
        super().sync(descriptor)

    def rename(self, source, target):
        self._step()
        super().rename(source, target)

    def unlink(self, path):
        self._step()
        super().unlink(path)


@pytest.mark.parametrize("dead", [False, True])
def test_a_fault_at_every_operation(
    client, store, encoder, write_catalogue, read_live, monkeypatch, chunks_of_ten, dead
):
    """One fault at each write, fsync, rename and removal, until a build needs fewer than k."""
    monkeypatch.setattr(embeddings, "SAVE_SECONDS", 0.0)

    def build(edition):
        return reindex(client, store, "products", write_catalogue(PRODUCTS, edition), encoder)

    build("edition 0")
    for fail_at in range(1, 1000):
        before, after = f"edition {fail_at - 1}", f"edition {fail_at}"
        disk = FailingDisk(fail_at, dead)
        monkeypatch.setattr(files, "DISK", disk)
        with suppress(OSError):
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


CHILD = """
import os, sys
from pathlib import Path
from opensearchpy import OpenSearch
sys.path.insert(0, sys.argv[1])
from conftest import FIELDS, ToyEncoder
from endcap_indexer.embedded import EmbeddedConnection
from endcap_indexer.generations import Catalogue, embeddings, reindex

embeddings.SAVE_SECONDS = 0.0
store, catalogue = Path(sys.argv[2]), Catalogue([Path(sys.argv[3])], FIELDS)
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        client = OpenSearch(connection_class=EmbeddedConnection, folder=str(store / "engine"))
        reindex(client, store, "products", catalogue, ToyEncoder())
        os._exit(0)
    sys.stdout.write(f"{child}\\n")
    sys.stdout.flush()
    status = os.waitpid(child, 0)[1]
    sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\\n")
    sys.stdout.flush()
"""


class Forker:
    """A process that has imported everything and forks a `reindex` when asked."""

    def __init__(self, store: Path, catalogue: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(Path(__file__).parent), str(store), str(catalogue)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def start(self) -> int:
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def wait(self) -> int:
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture
def forker(store, write_catalogue):
    forker = Forker(store, write_catalogue(PRODUCTS).paths[0])
    yield forker
    forker.close()


def test_killed_at_twenty_random_moments(
    client, store, encoder, write_catalogue, read_live, forker
):
    rng = random.Random(20)
    started = time.monotonic()
    forker.start()
    assert forker.wait() == 0
    seconds = time.monotonic() - started
    assert read_live() == ("first", PRODUCTS)
    before, killed = "first", 0
    for moment in range(20):
        after = f"edition {moment}"
        catalogue = write_catalogue(PRODUCTS, after)
        process = forker.start()
        time.sleep(rng.uniform(0, seconds))
        os.kill(process, 9)
        killed += forker.wait() == -9
        assert read_live() in ((before, PRODUCTS), (after, PRODUCTS))
        reindex(client, store, "products", catalogue, encoder)
        assert read_live() == (after, PRODUCTS)
        before = after
    assert killed >= 10
