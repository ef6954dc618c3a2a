"""Shoppers who search and programs that write, at once, and what they were told."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from endcap import SearchClient


class Traffic:
    """Threads that upsert, delete and search. No two write to the same product, so what was
    acknowledged last is what must be there.

    row: a product by its id and edition. ids: to write to. text: a search that always finds.
    """

    def __init__(
        self,
        client: SearchClient,
        index: str,
        row: Callable[[str, str], dict[str, Any]],
        ids: Sequence[str],
        text: str,
    ) -> None:
        self.searches = self.writes = self.empty = 0
        self.errors: list[Exception] = []
        self.acknowledged: dict[str, str | None] = {}  # id → edition; None: deleted
        self._client, self._index, self._row = client, index, row
        self._ids, self._text = ids, text
        self._ended = threading.Event()

    @contextmanager
    def running(self, begin: threading.Event, threads: int = 4) -> Iterator[None]:
        """From a moment on until the block ends."""
        workers = [
            threading.Thread(target=self._work, args=(begin, self._ids[number::threads], number))
            for number in range(threads)
        ]
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
            self._ended.set()
            begin.set()
            for worker in workers:
                worker.join()

    def lost(self) -> dict[str, tuple[str | None, str | None]]:
        """What is there, and what should be, where the two differ."""
        ids = list(self.acknowledged)
        answer = self._client.mget(index=self._index, body={"ids": ids})
        there = {each["_id"]: each.get("_source", {}).get("edition") for each in answer["docs"]}
        pairs = {id: (there[id], self.acknowledged[id]) for id in ids}
        return {id: pair for id, pair in pairs.items() if pair[0] != pair[1]}

    def _work(self, begin: threading.Event, ids: Sequence[str], number: int) -> None:
        rng = random.Random(number)
        begin.wait()
        while not self._ended.is_set():
            try:
                self._write(rng, rng.choice(ids), f"{number}.{self.writes}")
                body = {"query": {"match": {"title": self._text}}}
                answer = self._client.search(body, self._index)
                self.searches += 1
                self.empty += not answer["hits"]["hits"]
            except Exception as error:  # noqa: BLE001 - whatever it is, the test tells it
                self.errors.append(error)

    def _write(self, rng: random.Random, id: str, edition: str) -> None:
        deleted = rng.random() < 0.25
        row = {"id": id, "endcap": {"deleted": True}} if deleted else self._row(id, edition)
        done = self._client.upsert(index=self._index, products=[row])
        assert not done.refused, done
        self.acknowledged[id] = None if deleted else edition
        self.writes += 1
