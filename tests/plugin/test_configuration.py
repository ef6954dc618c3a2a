import dataclasses
from pathlib import Path

import pytest

from endcap import configuration
from endcap.configuration import Configuration, EncoderSettings, SearchSettings, find_store
from endcap.exceptions import ConfigurationError
from endcap_indexer.catalogue import CatalogueFields
from endcap_indexer.generations import IndexSettings

WHOLE = """
store = "/var/endcap"
engine = "https://search.shop:9200"

[catalogue]
title = "name"
text = { name = 2.0, brand = 1.0 }

[encoder]
model = "intfloat/e5-small-v2"
query_prompt = "query: "
product_prompt = "passage: "

[index]
vectors = "opensearch"
knn_engine = "faiss"
shards = 2
replicas = 0

[search]
window = 100
fusion = "rrf"
recall = "lexical"
budget_ms = 50
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """No endcap.toml and no ENDCAP_STORE but those a test makes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENDCAP_STORE", raising=False)


def read(text):
    Path("endcap.toml").write_text(text, encoding="utf-8")
    return Configuration.read()


def test_a_whole_file():
    assert read(WHOLE) == Configuration(
        store=Path("/var/endcap"),
        engine="https://search.shop:9200",
        catalogue=CatalogueFields(title="name", text={"name": 2.0, "brand": 1.0}),
        encoder=EncoderSettings("intfloat/e5-small-v2", "query: ", "passage: "),
        index=IndexSettings("opensearch", "faiss", shards=2, replicas=0),
        search=SearchSettings(window=100, fusion="rrf", recall="lexical", budget_ms=50.0),
    )


def test_without_a_file_the_defaults():
    assert Configuration.read() == Configuration()
    assert Configuration().search == SearchSettings(200, "convex", "both", None)
    assert Configuration().encoder == EncoderSettings(None, None, None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", None),
        ("query_prompt = 'query: '", ("query: ", "")),
        ("product_prompt = 'passage: '", ("", "passage: ")),
        ("query_prompt = ''", ("", "")),
    ],
)
def test_prompts_are_the_models_own_unless_one_is_written(written, expected):
    assert read(f"[encoder]\n{written}").encoder.prompts == expected


def test_an_empty_file_is_the_defaults():
    assert read("") == Configuration()


def test_paths_are_relative_to_the_file(tmp_path):
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "endcap.toml").write_text('store = "data"\nengine = "engine"\n')
    read = Configuration.read(shop / "endcap.toml")
    assert (read.store, read.engine) == (shop / "data", str(shop / "engine"))


def test_a_model_that_is_a_folder_is_relative_to_the_file_too(tmp_path):
    shop = tmp_path / "shop"
    (shop / "model").mkdir(parents=True)
    for written, expected in (("model", str(shop / "model")), ("on/the-hub", "on/the-hub")):
        (shop / "endcap.toml").write_text(f'[encoder]\nmodel = "{written}"\n')
        assert Configuration.read(shop / "endcap.toml").encoder.model == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "stor = 'x'",
            "stor: unknown key; known are store, engine, catalogue, encoder, index, gates, search",
        ),
        ("store = 3", "store is 3; write text in quotes"),
        ("engine = ''", "engine is ''; write text in quotes"),
        ("search = 3", "search is 3; write a table: [search]"),
        ("catalogue = 'x'", "catalogue is 'x'; write a table: [catalogue]"),
        ("[catalogue]\ntitel = 'x'", "catalogue.titel: unknown key; known are analyzer"),
        ("[catalogue]\nprice = 3", "catalogue.price is 3; write the name of a field"),
        ("[encoder]\nname = 'x'", "encoder.name: unknown key; known are model"),
        ("[encoder]\nmodel = 3", "encoder.model is 3; write text in quotes"),
        ("[encoder]\nquery_prompt = 3", "encoder.query_prompt is 3; write text in quotes"),
        ("[index]\nvectors = 'disk'", 'index.vectors is \'disk\'; write "folder" or "opensearch"'),
        ("[index]\nknn_engine = 'x'", 'index.knn_engine is \'x\'; write "lucene" or "faiss"'),
        ("[index]\nshards = 0", "index.shards is 0; write a whole number from 1"),
        ("[index]\nreplicas = -1", "index.replicas is -1; write a whole number from 0"),
        ("[gates]\ncanaries = 'x'", "gates.canaries is 'x'; write a list such as"),
        ("[gates]\ncanaries = [3]", "gates.canaries[0] is 3; write text, or {query ="),
        ("[gates]\ncanaries = [{query = 3}]", "gates.canaries[0].query is 3; write text"),
        ("[gates]\ncanaries = [{query = 'x', expect = 'p1'}]", "[0].expect is 'p1'; write a list"),
        ("[gates]\ncanaries = [{query = 'x', expects = []}]", "expects: unknown key; known are"),
        ("[gates]\nleast_share = 2", "gates.least_share is 2; write a number from 0 to 1"),
        ("[search]\nwindows = 3", "search.windows: unknown key; known are window, fusion"),
        ("[search]\nwindow = 0", "search.window is 0; write a whole number from 1, such as 200"),
        ("[search]\nwindow = true", "search.window is True; write a whole number"),
        ("[search]\nwindow = 2.5", "search.window is 2.5; write a whole number"),
        ("[search]\nfusion = 'sum'", 'search.fusion is \'sum\'; write "convex" or "rrf"'),
        ("[search]\nrecall = []", 'search.recall is []; write "both" or "lexical"'),
        ("[search]\nbudget_ms = 0", "search.budget_ms is 0; write milliseconds above 0"),
        ("[search]\nbudget_ms = inf", "search.budget_ms is inf; write milliseconds"),
        ("[search]\nbudget_ms = '50'", "search.budget_ms is '50'; write milliseconds"),
        ("store = ", "is not TOML"),
    ],
)
def test_a_wrong_file_names_itself_the_key_and_what_to_write(text, said):
    with pytest.raises(ConfigurationError) as raised:
        read(text)
    assert str(raised.value).startswith("endcap.toml")
    assert said in str(raised.value)


def test_a_file_that_is_not_utf8():
    Path("endcap.toml").write_bytes(b'store = "caf\xe9"')
    with pytest.raises(ConfigurationError, match="endcap.toml is not TOML"):
        Configuration.read()


def test_a_file_that_was_asked_for_must_be_there():
    with pytest.raises(ConfigurationError, match=r"shop\.toml cannot be read: No such file"):
        Configuration.read("shop.toml")


def test_every_setting_can_be_written():
    keys = {setting.name for setting in dataclasses.fields(Configuration)}
    assert keys == set(configuration._KEYS)
    assert {s.name for s in dataclasses.fields(SearchSettings)} == set(configuration._SEARCH)
    assert {s.name for s in dataclasses.fields(EncoderSettings)} == set(configuration._ENCODER)


@pytest.mark.parametrize(
    ("argument", "variable", "file", "engine", "expected"),
    [
        ("argument", "variable", "file", "engine", "argument"),
        (None, "variable", "file", "engine", "variable"),
        (None, None, "file", "engine", "file"),
        (None, "", None, "engine", "engine"),
        (None, None, None, "https://search.shop:9200", None),
        (None, None, None, None, None),
    ],
)
def test_the_store_is_looked_for_in_order(monkeypatch, argument, variable, file, engine, expected):
    if variable is not None:
        monkeypatch.setenv("ENDCAP_STORE", variable)
    said = Configuration(store=Path(file) if file else None, engine=engine)
    assert find_store(argument, said) == (Path(expected) if expected else None)
