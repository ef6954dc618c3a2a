"""Commands that change a store, and what each changes: for faults at every operation of one."""

import json
from abc import ABC, abstractmethod
from typing import Any

from edition_shop import EditionShop, product

import endcap
from endcap.event_sources import read_files, read_interactions
from endcap.operations import count_interactions, made_of
from endcap.registry import COOCCURRENCE, TUNING, Registry
from endcap_indexer.catalogue import BadRows, Files
from endcap_indexer.generations import Follower, roll_back
from endcap_indexer.generations.segments import MANY_PIECES, list_pieces


class StoreCommand(ABC):
    """`prepare` makes the next change possible, `arguments` are typed for it, `state` is what a
    reader sees. once: whether a second run changes more than the first did.
    """

    least = 10  # operations of the disk that a run has
    once = False
    every_mode = True  # of each operation's failing

    def __init__(self, shop: EditionShop, client: endcap.SearchClient) -> None:
        self.shop, self.client = shop, client
        self.registry = Registry(shop.store, shop.alias)
        self.number = 0

    def prepare(self) -> None:
        self.number += 1

    @abstractmethod
    def arguments(self) -> list[str]: ...

    @abstractmethod
    def state(self) -> Any: ...

    def made_by(self, kind: str, part: str) -> str | None:
        """The digest of the file that made what is promoted; the artefact is opened whole."""
        name = self.registry.promoted().get(kind)
        if name is None:
            return None
        {COOCCURRENCE: self.registry.cooccurrence, TUNING: self.registry.tuning}[kind](name)
        return str(self.registry.facts(name)[part]["digest"])


class Build(StoreCommand):
    least = 30

    def prepare(self) -> None:
        super().prepare()
        self.shop.write(self.number)

    def arguments(self) -> list[str]:
        return self.shop.reindex()

    def state(self) -> Any:
        return self.shop.read(self.client)


class Update(StoreCommand):
    """`endcap follow` after an upsert, which is there whatever happens to the command."""

    least = 15

    def prepare(self) -> None:
        super().prepare()
        rows = [product(number, self.number) for number in range(self.number % 3, 40, 3)]
        upserted = self.client.upsert(index=self.shop.alias, products=rows, follow=False)
        assert upserted.written == len(rows)
        self.acknowledged = {row["id"]: self.number for row in rows}

    def arguments(self) -> list[str]:
        return self.shop.follow()

    def state(self) -> Any:
        for id, edition in self.acknowledged.items():
            source = self.client.get(index=self.shop.alias, id=id)["_source"]
            assert source["brand"] == f"e{edition}"
        return self.shop.followed(self.client)


class Compact(Update):
    """An `endcap follow` after which there are so many segments that the last ones become one."""

    least = 30
    every_mode = False  # most of them remove one small file after the other

    def prepare(self) -> None:
        shop = self.shop
        follower = Follower(self.client, shop.store, shop.alias, lambda name: shop.encoder)
        while len(list_pieces(shop.generation(self.client).path)) < MANY_PIECES - 1:
            self.number += 1
            rows = [product(self.number % 40, self.number)]
            self.client.upsert(index=shop.alias, products=rows, follow=False)
            follower.run()
        super().prepare()


class GoBack(StoreCommand):
    """`endcap rollback generation`, from the second one to the first."""

    least = 4
    once = True

    def prepare(self) -> None:
        if self.number == 0:
            self.shop.write(1)
            source, settings = Files(self.shop.catalogue), self.shop.configuration()
            endcap.reindex(self.client, source, index=self.shop.alias, configuration=settings)
            self.second = self.shop.generation(self.client).name
        elif self.shop.generation(self.client).name != self.second:
            roll_back(self.client, self.shop.store, self.shop.alias, self.second)
        self.number += 1

    def arguments(self) -> list[str]:
        return self.shop.command("rollback", "generation")

    def state(self) -> Any:
        return self.shop.read(self.client)


class Train(StoreCommand):
    """Counts, keeps an artefact and promotes it."""

    def prepare(self) -> None:
        super().prepare()
        rows = [
            {"user": f"u{user}", "item": f"p{(user + step) % self.shop.products}", "position": step}
            for user in range(5 + self.number)
            for step in range(3)
        ]
        self.events = self.shop.catalogue.with_name("events.jsonl")
        self.events.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def arguments(self) -> list[str]:
        return self.shop.command("train", str(self.events), "--no-model")

    def state(self) -> Any:
        return self.made_by(COOCCURRENCE, "events")


class Tune(StoreCommand):
    def prepare(self) -> None:
        super().prepare()
        self.judgments = self.shop.catalogue.with_name("judgments.tsv")
        rows = [f"lamp n{n}\tp{n}\t3" for n in (1, self.number % self.shop.products)]
        self.judgments.write_text("\n".join(["query\tproduct\tgrade", *sorted(set(rows))]) + "\n")

    def arguments(self) -> list[str]:
        return self.shop.command("tune", str(self.judgments), "--no-folds")

    def state(self) -> Any:
        return self.made_by(TUNING, "judgments")


class Promote(Train):
    """One of two artefacts after the other."""

    least = 4

    def prepare(self) -> None:
        if self.number == 0:
            self._keep_two()
        self.number += 1

    def arguments(self) -> list[str]:
        return self.shop.command("promote", f"{COOCCURRENCE}-{1 + self.number % 2:06}")

    def _keep_two(self) -> None:
        for _ in range(2):
            super().prepare()
            rows = read_files([self.events], BadRows())
            interactions = read_interactions(rows, BadRows())
            facts = made_of(events=self.events)
            count_interactions(self.shop.store, self.shop.alias, interactions, facts)


class Demote(Promote):
    """`endcap rollback`, which undoes the promotion before it."""

    once = True

    def prepare(self) -> None:
        super().prepare()
        for number in (1, 2):
            self.registry.promote(f"{COOCCURRENCE}-{number:06}")

    def arguments(self) -> list[str]:
        return self.shop.command("rollback", COOCCURRENCE)
