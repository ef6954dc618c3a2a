"""The connection as opensearch-py sees it."""

import logging
import threading

import orjson
import pytest
from opensearchpy import AsyncOpenSearch, ImproperlyConfigured, OpenSearch

from endcap_indexer.embedded import EmbeddedAsyncConnection, EmbeddedConnection
from endcap_indexer.embedded import engine as engines


def test_a_folder_is_needed():
    with pytest.raises(ImproperlyConfigured, match="needs a folder"):
        OpenSearch(connection_class=EmbeddedConnection)


def test_hosts_may_be_given_and_do_not_matter(folder):
    hosts = [{"host": "localhost", "port": 9200}, {"host": "elsewhere"}]
    with OpenSearch(hosts, connection_class=EmbeddedConnection, folder=str(folder)) as client:
        client.index(index="products", id="1", body={})
        assert all(client.exists(index="products", id="1") for _ in range(4))


def test_nothing_is_made_before_the_first_request(folder):
    with OpenSearch(connection_class=EmbeddedConnection, folder=folder) as client:
        assert not folder.exists()
        client.info()
        assert (folder / "engine.sqlite3").is_file()


def test_one_engine_for_a_folder(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    first = EmbeddedConnection(folder=folder)
    second = EmbeddedConnection(folder=tmp_path / "link")
    assert first.open() is second.open()
    first.close()
    assert second.perform_request("GET", "/")[0] == 200
    second.close()
    assert folder not in engines._engines


def test_a_closed_connection_takes_its_engine_again(client, folder):
    client.index(index="products", id="1", body={})
    client.close()
    assert folder not in engines._engines
    client.close()
    assert client.exists(index="products", id="1")
    assert folder in engines._engines
    client.close()


def test_what_was_written_is_there_when_the_folder_is_opened_again(folder):
    for n in range(3):
        with OpenSearch(connection_class=EmbeddedConnection, folder=folder) as client:
            client.index(index="products", id=str(n), body={"n": n})
            client.indices.refresh(index="products")
            assert client.count(index="products")["count"] == n + 1


def test_ignored_statuses_are_answers(client):
    answer = client.transport.perform_request("GET", "/products/_doc/1", params={"ignore": 404})
    assert answer["status"] == 404


def test_requests_are_logged_as_those_to_a_server(client, folder, caplog):
    with caplog.at_level(logging.INFO, logger="opensearch"):
        client.index(index="products", id="1", body={"n": 1}, params={"refresh": "true"})
        client.get(index="products", id="2", ignore=404)
        client.exists(index="products", id="2")
    uri = folder.as_uri()
    first, second = (record.message for record in caplog.records)  # HEAD 404 is not logged
    assert first.startswith(f"PUT {uri}/products/_doc/1?refresh=true [status:201 request:0.")
    assert second.startswith(f"GET {uri}/products/_doc/2 [status:404 request:0.")


def test_pretty(client):
    connection = client.transport.get_connection()
    _, headers, text = connection.perform_request("GET", "/", {"pretty": "true"})
    assert headers["content-type"].startswith("application/json")
    assert text.startswith('{\n  "name"')


def test_a_document_comes_back_byte_for_byte(client):
    source = b'{ "price": 1.50, "text": "\xc3\xa4\\u0041" }'
    connection = client.transport.get_connection()
    connection.perform_request("PUT", "/products/_doc/1", body=source)
    text = connection.perform_request("GET", "/products/_source/1")[2]
    assert text.encode() == source


def test_formats_other_than_json_are_refused(client):
    with pytest.raises(Exception, match=r"\[format=yaml\] is not supported"):
        client.info(params={"format": "yaml"})


def test_values_of_parameters_are_read_as_text(client):
    client.transport.perform_request(
        "PUT", "/products/_doc/1", params={"refresh": True}, body={"a": 1, "b": 2}
    )
    answer = client.transport.perform_request(
        "GET", "/products/_doc/1", params={"_source": ["a", "c"]}
    )
    assert answer["_source"] == {"a": 1}


async def test_async_connection_leaves_the_loop_alone(folder):
    threads = set()

    class Watched(EmbeddedAsyncConnection):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            answer = self._connection.perform_request

            def perform_request(*arguments):
                threads.add(threading.current_thread())
                return answer(*arguments)

            self._connection.perform_request = perform_request

    async with AsyncOpenSearch(connection_class=Watched, folder=folder) as client:
        await client.index(index="products", id="1", body={})
        assert (await client.get(index="products", id="1"))["found"]
    assert threads
    assert threading.main_thread() not in threads
    assert all(not thread.is_alive() for thread in threads)


def test_orjson_and_the_client_agree_on_text(client):
    text = '\u2028 \U0001f600 \x7f \\ " é'
    client.index(index="products", id="1", body={"text": text})
    assert client.get(index="products", id="1")["_source"]["text"] == text
    assert orjson.loads(orjson.dumps(text)) == text
