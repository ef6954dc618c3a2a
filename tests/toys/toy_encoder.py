"""A real ONNX encoder whose vectors are known: each word of a table has the vector given there."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

SPECIAL = ("[PAD]", "[UNK]")


def write_toy_encoder(folder: Path, vectors: Mapping[str, Sequence[float]]) -> Path:
    """Write the folder of an encoder: the mean of its words' vectors, unit length, is a text's.

    An unknown word has an axis of its own, the last.
    """
    words = [*SPECIAL, *vectors]
    dimension = len(next(iter(vectors.values()))) + 1
    table = np.zeros((len(words), dimension), np.float32)
    table[1, -1] = 1
    for place, word in enumerate(words[2:], start=2):
        table[place, : dimension - 1] = vectors[word]
    folder.mkdir(parents=True)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "toy",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "t"])],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(table, "table")],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), folder / "model.onnx")
    known = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {"format": 1, "model": "toy", "max_length": 16, "pooling": "mean"}
    (folder / "config.json").write_text(json.dumps(settings))
    return folder
