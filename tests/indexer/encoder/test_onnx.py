import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap_indexer.encoder import OnnxEncoder
from endcap_indexer.encoder import onnx as onnx_module
from endcap_indexer.encoder.onnx import batch_rows
from endcap_indexer.exceptions import EncoderError

CLS, RED, BLUE, SHOE = (
    np.array(vector, dtype=np.float32) for vector in ([0, 0, 4], [3, 0, 0], [0, 3, 0], [2, 2, 0])
)
UNKNOWN = np.array([1, 1, 1], dtype=np.float32)


def unit(vector):
    return vector / np.sqrt((vector**2).sum())


def test_mean_pooling_counts_no_padding(toy):
    encoder = OnnxEncoder(toy(pooling="mean"))
    vectors = encoder.encode_products(["red", "red shoe shoe blue"])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors[0], unit((CLS + RED) / 2), atol=1e-6)
    np.testing.assert_allclose(vectors[1], unit((CLS + RED + 2 * SHOE + BLUE) / 5), atol=1e-6)


def test_cls_pooling_takes_the_first_token(toy):
    vectors = OnnxEncoder(toy(pooling="cls")).encode_products(["red", "blue shoe"])
    np.testing.assert_allclose(vectors, [unit(CLS), unit(CLS)], atol=1e-6)


def test_a_sentence_embedding_is_not_pooled_again(toy):
    encoder = OnnxEncoder(toy(output="sentence_embedding", pooling="mean"))
    np.testing.assert_allclose(encoder.encode_queries(["red shoe"]), [unit(CLS)], atol=1e-6)


def test_only_the_inputs_of_the_graph_are_fed(toy):
    plain = OnnxEncoder(toy("plain"))
    typed = OnnxEncoder(toy("typed", inputs=("input_ids", "token_type_ids")))
    texts = ["red", "blue shoe"]
    np.testing.assert_array_equal(typed.encode_products(texts), plain.encode_products(texts))


def test_an_unknown_input_is_named(toy):
    with pytest.raises(EncoderError, match="asks for position_ids"):
        OnnxEncoder(toy(inputs=("input_ids", "position_ids")))


def test_the_configured_length_cuts_not_the_tokenizer_files(toy):
    encoder = OnnxEncoder(toy(max_length=4))  # the file itself says 2, [CLS] included
    cut, longer, other = encoder.encode_products(["red blue shoe", "red blue shoe red", "red"])
    np.testing.assert_allclose(cut, unit((CLS + RED + BLUE + SHOE) / 4), atol=1e-6)
    np.testing.assert_array_equal(longer, cut)
    assert not np.allclose(other, cut)


def test_queries_and_products_have_prompts_of_their_own(toy):
    encoder = OnnxEncoder(toy(query_prompt="query: ", product_prompt="product: "))
    query, product = np.array([-1, 0, 0]), np.array([0, -1, 0])
    np.testing.assert_allclose(
        encoder.encode_queries(["red"]), [unit(CLS + query + RED)], atol=1e-6
    )
    np.testing.assert_allclose(
        encoder.encode_products(["red"]), [unit(CLS + product + RED)], atol=1e-6
    )


def test_nothing_gives_nothing_of_the_right_shape(toy):
    encoder = OnnxEncoder(toy())
    assert encoder.dimension == 3
    assert encoder.encode_products([]).shape == encoder.encode_queries([]).shape == (0, 3)
    assert list(encoder.product_batches([])) == []


@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800", "é®™ 電池", "\u202e", "🧦" * 50])
def test_every_text_has_a_unit_vector(toy, text):
    (vector,) = OnnxEncoder(toy()).encode_products([text])
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_a_very_long_text_is_its_beginning(toy):
    encoder = OnnxEncoder(toy(max_length=8))
    long, beginning = encoder.encode_products(["red blue " * 100_000, "red blue " * 5])
    np.testing.assert_array_equal(long, beginning)


def test_one_text_for_a_list_is_refused(toy):
    encoder = OnnxEncoder(toy())
    with pytest.raises(TypeError, match="a list of texts"):
        encoder.encode_queries("red shoe")
    with pytest.raises(TypeError, match="a list of texts"):
        encoder.encode_products("red shoe")


def test_a_batch_gives_what_single_texts_give_in_their_order(toy):
    encoder = OnnxEncoder(toy())

    @given(texts=st.lists(st.sampled_from(["", "red", "blue shoe", "red " * 6, "shoe x y"])))
    def check(texts):
        alone = [encoder.encode_queries([text])[0] for text in texts]
        expected = np.array(alone).reshape(-1, 3)
        np.testing.assert_allclose(encoder.encode_products(texts), expected, atol=1e-6)

    check()


def test_batches_cover_each_row_once_and_stop_early(toy, monkeypatch):
    monkeypatch.setattr(onnx_module, "TOKENS_PER_BATCH", 8)
    encoder = OnnxEncoder(toy())
    texts = ["red", "red blue shoe", "", "blue", "shoe shoe"]
    batches = list(encoder.product_batches(texts))
    assert len(batches) > 1
    assert sorted(np.concatenate([batch.rows for batch in batches])) == [0, 1, 2, 3, 4]
    whole = encoder.encode_products(texts)
    for rows, vectors in batches:
        np.testing.assert_array_equal(vectors, whole[rows])
    first = next(encoder.product_batches(texts))  # an iterator: nobody pays for the rest
    assert 1 in first.rows, "the longest text comes first"


@given(lengths=st.lists(st.integers(0, 50)), budget=st.integers(1, 120))
def test_batches_stay_within_the_budget(lengths, budget):
    batches = list(batch_rows(lengths, budget))
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) <= budget
    ordered = [lengths[row] for batch in batches for row in batch]
    assert ordered == sorted(lengths, reverse=True)


def test_a_vector_without_direction_is_an_error(toy):
    for name, value in (("zero", 0), ("broken", np.nan)):
        folder = toy(name, embeddings=np.full((8, 3), value, dtype=np.float32))
        with pytest.raises(EncoderError, match="zero or not finite"):
            OnnxEncoder(folder)


def test_threads_share_one_encoder(toy):
    encoder = OnnxEncoder(toy())
    texts = ["red", "blue", "red shoe", "blue shoe shoe"] * 25
    expected = [encoder.encode_queries([text])[0] for text in texts]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: encoder.encode_queries([text])[0], texts))
    np.testing.assert_array_equal(found, expected)


def test_a_process_that_only_serves_opens_one_session(toy):
    encoder = OnnxEncoder(toy())
    encoder.encode_queries(["red"])
    assert "_product_session" not in vars(encoder)
    encoder.encode_products(["red"])
    assert "_product_session" in vars(encoder)


def test_the_environment_of_the_host_is_left_alone(toy):
    before = dict(os.environ)
    OnnxEncoder(toy(), threads=2).encode_products(["red", "blue"])
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    "change",
    [
        {"max_length": 9},
        {"pooling": "cls"},
        {"query_prompt": "query: "},
        {"product_prompt": "product: "},
        {"embeddings": np.eye(8, 3, dtype=np.float32) + 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_vectors_changes_the_name(toy, change):
    assert OnnxEncoder(toy("before")).name != OnnxEncoder(toy("after", **change)).name


def test_the_name_is_the_models_and_a_digest(toy):
    name = OnnxEncoder(toy("one", model="hub/some-model")).name
    assert name.startswith("some-model-")
    assert name.removeprefix("some-model") == OnnxEncoder(toy("two")).name.removeprefix("toy")


def test_another_tokenizer_is_another_encoder(toy):
    folder = toy()
    before = OnnxEncoder(folder).name
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["green"] = 7
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert OnnxEncoder(folder).name != before


@pytest.mark.parametrize(
    ("file", "message"),
    [("model.onnx", "no ONNX model"), ("tokenizer.json", "no tokenizer")],
)
def test_a_file_that_is_something_else_is_named(toy, file, message):
    folder: Path = toy()
    (folder / file).write_text("neither")
    with pytest.raises(EncoderError, match=f"{file} is {message}"):
        OnnxEncoder(folder)


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json", "config.json"])
def test_a_missing_file_is_named(toy, file):
    folder = toy()
    (folder / file).unlink()
    with pytest.raises(EncoderError, match=f"{file} is missing"):
        OnnxEncoder(folder)
