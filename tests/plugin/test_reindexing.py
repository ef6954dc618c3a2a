import pytest

import endcap
from endcap.exceptions import ConfigurationError
from endcap_indexer.catalogue import BadRow

LAMP = {"id": "l1", "title": "oak lamp"}


@pytest.fixture
def client(tmp_path, monkeypatch, encoder_folder):
    """On an empty folder, beside an endcap.toml that names the encoder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENDCAP_STORE", raising=False)
    (tmp_path / "endcap.toml").write_text(f'[encoder]\nmodel = "{encoder_folder}"\n')
    with endcap.connect("data") as client:
        yield client


def reindex(client, *rows, **options):
    source = endcap.Rows("shop", lambda: [LAMP, *rows])
    return endcap.reindex(client, source, index="products", **options)


def said_by_us(caplog):
    return [record.getMessage() for record in caplog.records if record.name == "endcap"]


def test_a_program_reindexes_and_searches(client):
    assert reindex(client).products == 1
    answer = client.search({"query": {"match": {"title": "lamp"}}}, "products")
    assert answer["hits"]["hits"][0]["_source"]["id"] == "l1"
    assert answer["ext"]["endcap"]["applied"]


def test_what_is_unchanged_is_not_built_unless_forced(client):
    assert [reindex(client).unchanged, reindex(client).unchanged] == [False, True]
    assert not reindex(client, force=True).unchanged


def test_rows_that_are_skipped_are_logged_or_told(client, caplog):
    assert reindex(client, {"id": "l2"}).bad_rows == 1
    assert said_by_us(caplog) == ["skipped shop:2: title: is missing; every product needs one"]
    told: list[BadRow] = []
    reindex(client, {"id": "l2"}, on_bad_row=told.append, force=True)
    assert [bad.line for bad in told] == [2]
    assert len(said_by_us(caplog)) == 1


def test_a_client_without_a_store_is_told_what_to_write(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENDCAP_STORE", raising=False)
    with (
        endcap.connect("http://localhost:1") as client,
        pytest.raises(ConfigurationError, match=r"no store: write connect\(…, store=DIR\)"),
    ):
        reindex(client)
