"""The disk is full: what was there goes on, what fails says so, and once there is room all is well.

On a small file system of its own where one can be mounted, and everywhere by the limit that the
system sets to the size of files.
"""

import errno
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from edition_shop import EditionShop, product
from opensearchpy import OpenSearchException
from shares import share

import endcap

MEGABYTE = 2**20
SIZE = 64 * MEGABYTE
ROOM = [0, *(2**n for n in range(12, 12 + share(4, of=10)))]  # bytes left when a command begins
LIMITS = share(6, of=40)
SEED = 13


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    options = f"size={SIZE}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted: {mounted.stderr}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path, room: int) -> Path:
    """Take all that is free but so many bytes."""
    ballast = place / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC
        file.truncate(max(0, file.tell() - room))
    return ballast


def test_a_full_disk(small_disk, commands, tell):
    """Of engine and store at once: they share it."""
    shop = EditionShop(str(small_disk / "store"), small_disk)
    expected = shop.write(0)
    assert commands.run(shop.reindex()).code == 0
    failed = 0
    with shop.client() as client:
        assert shop.read(client) == expected
        for edition, room in enumerate(ROOM, start=1):
            after = shop.write(edition)
            ballast = fill(small_disk, room)
            ended = commands.run(shop.reindex())
            assert ended.code in (0, 1), ended.said
            failed += ended.code
            assert shop.read(client) in (expected, after)
            assert shop.search(client).extension["applied"]
            kept = write_what_can_be(shop, client, edition)
            ballast.unlink()
            for id in kept:
                assert client.get(index=shop.alias, id=id)["_source"]["brand"] == f"e{edition}"
            ended = commands.run(shop.reindex("--force"))
            assert ended.code == 0, ended.said
            assert {**shop.read(client), **dict.fromkeys(kept, edition)} == after
            expected = shop.read(client)
    assert failed
    tell(f"{failed} of {len(ROOM)} times endcap reindex found the disk full; then it ended well")


def write_what_can_be(shop: EditionShop, client: endcap.SearchClient, edition: int) -> list[str]:
    """The ids of the upserts that were acknowledged on a full disk; the others say why not."""
    kept = []
    for number in range(3):
        row = product(number, edition)
        try:
            upserted = client.upsert(index=shop.alias, products=[row], follow=False)
        except OpenSearchException as error:
            assert "disk" in str(error) or "space" in str(error)
            continue
        assert upserted.written == 1, upserted
        kept.append(row["id"])
    return kept


def test_files_that_may_not_grow(tmp_path, commands, tell):
    """By RLIMIT_FSIZE, which hits the engine's database and the store's files alike."""
    shop = EditionShop(str(tmp_path / "store"), tmp_path)
    before = shop.write(0)
    assert commands.run(shop.reindex()).code == 0
    largest = max(path.stat().st_size for path in shop.store.rglob("*") if path.is_file())
    rng = random.Random(SEED)
    failed = 0
    with shop.client() as client:
        for edition in range(1, LIMITS + 1):
            after = shop.write(edition)
            limit = int(largest ** rng.uniform(0.3, 1.0))
            ended = commands.run(shop.reindex(), file_bytes=limit)
            assert ended.code in (0, 1), ended.said
            failed += ended.code
            assert shop.read(client) in (before, after)
            ended = commands.run(shop.reindex())
            assert ended.code == 0, ended.said
            assert shop.read(client) == after
            before = after
    assert failed
    tell(f"{failed} of {LIMITS} times a file of endcap reindex could not grow, seed {SEED}")
