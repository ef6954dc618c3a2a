"""When the engine builds a searchable index, refreshes it and removes it."""

import pytest
from opensearchpy import OpenSearch, TransportError

from endcap_indexer.embedded import EmbeddedConnection
from endcap_indexer.embedded.lexical import LexicalIndex


@pytest.fixture
def refreshes(monkeypatch):
    """The indices that were refreshed, in order."""
    done = []
    refresh = LexicalIndex.refresh

    def watched(lexical):
        done.append(lexical.index)
        refresh(lexical)

    monkeypatch.setattr(LexicalIndex, "refresh", watched)
    return done


def built(folder):
    return list((folder / "lexical").glob("*"))


def test_an_index_that_nobody_searches_is_never_built(client, folder, refreshes):
    for n in range(20):
        client.index(index="profiles", id=str(n % 3), body={"n": n}, params={"refresh": "true"})
        client.get(index="profiles", id=str(n % 3))
        client.mget(index="profiles", body={"ids": ["1", "2"]})
    assert refreshes == []
    assert built(folder) == []


def test_a_refresh_that_a_write_asks_for_is_made_once_by_the_next_search(client, refreshes):
    client.indices.create(index="products", body={"settings": {"refresh_interval": "-1"}})
    for n in range(5):
        client.index(index="products", id=str(n), body={"n": n}, params={"refresh": "wait_for"})
    assert client.count(index="products")["count"] == 5
    assert client.count(index="products")["count"] == 5
    assert refreshes == ["products"]


def test_searches_without_writes_refresh_nothing(client, refreshes):
    client.index(index="products", id="1", body={}, params={"refresh": "true"})
    for _ in range(5):
        client.search(index="products", body={})
    assert refreshes == ["products"]


def test_the_interval_spares_refreshes(client, refreshes):
    client.indices.create(index="products", body={"settings": {"refresh_interval": "1h"}})
    for n in range(5):
        client.index(index="products", id=str(n), body={})
        client.count(index="products")
    assert refreshes == ["products"]


def test_a_deleted_index_leaves_no_files(client, folder):
    for name in ("old", "new"):
        client.index(index=name, id="1", body={}, params={"refresh": "true"})
        client.count(index=name)
    assert len(built(folder)) == 2
    client.indices.delete(index="old")
    assert len(built(folder)) == 1
    actions = [{"remove_index": {"index": "new"}}, {"add": {"index": "other", "alias": "new"}}]
    client.indices.create(index="other")
    client.indices.update_aliases(body={"actions": actions})
    assert built(folder) == []


def test_the_searchable_index_can_be_thrown_away(client, folder):
    client.index(index="products", id="1", body={"title": "red shoe"}, params={"refresh": "true"})
    query = {"query": {"match": {"title": "shoe"}}}
    before = client.search(index="products", body=query)["hits"]
    client.close()
    for path in sorted(folder.glob("lexical/**/*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    with OpenSearch(connection_class=EmbeddedConnection, folder=folder) as again:
        assert again.search(index="products", body=query)["hits"] == before


class FullDisk:
    """A tantivy index that cannot be written."""

    def writer(self, *given):
        raise ValueError("No space left on device (os error 28)")

    def __getattr__(self, name):
        return getattr(self.index, name)

    def __init__(self, index):
        self.index = index


def test_a_refresh_that_fails_is_told_to_who_asked_for_it_alone(client, monkeypatch):
    """Searches see the last one meanwhile, and a later one makes up for it."""
    client.index(index="p", id="1", body={"n": 1}, params={"refresh": "true"})
    assert client.count(index="p")["count"] == 1
    client.indices.put_settings(index="p", body={"refresh_interval": "0s"})
    client.index(index="p", id="2", body={"n": 2})
    opened = LexicalIndex._open
    with monkeypatch.context() as patch:
        patch.setattr(LexicalIndex, "_open", lambda *given: FullDisk(opened(*given)))
        assert client.search(index="p", body={})["hits"]["total"]["value"] == 1
        with pytest.raises(TransportError) as raised:
            client.indices.refresh(index="p")
        assert raised.value.status_code == 500
        assert raised.value.error == "refresh_failed_engine_exception"
    assert client.search(index="p", body={})["hits"]["total"]["value"] == 2
