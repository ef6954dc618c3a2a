"""What a client has upserted gets its vectors in the background, where nobody else adds them.

One thread of a client, made on first use. It follows the index as `endcap follow` does, and asks
for the store's lease without waiting: while another process holds it, that process follows, and the
thread looks again until it has. Between two times it gives way for a moment, so that a build that
waits for the lease gets it however much is upserted. A failure is logged; the shop's request is
long answered. Closing the client waits for what is left to follow.
"""

import logging
import os
import threading
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path

from opensearchpy import OpenSearch

from endcap_indexer.encoder import Encoder
from endcap_indexer.exceptions import LeaseError
from endcap_indexer.generations import Follower

PAUSE_S = 1.0  # while another process holds the lease
GIVE_WAY_S = 0.25  # several times as long as it takes who waits for the lease to look again

logger = logging.getLogger("endcap")


class Following:
    """Thread-safe; a forked child begins anew."""

    def __init__(self, store: Path, open_encoder: Callable[[str], Encoder]) -> None:
        self._store, self._open_encoder = store, open_encoder
        self._begin()
        os.register_at_fork(after_in_child=partial(_begin_anew, weakref.ref(self)))

    def _begin(self) -> None:
        self._due: dict[str, OpenSearch] = {}
        self._followers: dict[str, tuple[OpenSearch, Follower]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def wake(self, name: str, client: OpenSearch) -> None:
        """See to the vectors of what was written to an index, by this plain client."""
        with self._changed:
            self._due[name] = client
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="endcap-following", daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Wait until what was written is followed: a program may end with its upsert. Where another
        process holds the lease, it is left to that one.
        """
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()
        with self._changed:  # a client may be used again
            self._thread, self._closed = None, False

    def _run(self) -> None:
        while (due := self._next()) is not None:
            followed = self._follow(*due)
            with self._changed:
                if not (followed or self._closed):
                    self._due.setdefault(*due)
                pause = GIVE_WAY_S if followed else PAUSE_S
                self._changed.wait_for(lambda: self._closed, pause)

    def _next(self) -> tuple[str, OpenSearch] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._due)
            return self._due.popitem() if self._due else None

    def _follow(self, name: str, client: OpenSearch) -> bool:
        """Whether there is nothing left to do; what fails is left to the next upsert."""
        used, follower = self._followers.get(name, (None, None))
        if used is not client or follower is None:
            follower = Follower(client, self._store, name, self._open_encoder)
            self._followers[name] = client, follower
        try:
            follower.run()
        except LeaseError:
            return False
        except Exception as failure:  # noqa: BLE001 - nobody waits, so nobody else would hear of it
            logger.warning("%s is not followed: %s", name, failure, exc_info=failure)
        return True


def _begin_anew(found: "weakref.ref[Following]") -> None:
    """In a forked child, which has none of its parent's threads."""
    if (following := found()) is not None:
        following._begin()
