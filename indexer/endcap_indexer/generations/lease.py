"""One writer per store."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from endcap_indexer.exceptions import LeaseError
from endcap_indexer.files import write_file

LOCK = "lease.lock"
HOLDER = "lease.holder"


WAIT_SECONDS = 30.0  # of who builds, for who follows: that takes seconds


@contextmanager
def hold_lease(store: Path, patience: float = 0.0) -> Iterator[None]:
    """Be the only process that writes generations and artefacts; LeaseError names the other, which
    has been waited for so many seconds.

    The kernel takes the lease back when its process dies, however it dies.
    """
    store.mkdir(parents=True, exist_ok=True)
    lock = FileLock(store / LOCK, timeout=patience)
    try:
        lock.acquire()
    except Timeout:
        raise LeaseError(
            f"{_holder(store)} is writing to {store}; wait until it has finished, or stop it"
        ) from None
    try:
        write_file(store / HOLDER, f"process {os.getpid()} on {socket.gethostname()}".encode())
        yield
    finally:
        lock.release()


def _holder(store: Path) -> str:
    try:
        return (store / HOLDER).read_text()
    except FileNotFoundError:
        return "another process"
