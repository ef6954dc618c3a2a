"""What is written while a generation is built is in it when it goes live."""

import importlib
import threading
from dataclasses import replace

import pytest
from built_shop import row

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.generations import beside, golive, roll_back
from endcap_indexer.generations.beside import INTERVAL_SECONDS
from endcap_indexer.generations.carry import Carry


def at(monkeypatch, moment, act):
    """Act once, when this function of golive is called."""
    before, done = getattr(golive, moment), []

    def acted(*arguments, **options):
        if not done:
            done.append(True)
            act()
        return before(*arguments, **options)

    monkeypatch.setattr(golive, moment, acted)


def wait_for(true):
    for _ in range(60):
        if true():
            return
        threading.Event().wait(INTERVAL_SECONDS / 2)
    assert true()


def test_what_was_written_meanwhile_is_carried(built, monkeypatch, encoder):
    built.build([row(n) for n in range(6)])
    client, index = built.client, built.index

    def write():
        client.index(index=index, id="p1", body={**row(1, "upserted"), "price": 7.0})
        client.index(index=index, id="new", body={"title": "new", "price": 1.0})
        client.delete(index=index, id="p2")
        client.index(index=index, id="brief", body={"title": "brief"})
        client.delete(index=index, id="brief")

    at(monkeypatch, "Carry", write)
    done = built.build([row(n, "second") for n in range(6)])
    assert done.carried >= 3
    documents = built.documents()
    assert set(documents) == {"p0", "p1", "p3", "p4", "p5", "new"}
    assert (documents["p1"]["price"], documents["p3"]["title"]) == (7.0, "Lamp &amp; 3 second")
    assert "oak <3" in documents["p1"]["endcap"]["attributes"]
    built.assert_followed()


def test_the_catalogue_wins_over_what_was_written_before(built):
    built.build([row(n) for n in range(3)])
    built.client.index(index=built.index, id="p1", body={"title": "upserted", "price": 1.0})
    built.client.delete(index=built.index, id="p2")
    done = built.build([row(n, "second") for n in range(3)])
    assert done.carried == 0
    documents = built.documents()
    assert sorted(documents) == ["p0", "p1", "p2"]
    assert documents["p1"]["title"] == "Lamp &amp; 1 second"
    built.assert_followed()


def test_what_is_on_its_way_at_the_swap_gives_way_to_what_is_newer(built, monkeypatch):
    """Writes that had not arrived when the alias was swapped, and others right after it."""
    built.build([row(n) for n in range(8)])
    client, index = built.client, built.index
    old, swap = built.live(), golive.swap_alias

    def overtaken(*arguments):
        swap(*arguments)
        for id in ("p1", "p2", "p3", "late", "both"):
            client.index(index=old, id=id, body={"title": "late", "price": 1.0})
        client.delete(index=old, id="p4")
        client.delete(index=old, id="p5")
        client.index(index=index, id="p2", body={"title": "newer", "price": 2.0})
        client.index(index=index, id="p5", body={"title": "newer", "price": 2.0})
        client.index(index=index, id="both", body={"title": "newer", "price": 2.0})
        client.delete(index=index, id="p3")

    monkeypatch.setattr(golive, "swap_alias", overtaken)
    built.build([row(n, "second") for n in range(8)])
    titles = {id: each["title"] for id, each in built.documents().items()}
    assert set(titles) == {"p0", "p1", "p2", "p5", "p6", "p7", "late", "both"}
    assert titles["p1"] == titles["late"] == "late"
    assert titles["p2"] == titles["p5"] == titles["both"] == "newer"
    built.assert_followed()


def test_the_live_one_is_followed_while_the_next_is_built(built, encoder, monkeypatch):
    built.build([row(n) for n in range(3)])
    encode, reached, go_on = encoder.encode_products, threading.Event(), threading.Event()

    def encode_slowly(texts):
        if any("Lamp & 1 second" in text for text in texts):
            reached.set()
            assert go_on.wait(60)
        return encode(texts)

    monkeypatch.setattr(encoder, "encode_products", encode_slowly)
    built_next = threading.Thread(target=built.build, args=([row(n, "second") for n in (1, 2, 3)],))
    built_next.start()
    try:
        assert reached.wait(60)
        built.client.index(index=built.index, id="new", body={"title": "new", "price": 1.0})
        live = built.generation()
        wait_for(lambda: live.refreshed().rows(["new"])[0] == 3)
    finally:
        go_on.set()
        built_next.join()
    assert sorted(built.documents()) == ["new", "p1", "p2", "p3"]
    # vectors in the cluster are not copied: a document may say something else by then
    assert encoder.encoded.count("new") == (1 if built.settings.vectors == "folder" else 2)
    built.assert_followed()


def test_the_live_one_is_followed_until_the_swap(built, monkeypatch):
    built.build([row(n) for n in range(3)])
    live = built.generation()

    def write():
        built.client.index(index=built.index, id="new", body={"title": "new", "price": 1.0})
        wait_for(lambda: live.refreshed().rows(["new"])[0] == 3)

    at(monkeypatch, "Carry", write)
    built.build([row(n, "second") for n in range(3)])
    assert sorted(built.documents()) == ["new", "p0", "p1", "p2"]
    built.assert_followed()


def test_what_came_and_went_while_the_source_was_read_is_gone(built, monkeypatch, encoder):
    """The source still had it; nothing of it is left in the index that was live."""
    built.build([row(n) for n in range(3)])
    live, encode = built.generation(), encoder.encode_products
    new = {"title": "new", "price": 1.0}

    def encode_late(texts):
        if any("second" in text for text in texts) and live.refreshed().rows(["new"])[0] < 0:
            built.client.index(index=built.index, id="new", body=new)
            wait_for(lambda: live.refreshed().rows(["new"])[0] >= 0)
        return encode(texts)

    monkeypatch.setattr(encoder, "encode_products", encode_late)
    at(monkeypatch, "Carry", lambda: built.client.delete(index=built.index, id="new"))
    built.build([*(row(n, "second") for n in range(3)), {"id": "new", **new}])
    assert sorted(built.documents()) == ["p0", "p1", "p2"]
    built.assert_followed()


def test_what_came_and_went_between_two_looks_is_gone(built, monkeypatch):
    """It was there when the source's product was read."""
    built.build([row(n) for n in range(3)])
    module = importlib.import_module("endcap_indexer.generations.reindex")
    client, new, state_of = built.client, {"title": "new", "price": 1.0}, module.state_of

    def written_since(*arguments):
        since = state_of(*arguments)
        client.index(index=built.index, id="new", body=new)
        return since

    monkeypatch.setattr(module, "state_of", written_since)
    monkeypatch.setattr(beside, "INTERVAL_SECONDS", 1000.0)
    at(monkeypatch, "Carry", lambda: client.delete(index=built.index, id="new"))
    built.build([*(row(n, "second") for n in range(3)), {"id": "new", **new}])
    assert sorted(built.documents()) == ["p0", "p1", "p2"]
    built.assert_followed()


def test_what_came_and_went_stays_gone_in_what_a_rollback_goes_back_to(built):
    """The one that was live lacked it at first, and the one before it still has it."""
    built.build([row(n) for n in range(3)])
    built.build([row(n, "second") for n in range(2)])
    built.client.index(index=built.index, id="p2", body={"title": "again", "price": 1.0})
    built.follow()
    built.client.delete(index=built.index, id="p2")
    built.follow()
    roll_back(built.client, built.store, built.index)
    assert sorted(built.documents()) == ["p0", "p1"]
    built.follow()
    built.assert_followed()


def test_what_was_carried_and_went_before_it_had_a_row_stays_gone(built, monkeypatch):
    built.build([row(n) for n in range(3)])
    client, new = built.client, {"title": "new", "price": 1.0}
    at(monkeypatch, "Carry", lambda: client.index(index=built.index, id="new", body=new))
    swap = golive.swap_alias

    def swapped(*arguments):
        swap(*arguments)
        client.delete(index=built.index, id="new")

    monkeypatch.setattr(golive, "swap_alias", swapped)
    monkeypatch.setattr(golive.Pursuit, "catch_up", lambda self: None)  # in no time
    built.build([row(n, "second") for n in range(3)])
    monkeypatch.undo()
    roll_back(client, built.store, built.index)
    assert sorted(built.documents()) == ["p0", "p1", "p2"]
    built.follow()
    built.assert_followed()


def test_what_was_deleted_and_comes_back_at_the_swap_is_there(built, monkeypatch):
    """The new generation does not know yet that it was gone."""
    built.build([row(n) for n in range(3)])
    client, old, swap = built.client, built.live(), golive.swap_alias
    catch_up, rounds = Carry.catch_up, []

    def deleted_late(carry):
        rounds.append(carry)
        if len(rounds) == 2:
            client.delete(index=old, id="p1")
        catch_up(carry)

    def overtaken(*arguments):
        swap(*arguments)
        client.index(index=old, id="p1", body={"title": "back", "price": 1.0})

    monkeypatch.setattr(Carry, "catch_up", deleted_late)
    monkeypatch.setattr(golive, "swap_alias", overtaken)
    built.build([row(n, "second") for n in range(3)])
    assert built.documents()["p1"]["title"] == "back"
    built.assert_followed()


@pytest.mark.parametrize("next_command", ["follow", "build", "roll back"])
@pytest.mark.parametrize("built", ["embedded"], indirect=True)
def test_who_comes_next_finishes_what_died_at_the_swap(built, monkeypatch, next_command):
    built.build([row(n) for n in range(3)])
    client, old = built.client, built.live()

    def die(carry, before):
        client.index(index=old, id="late", body={"title": "late", "price": 1.0})
        client.delete(index=old, id="p1")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Carry, "finish", die)
        with pytest.raises(KeyboardInterrupt):
            built.build([row(n, "second") for n in range(3)])
    client.index(index=built.index, id="newer", body={"title": "newer", "price": 1.0})
    match next_command:
        case "follow":
            built.follow()
        case "build":
            built.build([row(n, "third") for n in range(3)])
        case "roll back":
            roll_back(client, built.store, built.index)
    found = set(built.documents())
    expected = {"follow": {"p0", "p2", "late", "newer"}, "build": {"p0", "p1", "p2"}}
    assert found == expected.get(next_command, expected["follow"])
    built.follow()
    built.assert_followed()


@pytest.mark.parametrize("built", ["embedded"], indirect=True)
def test_a_document_that_the_new_index_refuses_ends_the_build(built, monkeypatch):
    built.build([row(1)])

    def write():
        body = {"title": "odd", "weight": 1.0, "size": "large"}
        built.client.index(index=built.index, id="odd", body=body)

    at(monkeypatch, "Carry", write)
    built.fields = replace(built.fields, numbers=("weight", "size"))
    with pytest.raises(GenerationError, match="'odd', which was written while .* was built"):
        built.build([{**row(1), "size": 3}])
    assert built.live().endswith("-000001")


def test_what_was_written_since_it_went_live_survives_a_rollback(built):
    built.build([row(n) for n in range(6)])
    client, index = built.client, built.index
    client.index(index=index, id="before", body={"title": "before", "price": 1.0})
    built.build([row(n, "second") for n in range(1, 7)])
    assert set(built.documents()) == {f"p{n}" for n in range(1, 7)}
    client.index(index=index, id="new", body={"title": "new", "price": 1.0})
    client.update(index=index, id="p1", body={"doc": {"price": 99.0}})
    client.delete(index=index, id="p2")
    built.follow()
    client.index(index=index, id="later", body={"title": "later", "price": 1.0})
    client.delete(index=index, id="new")
    done = roll_back(built.client, built.store, built.index)
    assert done.carried >= 3
    documents = built.documents()
    assert set(documents) == {"p0", "p1", "p3", "p4", "p5", "before", "later"}
    assert (documents["p1"]["price"], documents["p3"]["title"]) == (99.0, "Lamp &amp; 3 first")
    built.follow()
    built.assert_followed()
    client.delete(index=index, id="p0")
    roll_back(built.client, built.store, built.index, done.before)
    assert set(built.documents()) == {"p1", "p3", "p4", "p5", "p6", "later"}
    built.follow()
    built.assert_followed()


@pytest.mark.parametrize("built", ["embedded"], indirect=True)
def test_a_rollback_from_a_damaged_generation_says_what_it_leaves_behind(built, caplog):
    built.build([row(1)])
    built.build([row(1, "second")])
    built.client.update(index=built.index, id="p1", body={"doc": {"price": 99.0}})
    (built.generation().path / "columns.npy").write_bytes(b"damaged")
    roll_back(built.client, built.store, built.index)
    assert built.documents()["p1"]["price"] == 1.5
    assert "is not carried" in caplog.text
