"""Following the live generation while the same process builds the next one.

Who builds holds the store's lease, for long: nobody else may add vectors meanwhile.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from opensearchpy import OpenSearch

from endcap_indexer.encoder import Encoder
from endcap_indexer.exceptions import EncoderError
from endcap_indexer.generations.generation import Embedded, Generation
from endcap_indexer.generations.handover import finish_handover
from endcap_indexer.generations.manifest import Manifest
from endcap_indexer.generations.pursuit import Pursuit, encoder_of

INTERVAL_SECONDS = 1.0

logger = logging.getLogger(__name__)


def pursue(
    client: OpenSearch, store: Path, live: Generation | None, encoder: Encoder | None
) -> Pursuit | None:
    """The live generation brought up to date; None where there is none, or none that can be
    followed. A row that is written later is of a document that was changed later.

    encoder: one that is open, which may be another's.
    """
    if live is None:
        return None
    finish_handover(client, store, live)
    try:
        opened = encoder_of(store, live.manifest, encoder)
    except EncoderError as error:
        logger.warning("%s is not followed meanwhile: %s", live.name, error)
        return None
    pursuit = Pursuit(client, store, live.name, live, opened, resumes=False)
    pursuit.catch_up()
    return pursuit


def embedded_alike(pursuit: Pursuit | None, manifest: Manifest) -> Sequence[Embedded]:
    """What the live generation has embedded, also meanwhile, if it has the same encoder."""
    if pursuit is None or pursuit.generation.manifest.encoder != manifest.encoder:
        return ()
    return pursuit.generation.embedded


@contextmanager
def followed_beside(pursuit: Pursuit | None) -> Iterator[None]:
    """Catch up every second, in a thread, until the block ends. What fails is told and tried again:
    it is no reason to end a build.
    """
    if pursuit is None:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_follow, args=(pursuit, ended), name="follow-beside")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _follow(pursuit: Pursuit, ended: threading.Event) -> None:
    told = ""
    while not ended.wait(INTERVAL_SECONDS):
        try:
            if pursuit.is_behind():
                pursuit.catch_up()
        except Exception as failure:  # noqa: BLE001 - nobody else would hear of it
            if repr(failure) != told:
                told = repr(failure)
                logger.warning("the live generation is not followed meanwhile: %s", failure)
