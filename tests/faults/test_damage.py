"""A bit that flipped, a file that was cut off: found by its checksum, named, and mended.

The shop's search goes on without what is damaged, and says so.
"""

import logging
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from edition_shop import EditionShop, product
from forked_commands import ForkedCommands
from toy_model import toy_model

from endcap.registry import Registry
from endcap_indexer.generations.checkpoints import CHECKPOINT
from endcap_indexer.generations.golive import LIVE

DERIVED = "item_vectors"
PARTS = ("encoders", "generations", "artefacts", DERIVED)
TO_TYPE = ("build", "remove", "train")


def flip(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


@pytest.fixture
def engine(tmp_path):
    return str(tmp_path / "store")


@pytest.fixture
def built(shop, commands):
    """Everything that a store may hold: a segment, artefacts, a model and its table."""
    shop.write(0)
    events = shop.catalogue.with_name("events.tsv")
    rows = (f"u{n}\tp{(n + step) % 40}\n" for n in range(30) for step in range(3))
    events.write_text("".join(["user\titem\n", *rows]))
    judgments = shop.catalogue.with_name("judgments.tsv")
    judgments.write_text("query\tproduct\tgrade\nlamp n1\tp1\t3\n")
    shop.train = [
        shop.command("train", str(events), "--no-model"),
        shop.command("tune", str(judgments), "--no-folds"),
    ]
    for typed in (shop.reindex(), *shop.train):
        ended = commands.run(typed)
        assert ended.code == 0, ended.said
    registry = Registry(shop.store, shop.alias)
    model = toy_model({f"p{n}": np.eye(4)[n % 4] for n in range(40)})
    registry.promote(registry.save_model(model, {}))
    with shop.client() as client:
        client.upsert(index=shop.alias, products=[product(1, 1)], follow=False)
        assert commands.run(shop.follow()).code == 0
        assert look(shop).reason is None
    return shop


class Seen(NamedTuple):
    """What a client that has just started sees."""

    applied: bool
    reason: str | None


def look(shop: EditionShop) -> Seen:
    with shop.client() as client:
        answer = shop.search(client)
        assert answer.total == shop.products
        return Seen(answer.extension["applied"], answer.extension["reason"])


def files_of(store: Path) -> list[Path]:
    found = (path for part in PARTS for path in (store / part).rglob("*") if path.is_file())
    return sorted(path for path in found if not path.name.endswith("lock") and path.name != LIVE)


def complaint(shop: EditionShop, commands: ForkedCommands, path: Path) -> str:
    """What is said of a damaged file, by a search or by the command that reads it."""
    if path.name != CHECKPOINT:
        return look(shop).reason or ""
    ended = commands.run(shop.follow())
    assert ended.code == 1
    return ended.said


def test_a_damaged_file_is_named_and_the_search_goes_on(built, commands, caplog, tell):
    caplog.set_level(logging.CRITICAL)
    found = files_of(built.store)
    assert len({path.parent for path in found}) >= 6
    wrong = []
    for path in found:
        content = path.read_bytes()
        for damage in (flip, cut):
            path.write_bytes(damage(content))
            said = complaint(built, commands, path)
            if path.parent.parent.name == DERIVED:  # nobody need mend what is computed again
                assert not said
                continue
            path.write_bytes(content)
            if path.name not in said or not any(words in said for words in TO_TYPE):
                wrong.append(f"{damage.__name__} {path.relative_to(built.store)}: {said}")
    assert not wrong, "\n".join(wrong)
    assert look(built).reason is None
    tell(f"{len(found)} files of a store flipped and cut off: each is named, or computed again")


def test_the_commands_that_it_names_mend_a_store(built, commands, caplog):
    """One file of each folder is damaged at once."""
    caplog.set_level(logging.CRITICAL)
    folders = {path.parent: path for path in files_of(built.store)}
    for path in folders.values():
        path.write_bytes(flip(path.read_bytes()))
    assert not look(built).applied
    for folder in (built.store / "encoders").iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    ended = commands.run(built.reindex())
    assert ended.code == 0, ended.said
    (built.store / "artefacts" / built.alias / "promoted.json").unlink()
    assert look(built).applied
    for typed in built.train:
        ended = commands.run(typed)
        assert ended.code == 0, ended.said
    assert look(built) == Seen(True, None)


def test_a_rollback_names_what_is_damaged_and_goes_on(shop, client, commands):
    """What was written since a generation went live is found by a file that only it reads."""
    before = shop.write(0)
    assert commands.run(shop.reindex()).code == 0
    shop.write(1)
    assert commands.run(shop.reindex()).code == 0
    path = shop.generation(client).path / LIVE
    path.write_bytes(flip(path.read_bytes()))
    ended = commands.run(shop.command("rollback", "generation"))
    assert ended.code == 0 and LIVE in ended.said and "is not carried" in ended.said
    assert shop.read(client) == before


def test_vectors_of_an_interrupted_build_that_are_damaged_are_encoded_again(shop, client, commands):
    expected = shop.write(0)
    ended = commands.run(shop.reindex())
    expected = shop.write(1)
    for fail_at in range(ended.operations - 1, 0, -1):
        commands.run(shop.reindex(), fail_at=fail_at, mode="dead")
        chunks = [path for path in shop.store.glob("generations/embeddings-*/*/*.npy")]
        if chunks:
            break
    for path in chunks:
        path.write_bytes(flip(path.read_bytes()))
    assert commands.run(shop.reindex()).code == 0
    assert shop.read(client) == expected
