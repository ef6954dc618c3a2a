from dataclasses import replace

import pytest
from toy_model import toy_model
from toy_shop import ANY_NUMBER

import endcap
from endcap import operations
from endcap.configuration import Configuration, EncoderSettings
from endcap.exceptions import ConfigurationError
from endcap.operations import build_generation, live_generation, made_of
from endcap.registry import Registry
from endcap_indexer.catalogue import BadRows, CatalogueFields, Files, digest_of
from endcap_indexer.encoder import DEFAULT_MODEL, Prompts
from endcap_indexer.generations import IndexSettings, Reindexed


class Progress:
    def advance(self, stage, done, total): ...


@pytest.fixture
def build(monkeypatch):
    """Builds from a configuration; what is asked of `open_encoder` and `reindex` is kept."""
    asked = {}

    def open_encoder(model, store, *, prompts, say):
        asked["encoder"] = (model, prompts)
        return "the encoder"

    def reindex(client, store, index, catalogue, encoder, **options):
        asked["reindex"] = (index, catalogue.fields, encoder, options["force"])
        asked["settings"] = options["settings"]
        return Reindexed("products-000001", 0, 0, 0, 0, unchanged=True, seconds=0.0)

    monkeypatch.setattr(operations, "open_encoder", open_encoder)
    monkeypatch.setattr(operations, "reindex", reindex)

    def run(path, configuration, **options):
        said = []
        build_generation(
            None, path.parent, "products", Files(path), configuration,
            on_bad_row=BadRows(), say=said.append, progress=Progress(), **options,
        )  # fmt: skip
        return asked, said

    return run


@pytest.fixture
def catalogue(tmp_path):
    path = tmp_path / "catalogue.jsonl"
    path.write_text('{"id": "a", "title": "red sofa", "price": 3}\n')
    return path


def test_fields_are_guessed_and_said(build, catalogue):
    asked, said = build(catalogue, Configuration())
    guessed = CatalogueFields.guess([{"id": "a", "title": "red sofa", "price": 3}])
    assert asked["reindex"] == ("products", guessed, "the encoder", False)
    assert said == [
        "endcap.toml names no fields, so these are guessed:",
        *(f"  {line}" for line in guessed.describe()),
    ]


def test_the_index_is_built_as_configured(build, catalogue):
    settings = IndexSettings("opensearch", shards=3)
    asked, _ = build(catalogue, Configuration(index=settings))
    assert asked["settings"] == settings


def test_fields_that_are_named_are_taken(build, catalogue):
    fields = CatalogueFields(price="price")
    asked, said = build(catalogue, Configuration(catalogue=fields), force=True)
    assert asked["reindex"] == ("products", fields, "the encoder", True)
    assert said == []


@pytest.mark.parametrize(
    ("vector", "settings", "expected"),
    [
        (None, EncoderSettings(), (DEFAULT_MODEL, None)),
        (None, EncoderSettings("mine", "query: "), ("mine", Prompts("query: ", ""))),
        ("vector", EncoderSettings("mine"), ("mine", None)),
        ("vector", EncoderSettings(), None),
    ],
)
def test_which_encoder_is_opened(build, catalogue, vector, settings, expected):
    fields = replace(CatalogueFields(), vector=vector, embed=() if vector else ("title",))
    asked, _ = build(catalogue, Configuration(catalogue=fields, encoder=settings))
    assert asked.get("encoder") == expected
    assert asked["reindex"][2] == ("the encoder" if expected else None)


def test_the_live_generation_is_the_one_that_the_alias_names(client, store, rebuild):
    rebuild(client, store, [{"id": "x", "title": "oak lamp"}])
    assert live_generation(client, store, "products").generation == "products-000002"


def test_without_a_live_generation_it_is_said_what_to_run(client, store, tmp_path):
    for index, folder in (("other", store), ("products", tmp_path / "elsewhere")):
        with pytest.raises(ConfigurationError) as raised:
            live_generation(client, folder, index)
        assert str(raised.value) == (
            f"{index} has no live generation in {folder}; run: endcap reindex CATALOGUE"
            f" --index {index} --store {folder}"
        )


def test_what_an_artefact_was_made_of(catalogue):
    made = made_of(events=catalogue, judgments=None)
    assert made.pop("created").endswith("+00:00")
    assert made == {"events": {"file": "catalogue.jsonl", "digest": digest_of([catalogue])}}


def test_a_new_generation_is_prepared_for_the_promoted_model(store, encoder_folder, tmp_path):
    """And where the two do not fit, it is said what searches go without."""
    registry = Registry(store, "products")
    fits = registry.save_model(toy_model({"p000": [1.0, 0.0]}), {})
    other = registry.save_model(toy_model({"p000": [1.0]}, text_dimension=3), {"text_encoder": "x"})
    settings = EncoderSettings(str(encoder_folder))
    configuration = Configuration(encoder=settings, gates=ANY_NUMBER)
    said = []
    for number, name in enumerate((fits, other), start=2):
        registry.promote(name)
        path = tmp_path / f"{number}.jsonl"
        path.write_text(f'{{"id": "p000", "title": "red sofa {number}"}}\n')
        with endcap.connect(store) as client:
            build_generation(
                client, store, "products", Files(path), configuration,
                on_bad_row=BadRows(), say=said.append, progress=Progress(),
            )  # fmt: skip
        table = store / "item_vectors" / f"products-00000{number}.{name}"
        assert table.is_dir() == (name == fits)
    assert said[-1].startswith(
        f"searches go without the model: {other} does not fit products-000003"
    )
