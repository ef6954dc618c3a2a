"""The OpenSearch node dies in the middle of everything and comes back on the same data."""

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from edition_shop import EditionShop
from java_home import MissingJava, find_java
from opensearch_distribution import MissingDistribution, fetch_distribution, find_distribution
from opensearch_node import open_node
from opensearchpy import ConnectionError, TransportError
from shares import share

import endcap
from endcap.identity import Identity
from endcap.profiles import EVENTS, PROFILES

SHOPPER = "ada"
KILLS = share(1, of=10)
SEED = 5
PRODUCTS = 400
STOOLS = [f"s{n}" for n in range(100)]  # what no catalogue has and no search for lamps finds
DOWN = (429, 503)  # what a node answers that is not quite there


@pytest.fixture(scope="module")
def node():
    """One of our own; where there is none the test skips, or fails where a server is required."""
    required = os.environ.get("ENDCAP_REQUIRE_OPENSEARCH") == "1"
    try:
        home, java = fetch_distribution() if required else find_distribution(), find_java()
    except (MissingDistribution, MissingJava) as missing:
        if required:
            raise
        pytest.skip(f"no OpenSearch to kill: {missing}")
    with open_node(home, java) as node:
        yield node


class Visitor:
    """Searches, upserts, and writes down what shoppers do, until told to stop.

    written: the events that were acknowledged. upserted: of each stool the number of the last
    upsert that was. acknowledged: the highest of these numbers. failures: how a node that dies may
    fail. wrong: what must not be.
    """

    def __init__(self, shop: EditionShop) -> None:
        self.written: list[str] = []
        self.upserted: dict[str, int] = {}
        self.acknowledged = 0
        self.failures = 0
        self.wrong: list[str] = []
        self._shop = shop
        self._stop = threading.Event()

    def stop(self) -> None:
        self._stop.set()

    def visit(self) -> None:
        with self._shop.client(timeout=30) as client:
            number = 0
            while not self._stop.is_set():
                number += 1
                try:
                    self._once(client, f"p{number % PRODUCTS}")
                    self._upsert(client, STOOLS[number // 2 % len(STOOLS)], number)
                except (ConnectionError, endcap.ProfileError):
                    self._fail()
                except TransportError as error:
                    self._fail()
                    if error.status_code not in DOWN:
                        self.wrong.append(repr(error))

    def _fail(self) -> None:
        self.failures += 1
        self._stop.wait(0.1)

    def _once(self, client: endcap.SearchClient, item: str) -> None:
        answer = self._shop.search(client)
        if answer.total != PRODUCTS or len(answer.editions) != 1:
            self.wrong.append(f"a mixture: {answer}")
        client.record(user=SHOPPER, item=item)
        self.written.append(item)

    def _upsert(self, client: endcap.SearchClient, id: str, number: int) -> None:
        """Of each stool twice: new, then with another text and price."""
        stool = {"id": id, "title": f"stool {number}", "price": number}
        if client.upsert(index=self._shop.alias, products=[stool]).refused:
            self._fail()
            return
        self.upserted[id] = self.acknowledged = number


def test_killed_in_the_middle_and_started_again(node, tmp_path, commands, tell):
    """One client goes on through all of it; what it was told is written is there."""
    started = time.monotonic()
    shop = EditionShop(node.address, tmp_path, products=PRODUCTS)
    before = shop.write(0)
    assert commands.run(shop.reindex()).code == 0
    rng = random.Random(SEED)
    visitor = Visitor(shop)
    interrupted = 0
    with ThreadPoolExecutor() as pool, shop.client(timeout=30) as client:
        visit = pool.submit(visitor.visit)
        try:
            for edition in range(1, KILLS + 1):
                after, typed = shop.write(edition), visitor.acknowledged
                building = pool.submit(commands.run, shop.reindex())
                time.sleep(rng.uniform(0.1, 1.5))
                node.kill()
                ended = building.result()
                assert ended.code in (0, 1), ended.said
                interrupted += ended.code
                with pytest.raises(ConnectionError):
                    shop.search(client)
                node.start()
                assert shop.search(client).extension["applied"]
                assert shop.read(client, STOOLS) in (before, after)
                ended = commands.run(shop.reindex())
                assert ended.code == 0, ended.said
                assert shop.read(client, STOOLS) == after
                before, built = after, visitor.acknowledged
            answered = len(visitor.written)
            while len(visitor.written) < answered + 3:  # it answers again by itself
                assert not visit.done() and time.monotonic() < started + 120 * (1 + KILLS)
                time.sleep(0.1)
        finally:
            visitor.stop()
        visit.result()
        assert visitor.wrong == []
        assert visitor.failures
        assert_kept(client, shop, visitor.written)
        carried = assert_there(client, shop, visitor, typed, built)
        ended = commands.run(shop.follow())
        assert ended.code == 0, ended.said
        assert shop.followed(client) == {**after, **stools(client, shop)}
    tell(
        f"the node killed {KILLS} times, {interrupted} in the middle of endcap reindex,"
        f" seed {SEED}; {len(visitor.written)} events acknowledged and there,"
        f" {carried} upserts carried, {visitor.failures} refused;"
        f" {time.monotonic() - started:.0f} s"
    )


def assert_kept(client: endcap.SearchClient, shop: EditionShop, written: list[str]) -> None:
    """Every event that was acknowledged is in the profile, in their order, and among all events."""
    key = Identity(shop.store).shopper(SHOPPER, None)
    kept = client.get(index=PROFILES, id=key)["_source"]
    items = iter([event["item"] for event in kept["events"]])
    assert kept["version"] >= len(written)
    assert all(item in items for item in written[-len(kept["events"]) // 2 :])
    client.indices.refresh(index=EVENTS)
    query = {"query": {"term": {"client_id": key}}}
    assert client.count(index=EVENTS, body=query)["count"] >= len(written)


def stools(client: endcap.SearchClient, shop: EditionShop) -> dict[str, int]:
    """The number of the upsert that each one there comes from."""
    documents = client.mget(index=shop.alias, body={"ids": STOOLS})["docs"]
    return {each["_id"]: each["_source"]["price"] for each in documents if each["found"]}


def assert_there(
    client: endcap.SearchClient, shop: EditionShop, visitor: Visitor, typed: int, built: int
) -> int:
    """There is a moment before which the catalogue has overwritten every upsert, since its build
    began then, and after which every acknowledged one is there; how many of them were carried.

    typed, built: the last one acknowledged before that build can have begun, and once it was live.
    """
    there = stools(client, shop)
    overwritten = [n for id, n in visitor.upserted.items() if there.get(id, 0) < n]
    assert there and max([typed, *overwritten]) < min(there.values())
    assert max(overwritten, default=0) <= built
    return sum(number <= built for number in there.values())
