"""A generated shop under everything at once: its database, its shoppers, its operator."""

import json
import random
import resource
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from indexing import make_products

import endcap
from endcap.configuration import Configuration, EncoderSettings
from endcap.evaluation.comparison import Row
from endcap_indexer.catalogue import CatalogueFields, Rows
from endcap_indexer.exceptions import LeaseError
from endcap_indexer.generations import Generation, generation_folder, roll_back

SEARCHERS = 2
PAUSE_S = 0.02  # of a thread between two requests
OPERATOR_PAUSE_S = 1.0
WARM_SHARE = 0.2  # of the time, after which memory must not grow
PATIENCE_S = 60.0  # for the lease, and for what was upserted to be followed
SHOWN = 5
FIELDS = CatalogueFields(
    text={"title": 2.0, "description": 1.0},
    keywords=("brand",),
    category="category",
    price="price",
    analyzer="standard",
)


@dataclass(frozen=True)
class Shop:
    """engine: a server's address; None: the embedded engine, in the store."""

    engine: str | None
    folder: Path
    index: str
    model: str

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def source(self) -> Rows:
        return Rows("the shop's database", self.read)

    def open(self) -> endcap.SearchClient:
        options = {"timeout": 60} if self.engine else {}
        return endcap.connect(self.engine or self.store, store=self.store, **options)

    def database(self) -> sqlite3.Connection:
        return sqlite3.connect(self.folder / "shop.sqlite3", timeout=60, isolation_level=None)

    def rebuild(self, client: endcap.SearchClient) -> None:
        settings = Configuration(catalogue=FIELDS, encoder=EncoderSettings(self.model))
        endcap.reindex(client, self.source, index=self.index, configuration=settings, force=True)

    def remove(self) -> None:
        with self.open() as client:
            client.indices.delete(index=f"{self.index}-*")

    def read(self) -> Iterator[dict[str, Any]]:
        database = self.database()
        try:
            for (row,) in database.execute("SELECT row FROM products ORDER BY id"):
                yield json.loads(row)
        finally:
            database.close()


def start_shop(engine: str | None, folder: Path, products: int, model: str) -> Shop:
    """With its first generation."""
    shop = Shop(engine, folder, f"soak-{uuid4().hex[:8]}", model)
    database = shop.database()
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE products (id TEXT PRIMARY KEY, row TEXT NOT NULL)")
    rows = ((product["id"], json.dumps(product)) for product in make_products(products))
    with database:
        database.execute("BEGIN")
        database.executemany("INSERT INTO products VALUES (?, ?)", rows)
    database.close()
    with shop.open() as client:
        shop.rebuild(client)
    return shop


@dataclass
class Account:
    """Of one kind of request; threads may share it."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    empty: int = 0
    lost: list[str] = field(default_factory=list)
    rss_mb: tuple[float, float] = (0.0, 0.0)

    def time(self, request: Callable[[], Any]) -> Any:
        """What it answers; None where it raises."""
        started = time.perf_counter()
        try:
            return request()
        except Exception as error:  # noqa: BLE001 - an error is what is looked for
            self.errors.append(f"{type(error).__name__}: {error}")
            return None
        finally:
            self.seconds.append(time.perf_counter() - started)

    def row(self) -> Row:
        p99 = float(np.quantile(self.seconds, 0.99)) if self.seconds else 0.0
        start, end = self.rss_mb
        return {
            "count": len(self.seconds),
            "errors": len(self.errors),
            "empty": self.empty,
            "lost": len(self.lost),
            "p99_ms": round(p99 * 1000, 1),
            "rss_mb_start": round(start, 1),
            "rss_mb_end": round(end, 1),
        }


class Soak:
    """One run on one shop."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.accounts = {name: Account() for name in ("search", "upsert", "reindex", "rollback")}
        self._stop = threading.Event()
        self._written: dict[str, float | None] = {}  # the price by id; None: gone

    @property
    def first_errors(self) -> list[str]:
        """A few of what is wrong, to begin with."""
        return [
            f"{name}: {said}"
            for name, account in self.accounts.items()
            for said in (*account.errors[:SHOWN], *account.lost[:SHOWN])
        ]

    def run(self, seconds: float) -> list[tuple[str, Row]]:
        context = get_context("spawn")
        stop, told = context.Event(), context.SimpleQueue()
        operator = context.Process(target=operate, args=(self.shop, seconds, stop, told))
        with self.shop.open() as client:
            threads = [
                threading.Thread(target=self._search, args=(client, number))
                for number in range(SEARCHERS)
            ]
            threads.append(threading.Thread(target=self._upsert, args=(client,)))
            operator.start()
            for thread in threads:
                thread.start()
            time.sleep(seconds * WARM_SHARE)
            warm = resident_mb()
            time.sleep(seconds * (1 - WARM_SHARE))
            self._stop.set()
            for thread in threads:
                thread.join()
            end = resident_mb()
            stop.set()
            self.accounts |= told.get()
            operator.join()
            for name in ("search", "upsert"):
                self.accounts[name].rss_mb = (warm, end)
            self.accounts["upsert"].lost = self._find_lost(client)
        return [(name, account.row()) for name, account in self.accounts.items()]

    def _search(self, client: endcap.SearchClient, seed: int) -> None:
        """For words of a title, which find something whatever changed."""
        account, rng = self.accounts["search"], random.Random(seed)
        titles = [row["title"].split() for row in self.shop.read()]
        while not self._stop.wait(PAUSE_S):
            text = " ".join(rng.choice(titles)[:2])
            body = {"query": {"multi_match": {"query": text, "fields": ["title"]}}}
            answer = account.time(lambda body=body: client.search(body, self.shop.index))
            if answer is None:
                continue
            account.empty += not answer["hits"]["hits"]
            if reason := answer["ext"]["endcap"]["reason"]:  # not the order it should have been
                account.errors.append(reason)

    def _upsert(self, client: endcap.SearchClient) -> None:
        """Change prices and titles, take products out and put others in."""
        account, rng = self.accounts["upsert"], random.Random(SEARCHERS)
        database = self.shop.database()
        rows = {row["id"]: row for row in self.shop.read()}
        number = 0
        while not self._stop.wait(PAUSE_S):
            number += 1
            row = {**rows[rng.choice(list(rows))], "price": float(number)}
            kind = rng.choices(("price", "title", "new", "gone"), (6, 2, 1, 1))[0]
            if kind == "title":
                row["title"] = " ".join(rng.sample(row["title"].split(), 8))
            elif kind == "new":
                row["id"] = f"new-{number}"
            gone = kind == "gone" and len(rows) > 10
            self._store(database, row, gone)
            change = {"id": row["id"], "endcap": {"deleted": True}} if gone else row
            done = account.time(
                lambda change=change: client.upsert(index=self.shop.index, products=[change])
            )
            if done is None or done.refused:
                self._written.pop(row["id"], None)
                account.errors += [str(refused) for refused in done.refused] if done else []
            else:
                self._written[row["id"]] = None if gone else row["price"]
            if gone:
                del rows[row["id"]]
            else:
                rows[row["id"]] = row
        database.close()

    def _store(self, database: sqlite3.Connection, row: dict[str, Any], gone: bool) -> None:
        if gone:
            database.execute("DELETE FROM products WHERE id = ?", (row["id"],))
        else:
            database.execute(
                "INSERT OR REPLACE INTO products VALUES (?, ?)", (row["id"], json.dumps(row))
            )

    def _find_lost(self, client: endcap.SearchClient) -> list[str]:
        """What was acknowledged last of a product, and is not what index and store hold."""
        ends = time.monotonic() + PATIENCE_S
        while (lost := self._lost(client)) and time.monotonic() < ends:
            time.sleep(1)
        return [f"lost: {id}: {self._written[id]}" for id in sorted(lost)]

    def _lost(self, client: endcap.SearchClient) -> set[str]:
        ids = list(self._written)
        docs = client.mget(index=self.shop.index, body={"ids": ids})["docs"]
        prices = {doc["_id"]: doc["_source"]["price"] for doc in docs if doc["found"]}
        (live,) = client.indices.get_alias(name=self.shop.index)
        generation = Generation.open(generation_folder(self.shop.store, live))
        rows = generation.rows(ids)
        held = generation.columns["price"][np.maximum(rows, 0)]
        followed = {
            id: float(price) for id, row, price in zip(ids, rows, held, strict=True) if row >= 0
        }
        return {
            id
            for id, price in self._written.items()
            if not prices.get(id) == followed.get(id) == price
        }


def operate(shop: Shop, seconds: float, stop: Any, told: Any) -> None:
    """In a process of its own: rebuild, go back, and so on until told to stop."""
    accounts = {name: Account() for name in ("reindex", "rollback")}
    started, warm = time.monotonic(), resident_mb()
    with shop.open() as client:
        verbs = {
            "reindex": lambda: shop.rebuild(client),
            "rollback": lambda: roll_back(client, shop.store, shop.index),
        }
        while True:  # once at least
            for name, verb in verbs.items():
                accounts[name].time(lambda verb=verb: with_patience(verb))
            if time.monotonic() - started < seconds * WARM_SHARE:
                warm = resident_mb()
            if stop.wait(OPERATOR_PAUSE_S):
                break
    for account in accounts.values():
        account.rss_mb = (warm, resident_mb())
    told.put(accounts)


def with_patience(verb: Callable[[], Any]) -> Any:
    """Who writes to the store at this moment has finished soon."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        try:
            return verb()
        except LeaseError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)


def resident_mb() -> float:
    """Of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
