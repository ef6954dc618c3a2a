"""Whatever the shop's programs write, the generation says the same when it has been followed."""

import random

import pytest
from failing_disk import FailingDisk

from endcap_indexer import files
from endcap_indexer.exceptions import ChecksumError, GenerationError, LeaseError
from endcap_indexer.generations import Follower, Generation, hold_lease, pursuit
from endcap_indexer.generations.checkpoints import CHECKPOINT
from endcap_indexer.generations.documents import scan_documents, write_ours

# the server warns, now and then, of an update where an index has an ingest pipeline
pytestmark = pytest.mark.filterwarnings("ignore:.*has a default ingest pipeline")


def at_random(shop, rng, steps):
    """Index, bulk, update and delete, as often as not the same documents again."""
    for _ in range(steps):
        numbers = rng.sample(range(60), rng.randint(1, 4))
        edition = f"edition {rng.randint(0, 3)}"
        there = [n for n in numbers if shop.client.exists(index=shop.name, id=f"p{n}")]
        match rng.randint(0, 3):
            case 0:
                shop.put(*numbers, edition=edition)
            case 1:
                shop.delete(*there)
            case 2:
                for n in there:
                    body = {"doc": {"price": rng.random(), "brand": {"name": edition}}}
                    shop.client.update(index=shop.name, id=f"p{n}", body=body)
            case 3:
                lines = [line for n in there for line in ({"delete": {"_id": f"p{n}"}},)]
                if lines:
                    shop.client.bulk(index=shop.name, body=lines)
                    shop.put(*there, edition=edition)


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("seed", range(2))
def test_random_writes_are_followed(
    shop, attach_shop, follower, assert_followed, monkeypatch, rows, seed
):
    monkeypatch.setattr(pursuit, "BATCH", 7)
    rng = random.Random(seed)
    attach_shop(rows=rows)
    for _ in range(5):
        at_random(shop, rng, 6)
        follower.run()
        assert_followed(rows=rows)


def test_only_texts_that_changed_are_embedded(shop, attach_shop, follower, encoder):
    attach_shop()
    encoder.encoded.clear()
    shop.client.update(index=shop.name, id="p1", body={"doc": {"price": 9.0}})
    shop.client.update(index=shop.name, id="p2", body={"doc": {"brand": {"name": "other"}}})
    shop.client.update(index=shop.name, id="p3", body={"doc": {"name": "couch"}})
    followed = follower.run()
    assert (followed.read, followed.changed, followed.embedded) == (3, 2, 1)
    assert encoder.encoded == ["couch first 3 oak"]
    assert followed.segments == 1


@pytest.mark.parametrize("rows", [False, True])
def test_nothing_new_is_nothing_to_do(shop, attach_shop, follower, rows):
    """What was written by ourselves is no change."""
    attach_shop(rows=rows)
    shop.put(1, 50)
    assert follower.run().rows == (2 if rows else 0)
    held = {id: hit["_seq_no"] for id, hit in shop.documents().items()}
    again = follower.run()
    assert again[1:6] == (0, 0, 0, 0, 0)
    assert {id: hit["_seq_no"] for id, hit in shop.documents().items()} == held


def test_as_many_that_came_as_went(shop, attach_shop, follower, assert_followed):
    attach_shop()
    shop.delete(1, 2)
    shop.put(50, 51)
    followed = follower.run()
    assert (followed.changed, followed.removed) == (2, 2)
    assert_followed(rows=False)


def test_a_sweep_on_demand(shop, attach_shop, follower, assert_followed, monkeypatch):
    """A deletion that the counts hide, as of two documents of one id."""
    attach_shop()
    shop.delete(1)
    with monkeypatch.context() as patched:
        patched.setattr(shop.client, "count", lambda **_: {"count": 10**9})
        assert follower.run().removed == 0
        assert follower.run(sweep=True).removed == 1
    assert_followed(rows=False)


def test_an_interrupted_run_reads_one_batch_again(
    shop, attach_shop, follower, assert_followed, encoder, monkeypatch
):
    attach_shop()
    monkeypatch.setattr(pursuit, "BATCH", 5)
    monkeypatch.setattr("endcap_indexer.generations.documents.PAGE", 5)
    encode, before = encoder.encode_products, len(encoder.encoded)
    shop.put(*range(20), edition="second")

    def fail(texts):
        if len(encoder.encoded) >= before + 10:
            raise KeyboardInterrupt
        return encode(texts)

    monkeypatch.setattr(encoder, "encode_products", fail)
    with pytest.raises(KeyboardInterrupt):
        follower.run()
    embedded = len(encoder.encoded) - before
    assert embedded >= 10
    monkeypatch.setattr(encoder, "encode_products", encode)
    assert follower.run().read <= 20 - embedded + 5
    assert len(encoder.encoded) == before + 20
    assert_followed(rows=False)


def test_a_fault_at_every_third_operation(
    shop, attach_shop, store, encoder, assert_followed, monkeypatch
):
    """At a write, fsync, rename or removal; after every other one the disk stays dead."""
    attach_shop(rows=True)
    for fail_at in range(1, 100, 3):
        shop.put(1, 100 + fail_at, edition=f"edition {fail_at}")
        if fail_at > 1:
            shop.delete(97 + fail_at)
        disk = FailingDisk(fail_at, dead=fail_at % 2 == 0)
        monkeypatch.setattr(files, "DISK", disk)
        follower = Follower(shop.client, store, shop.name, lambda _: encoder)
        try:
            follower.run()
        except OSError:
            assert disk.reached
        monkeypatch.setattr(files, "DISK", files.Disk())
        Generation.open(store / "generations" / f"{shop.name}-000001")
        follower.run()
        if not disk.reached or fail_at % 7 == 0:
            assert_followed(rows=True)
        if not disk.reached:
            break
    assert fail_at > 40


def test_another_history_is_read_from_its_beginning(
    shop, attach_shop, follower, assert_followed, encoder, store
):
    """As after a restored snapshot, whose numbers mean something else."""
    attach_shop()
    path = store / "generations" / f"{shop.name}-000001" / CHECKPOINT
    table = files.unsealed(path.read_bytes())
    table["shards"] = {shard: ["of another life", 10**6] for shard in table["shards"]}
    path.write_bytes(files.sealed(table))
    shop.delete(1)
    encoder.encoded.clear()
    followed = follower.run()
    assert (followed.read, followed.changed, followed.removed) == (40, 0, 1)
    assert encoder.encoded == []
    assert_followed(rows=False)
    assert follower.run().read == 0


def test_a_damaged_checkpoint_says_what_to_do(shop, attach_shop, follower, store):
    attach_shop()
    path = store / "generations" / f"{shop.name}-000001" / CHECKPOINT
    path.write_text('{"format": 2}')
    with pytest.raises(ChecksumError, match="its format is 2.*endcap follow reads everything"):
        follower.run()
    path.unlink()
    assert follower.run().changed == 0


def test_a_document_that_changed_meanwhile_keeps_what_was_written(shop, attach_shop, server):
    """Nor does one come back that was deleted."""
    attach_shop()
    shop.documents()
    read = {each.id: each for each in scan_documents(server, shop.name, ["name"])}
    shop.put(1, edition="second")
    shop.delete(2)
    server.indices.put_mapping(
        index=shop.name,
        body={"properties": {"endcap": {"properties": {"row": {"type": "integer"}}}}},
    )
    assert write_ours(server, shop.name, [(read[f"p{n}"], {"row": n}) for n in (1, 2, 3)]) == 1
    documents = shop.documents()
    assert "p2" not in documents
    assert documents["p1"]["_source"]["brand"] == {"name": "second"}
    assert "endcap" not in documents["p1"]["_source"]
    assert documents["p3"]["_source"]["endcap"] == {"row": 3}


def test_a_copied_document_gets_a_row_of_its_own(shop, attach_shop, follower, assert_followed):
    """A program may read a document, row and all, and write it under another id."""
    attach_shop(rows=True)
    source = shop.client.get(index=shop.name, id="p1")["_source"]
    shop.client.index(index=shop.name, id="copy", body=source)
    follower.run()
    assert_followed(rows=True)


def test_a_new_attachment_is_gone_on_with(shop, attach_shop, follower, assert_followed):
    attach_shop()
    assert follower.run().generation == f"{shop.name}-000001"
    attach_shop(rows=True)
    shop.put(50)
    assert follower.run().generation == f"{shop.name}-000002"
    assert_followed(rows=True)


def test_one_writer_at_a_time(shop, attach_shop, follower, store):
    attach_shop()
    with hold_lease(store):
        assert follower.run().read == 0  # who only looks is in nobody's way
        shop.put(1, edition="second")
        with pytest.raises(LeaseError):
            follower.run()
    assert follower.run().read == 1


def test_an_index_that_is_not_attached(shop, follower):
    with pytest.raises(GenerationError, match=f"not attached; run: endcap attach {shop.name}"):
        follower.run()
