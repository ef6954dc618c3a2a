"""Which folders are in use: a reader holds a folder for as long as it has it open.

A hold is a shared lock of the kernel (flock) on the folder's manifest. It ends with its process,
however that dies, and is seen by all processes of a machine; a network file system may show it to
those of other machines too.
"""

import fcntl
import logging
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.files import MANIFEST

logger = logging.getLogger(__name__)


class Hold:
    """Keeps a folder from being removed until it is garbage; GenerationError where it is being
    removed, or is not there. Nothing is written; a file system without locks is told of and read.
    """

    def __init__(self, folder: Path) -> None:
        try:
            descriptor = os.open(folder / MANIFEST, os.O_RDONLY)
        except FileNotFoundError:
            raise GenerationError(f"{folder} is not there, or not finished; run reindex") from None
        weakref.finalize(self, os.close, descriptor)
        try:
            held = _lock(descriptor, fcntl.LOCK_SH)
        except OSError as error:
            logger.warning("%s may be removed while it is read: %s", folder, error)
            return
        if not held:
            raise GenerationError(f"{folder} is being removed; open the live generation")


@contextmanager
def unheld(folder: Path) -> Iterator[bool]:
    """Whether nobody holds a folder; until the block ends nobody begins to."""
    try:
        descriptor = os.open(folder / MANIFEST, os.O_RDWR)  # NFS locks nothing else exclusively
    except FileNotFoundError:
        yield True  # not finished: nobody opens it
        return
    try:
        yield _lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
