"""`endcap reindex` killed at random moments: one whole generation, always, and it goes on."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from edition_shop import EditionShop
from forked_commands import KILLED
from opensearchpy import OpenSearchException
from shares import share

KILLS = share(10, of=200)  # on each engine
SEED = 7


class Shopper:
    """Searches all the time; what it must never see is kept."""

    def __init__(self, shop: EditionShop) -> None:
        self.searches = 0
        self.seen: list[str] = []
        self._shop = shop
        self._stop = threading.Event()

    @contextmanager
    def searching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._search)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _search(self) -> None:
        with self._shop.client(timeout=60) as client:
            while not self._stop.wait(0.02):
                try:
                    answer = self._shop.search(client)
                except OpenSearchException as error:
                    self.seen.append(repr(error))
                    continue
                self.searches += 1
                if answer.total != self._shop.products or len(answer.editions) != 1:
                    self.seen.append(f"a mixture: {answer}")
                elif not answer.extension["applied"]:
                    self.seen.append(f"the engine's order: {answer}")


def test_killed_at_random_moments(shop, client, commands, tell):
    started = time.monotonic()
    before = shop.write(0)
    assert commands.run(shop.reindex()).code == 0
    rng = random.Random(SEED)
    killed, seconds = 0, 1.0
    shopper = Shopper(shop)
    with shopper.searching():
        for number in range(1, KILLS + 1):
            after = shop.write(number)
            ended = commands.run(shop.reindex(), kill_after=rng.uniform(0, seconds))
            assert ended.code in (KILLED, 0), ended.said
            killed += ended.code == KILLED
            assert shop.read(client) in (before, after)
            begun = time.monotonic()
            ended = commands.run(shop.reindex())
            seconds = 0.7 * seconds + 0.3 * (time.monotonic() - begun)
            assert ended.code == 0, ended.said
            assert shop.read(client) == after
            before = after
    assert shopper.seen == []
    assert killed >= KILLS // 2
    # the live one, the one before, and what the readers here still hold
    assert len(client.indices.get(index=f"{shop.alias}-*")) <= 5
    tell(
        f"{killed} of {KILLS} kills hit endcap reindex on {shop.place}, seed {SEED};"
        f" {shopper.searches} searches meanwhile; {time.monotonic() - started:.0f} s"
    )
