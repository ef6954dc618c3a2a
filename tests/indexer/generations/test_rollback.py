"""Back and forth between generations, on both engines; what is read is not removed."""

import subprocess
import sys

import pytest
from built_shop import row

from endcap_indexer.exceptions import ChecksumError, GenerationError
from endcap_indexer.generations import Generation, IndexSettings, generation_folder, roll_back

HOLD = """
import sys
from pathlib import Path
from endcap_indexer.generations import Generation
generation = Generation.open(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def rows(edition: str, count: int = 6):
    return [row(number, edition) for number in range(count)]


@pytest.fixture
def editions(built):
    """Three editions, all kept."""
    built.settings = IndexSettings(built.settings.vectors, keep=9)
    for edition in ("first", "second", "third"):
        built.build(rows(edition))
    return built


def edition(shop) -> str:
    """Of every document, each with its row and its vector."""
    shop.assert_followed()
    (said,) = {document["title"].split()[-1] for document in shop.documents().values()}
    return said


def name(shop, number: int) -> str:
    return f"{shop.index}-{number:06}"


def test_back_and_forth(editions):
    shop = editions
    done = roll_back(shop.client, shop.store, shop.index)
    assert done == (name(shop, 2), name(shop, 3), 0)
    assert edition(shop) == "second"
    roll_back(shop.client, shop.store, shop.index)
    assert edition(shop) == "first"
    with pytest.raises(GenerationError, match="no generation of .* before"):
        roll_back(shop.client, shop.store, shop.index)
    roll_back(shop.client, shop.store, shop.index, name(shop, 3))
    assert edition(shop) == "third"


def test_a_build_after_a_rollback_goes_on(editions):
    shop = editions
    roll_back(shop.client, shop.store, shop.index)
    assert shop.build(rows("fourth")).generation == name(shop, 4)
    assert edition(shop) == "fourth"
    # not to the third, which one had gone back from
    assert roll_back(shop.client, shop.store, shop.index)[:2] == (name(shop, 2), name(shop, 4))
    assert edition(shop) == "second"


def test_what_cannot_be_used_is_refused_by_name(editions):
    shop = editions

    def refused(to, error=GenerationError):
        with pytest.raises(error) as raised:
            roll_back(shop.client, shop.store, shop.index, to)
        assert edition(shop) == "third"
        return str(raised.value)

    assert "is live already" in refused(name(shop, 3))
    assert f"there are {name(shop, 1)}, " in refused(name(shop, 7))
    shop.client.indices.delete(index=name(shop, 1))
    assert f"{name(shop, 1)} is no generation" in refused(name(shop, 1))
    ids = generation_folder(shop.store, name(shop, 2)) / "ids.npy"
    ids.write_bytes(ids.read_bytes()[:-1])
    assert "ids.npy is damaged" in refused(None, ChecksumError)


def test_so_many_generations_are_kept(built):
    built.settings = IndexSettings(built.settings.vectors, keep=3)
    for number in range(4):
        built.build(rows(f"edition{number}"))
    there = sorted(built.client.indices.get(index=f"{built.index}-*"))
    assert there == [name(built, 2), name(built, 3), name(built, 4)]
    assert sorted(p.name for p in (built.store / "generations").iterdir()) == there


def test_what_another_process_reads_is_not_removed(built):
    built.build(rows("first"))
    held = generation_folder(built.store, built.live())
    reader = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(held)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with reader:
        assert reader.stdout.readline() == "held\n"
        assert built.build(rows("second")).held == ()
        assert built.build(rows("third")).held == (held.name,)
        assert held.is_dir() and built.client.indices.exists(index=held.name)
        reader.communicate("")
    assert built.build(rows("fourth")).held == ()
    assert not held.exists() and not built.client.indices.exists(index=held.name)


def test_an_open_generation_is_held_until_it_is_garbage(built):
    built.build(rows("first"))
    generation = Generation.open(generation_folder(built.store, built.live()))
    refreshed = generation.refreshed()
    built.build(rows("second"))
    assert built.build(rows("third")).held == (refreshed.name,)
    del generation, refreshed
    assert built.build(rows("fourth")).held == ()
