"""What was deleted is in no file of the engine any more."""

import sqlite3

import pytest
from opensearchpy import OpenSearch, TransportError

from endcap_indexer.embedded import EmbeddedConnection, database

SECRET = "c0ffee" * 10


@pytest.fixture
def client(tmp_path):
    with OpenSearch(connection_class=EmbeddedConnection, folder=tmp_path / "engine") as client:
        yield client


def files_with(folder, text):
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and text.encode() in path.read_bytes()
    ]


@pytest.mark.parametrize("searched", [True, False], ids=["searched", "never searched"])
def test_nothing_is_left_of_what_was_deleted(client, tmp_path, searched):
    """As an id, as a value, as a value that was overwritten, seen by searches or not."""
    for n in range(30):
        client.index(index="people", id=str(n), body={"name": f"other {n}"})
    client.index(index="people", id=SECRET, body={"name": "somebody"})
    client.index(index="people", id="a", body={"name": SECRET})
    client.index(index="people", id="b", body={"name": SECRET})
    if searched:
        client.indices.refresh(index="people")
        assert client.count(index="people")["count"] == 33
    assert files_with(tmp_path, SECRET)
    client.delete(index="people", id=SECRET)
    client.delete(index="people", id="a")
    client.index(index="people", id="b", body={"name": "nobody"})
    client.indices.forcemerge(index="people", only_expunge_deletes=True)
    assert files_with(tmp_path, SECRET) == []
    assert client.count(index="people")["count"] == 31
    assert client.get(index="people", id="b")["_source"] == {"name": "nobody"}


def test_a_reader_that_does_not_end_is_said(client, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    client.index(index="people", id="a", body={"name": SECRET})
    client.delete(index="people", id="a")
    client.close()
    other = OpenSearch(connection_class=EmbeddedConnection, folder=tmp_path / "engine")
    reader = sqlite3.connect(tmp_path / "engine" / "engine.sqlite3", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM indices").fetchone()
    with pytest.raises(TransportError, match="read by another process; try again"):
        other.indices.forcemerge(index="people")
    reader.execute("COMMIT")
    other.indices.forcemerge(index="people")
    assert files_with(tmp_path, SECRET) == []
    reader.close()
    other.close()
