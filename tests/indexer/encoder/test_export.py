"""all-MiniLM-L6-v2 itself: ONNX against sentence-transformers, on the CPU."""

import numpy as np
import pytest

from endcap_indexer.encoder import OnnxEncoder, Prompts, export, open_encoder, sources
from endcap_indexer.encoder.transformer import (
    TransformerEncoder,
    check_agreement,
    load_transformer,
)
from endcap_indexer.exceptions import EncoderError

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("minilm")]

TEXTS = [
    "",
    "Samsung 55 inch 4K television",
    "usb-c cable",
    "é®™ 電池 48×36 mm",
    "a sturdy stainless steel kettle with a thermostat " * 60,  # longer than 256 tokens
    "x",
]


@pytest.fixture(scope="module")
def onnx(minilm):
    return OnnxEncoder(minilm)


@pytest.fixture(scope="module")
def transformer(minilm_weights, minilm):
    return load_transformer(minilm_weights, "cpu")


def test_onnx_agrees_with_sentence_transformers(onnx, transformer):
    expected = transformer.encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(onnx.encode_products(TEXTS), expected, atol=1e-4)
    np.testing.assert_allclose(onnx.encode_queries(TEXTS), expected, atol=1e-4)
    assert np.linalg.norm(onnx.encode_queries(TEXTS), axis=1) == pytest.approx(1, abs=1e-6)


def test_like_texts_are_near(onnx):
    sofa, couch, drill = onnx.encode_products(["grey sofa", "gray couch", "cordless drill"])
    assert sofa @ couch > 0.6 > 0.4 > sofa @ drill


def test_the_length_is_the_models_not_the_tokenizer_files(onnx):
    assert onnx.configuration.max_length == 256
    words = ["kettle"] * 300
    cut, at_256, at_128 = onnx.encode_products(
        [" ".join(words), " ".join(words[:254]), " ".join(words[:126])]
    )
    np.testing.assert_allclose(cut, at_256, atol=1e-6)
    assert np.abs(cut - at_128).max() > 1e-3


def test_the_export_is_told_by_the_weights_and_not_done_twice(minilm, minilm_weights, monkeypatch):
    store = minilm.parent.parent
    renamed = open_encoder(str(minilm_weights), store, device="cpu")
    monkeypatch.setattr(export, "export_encoder", None)  # to call it again would fail
    assert open_encoder(str(minilm_weights), store, device="cpu").name == renamed.name
    assert renamed.name.rpartition("-")[2] == minilm.name, "the same weights, the same digest"


def test_products_on_a_device_and_queries_by_onnx_share_a_name(onnx, minilm_weights):
    both = TransformerEncoder(onnx, minilm_weights, device="cpu")
    assert (both.name, both.dimension) == (onnx.name, 384)
    products = both.encode_products(TEXTS)
    np.testing.assert_allclose(products, onnx.encode_products(TEXTS), atol=1e-4)
    assert products.dtype == np.float32
    np.testing.assert_array_equal(both.encode_queries(TEXTS), onnx.encode_queries(TEXTS))
    assert both.encode_products([]).shape == (0, 384)
    assert both.encode_products(["half a pair: \ud83d"]).shape == (1, 384)
    with pytest.raises(TypeError, match="a list of texts"):
        both.encode_products("kettle")


def test_a_gpu_takes_the_products(minilm, minilm_weights, monkeypatch):
    def on_the_cpu(queries, folder, *, device):
        assert device == "cuda"
        return TransformerEncoder(queries, folder, device="cpu")

    monkeypatch.setattr(sources, "_has_gpu", lambda: True)
    monkeypatch.setattr("endcap_indexer.encoder.transformer.TransformerEncoder", on_the_cpu)
    said = []
    store = minilm.parent.parent
    encoder = open_encoder(str(minilm_weights), store, device="auto", say=said.append)
    assert isinstance(encoder, TransformerEncoder)
    assert "products are encoded by sentence-transformers on the GPU" in said[-1]


def test_an_export_that_disagrees_is_refused(onnx, transformer, monkeypatch):
    check_agreement(onnx, transformer)
    monkeypatch.setattr(onnx, "encode_products", lambda texts: -onnx.encode_queries(texts))
    with pytest.raises(EncoderError, match="differ by .*, more than 1e-04"):
        check_agreement(onnx, transformer)


def test_prompts_are_part_of_the_comparison(onnx, transformer, minilm, monkeypatch):
    """The same graph under a prompt: both sides write it, so they still agree."""
    prompted = onnx.configuration.with_prompts(Prompts("query: ", "passage: "))
    monkeypatch.setattr(onnx, "configuration", prompted)
    check_agreement(onnx, transformer)
    asked = onnx.encode_queries(["kettle"])
    np.testing.assert_allclose(
        asked, transformer.encode(["query: kettle"], normalize_embeddings=True), atol=1e-4
    )


def test_what_is_no_model_is_named(tmp_path):
    with pytest.raises(EncoderError, match="is no sentence-transformers model"):
        load_transformer(tmp_path, "cpu")


def test_a_missing_extra_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    with pytest.raises(EncoderError, match=r"pip install 'endcap\[encoder\]'"):
        load_transformer(tmp_path, "cpu")
