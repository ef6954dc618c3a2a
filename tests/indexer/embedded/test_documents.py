"""The copies of documents: what a refresh reads, what stays readable, what is purged."""

import pytest

from endcap_indexer.embedded import writes
from endcap_indexer.embedded.database import Database
from endcap_indexer.embedded.documents import Change, Documents
from endcap_indexer.embedded.errors import RequestError
from endcap_indexer.embedded.writes import Transaction


@pytest.fixture
def database(folder):
    database = Database(folder / "engine.sqlite3")
    yield database
    database.close()


@pytest.fixture
def documents(database):
    return Documents(database)


@pytest.fixture
def write(database):
    def write(*writes):
        with database.write() as connection:
            transaction = Transaction(connection)
            for id, source in writes:
                writer = transaction.writer("products")
                writer.delete(id) if source is None else writer.put(id, source)
            transaction.finish(refresh=False)

    return write


@pytest.fixture
def at_once(monkeypatch):
    """What is superseded or deleted expires at once."""
    monkeypatch.setattr(writes, "SUPERSEDED_SECONDS", -1.0)
    monkeypatch.setattr(writes, "DELETED_SECONDS", -1.0)


def test_changes_in_order(documents, write):
    write(("a", b'{"n": 1}'), ("b", b'{"n": 2}'))
    documents.set_refreshed("products", 0)
    write(("a", b'{"n": 3}'), ("b", None))
    assert documents.changes("products", -1, 10) == [
        Change(0, "a", {"n": 1}, None),
        Change(1, "b", {"n": 2}, None),
        Change(2, "a", {"n": 3}, 0),
        Change(3, "b", None, 1),
    ]
    assert [change.seq_no for change in documents.changes("products", 0, 2)] == [1, 2]
    assert documents.last_seq_no("products") == 3
    assert documents.refreshed("products") == 0


def test_superseded_copies_stay_readable(documents, write):
    write(("a", b'{"n": 1}'))
    documents.set_refreshed("products", 0)
    write(("a", b'{"n": 2}'), ("a", None))
    found = documents.fetch("products", [0, 1, 2, 7])
    assert {seq_no: copy.source for seq_no, copy in found.items()} == {0: {"n": 1}, 1: {"n": 2}}
    assert found[1].version == 2


def test_an_index_that_was_never_searched_keeps_current_copies_only(documents, write):
    write(*[("a", b"{}")] * 10, ("b", b"{}"))
    assert set(documents.fetch("products", range(11))) == {9, 10}
    assert documents.changes("products", -1, 10)[0] == Change(9, "a", {}, 8)


def test_a_refresh_purges_what_nobody_needs(documents, write, at_once):
    write(("a", b'{"n": 1}'), ("b", b"{}"))
    documents.set_refreshed("products", 1)
    write(("b", None), ("a", b'{"n": 2}'), ("c", b"{}"))
    documents.set_refreshed("products", 2)  # a's first copy is what a search still finds
    assert [change.seq_no for change in documents.changes("products", -1, 10)] == [0, 3, 4]
    documents.set_refreshed("products", 4)
    assert [change.seq_no for change in documents.changes("products", -1, 10)] == [3, 4]
    assert documents.refreshed("products") == 4


def test_writers_purge_what_no_search_has_seen(documents, write, at_once, monkeypatch):
    monkeypatch.setattr(writes, "PURGE_EVERY", 10)
    write(("a", b"{}"))
    documents.set_refreshed("products", 0)
    for _ in range(25):
        write(("a", b"{}"))
    kept = [change.seq_no for change in documents.changes("products", -1, 100)]
    assert kept == [0, 20, 21, 22, 23, 24, 25]  # the one that a search finds, and since the purge


def test_a_deletion_is_kept_until_the_searchable_index_has_seen_it(documents, write, at_once):
    write(("a", b"{}"), ("b", b"{}"))
    documents.set_refreshed("products", 1)
    write(("a", None))
    documents.set_refreshed("products", 1)
    assert Change(2, "a", None, 0) in documents.changes("products", -1, 10)
    documents.set_refreshed("products", 2)
    assert [change.id for change in documents.changes("products", -1, 10)] == ["b"]


def test_nothing_is_purged_before_its_time(documents, write):
    write(("a", b'{"n": 1}'))
    documents.set_refreshed("products", 0)
    write(("a", b'{"n": 2}'))
    documents.set_refreshed("products", 1)
    assert set(documents.fetch("products", [0, 1])) == {0, 1}


def test_a_pin_keeps_what_a_scroll_shows(documents, write, at_once):
    write(("a", b'{"n": 1}'))
    documents.set_refreshed("products", 0)
    documents.pin("products", 60.0)
    write(("a", b'{"n": 2}'))
    documents.set_refreshed("products", 1)
    assert set(documents.fetch("products", [0, 1])) == {0, 1}


def test_numbers_are_not_used_twice(documents, write, at_once):
    write(("a", b"{}"), ("a", None))
    documents.set_refreshed("products", 1)
    write(("b", b"{}"))
    assert documents.last_seq_no("products") == 2


def test_a_refused_write_leaves_no_trace(documents, database):
    with pytest.raises(RuntimeError), database.write() as connection:
        transaction = Transaction(connection)
        transaction.writer("products").put("a", b"{}")
        raise RuntimeError
    with pytest.raises(RequestError, match="no such index"):
        documents.last_seq_no("products")


def test_fetch_of_many(documents, write):
    write(*[(str(n), b'{"n": %d}' % n) for n in range(2000)])
    found = documents.fetch("products", list(range(1999, -1, -1)))
    assert [found[n].source["n"] for n in (0, 1000, 1999)] == [0, 1000, 1999]
