"""The thread that follows what a client has upserted, and who waits for the lease meanwhile."""

import threading
import time

import pytest

from endcap import following
from endcap.following import Following
from endcap_indexer.generations import hold_lease


class Follower:
    """Holds the lease for a while, each time."""

    def __init__(self, client, store, name, open_encoder):
        self.store = store

    def run(self):
        with hold_lease(self.store):
            time.sleep(0.3)


@pytest.fixture
def busy(tmp_path, monkeypatch):
    """There is always more to follow."""
    monkeypatch.setattr(following, "Follower", Follower)
    followed, ended = Following(tmp_path, lambda name: None), threading.Event()

    def wake():
        while not ended.wait(0.01):
            followed.wake("lamps", None)

    thread = threading.Thread(target=wake)
    thread.start()
    yield tmp_path
    ended.set()
    thread.join()
    followed.close()


def test_who_waits_for_the_lease_gets_it_however_much_is_upserted(busy):
    time.sleep(0.1)
    for _ in range(3):
        with hold_lease(busy, patience=3):
            pass
