"""From a sentence-transformers folder to ONNX, once (extra `encoder`)."""

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from endcap_indexer.encoder.folder import (
    MODEL,
    TOKENIZER,
    EncoderConfiguration,
    write_folder,
)
from endcap_indexer.encoder.layout import Prompts, read_prompts
from endcap_indexer.encoder.onnx import SENTENCE, OnnxEncoder
from endcap_indexer.encoder.transformer import check_agreement, load_transformer
from endcap_indexer.exceptions import EncoderError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

OPSET = 17
# What torch says of its TorchScript exporter (the newer one needs another package), and of
# constants and indices it cannot judge: the comparison with sentence-transformers judges them.
KNOWN_WARNINGS = (
    "You are using the legacy TorchScript-based ONNX export",
    "The feature will be removed",
    "Converting a tensor to a Python",
    "Exporting aten::index operator of advanced indexing",
)


def export_encoder(
    folder: Path, store: Path, model: str, prompts: Prompts | None = None, *, source: str = ""
) -> Path:
    """Export, compare with sentence-transformers to 1e-4, and put the result into the store.

    Pooling, further layers and normalisation become part of the graph. Raises EncoderError where
    the extra is missing, the model cannot be exported or the export disagrees.
    """
    transformer = load_transformer(folder, "cpu")
    own = read_prompts(folder)
    configuration = EncoderConfiguration(
        model=model,
        max_length=_max_length(transformer),
        pooling="mean",  # unused: the graph pools
        query_prompt=own.query,
        product_prompt=own.product,
        source=source,
    ).with_prompts(prompts)
    with tempfile.TemporaryDirectory() as temporary:
        graph, tokenizer = Path(temporary, MODEL), Path(temporary, TOKENIZER)
        _write_graph(transformer, graph)
        _write_tokenizer(transformer, tokenizer)
        return write_folder(
            store,
            graph,
            tokenizer,
            configuration,
            check=lambda path: check_agreement(OnnxEncoder(path), transformer),
        )


def _write_graph(transformer: "SentenceTransformer", path: Path) -> None:
    import torch

    class Graph(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = transformer

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            return self.layers(features)[SENTENCE]

    features = transformer.preprocess(["two texts of", "unequal length, so that one is padded"])
    names = ["input_ids", "attention_mask"]
    axes: dict[str, dict[int, str]] = {name: {0: "texts", 1: "tokens"} for name in names}
    with warnings.catch_warnings(), torch.inference_mode():
        for message in KNOWN_WARNINGS:
            warnings.filterwarnings("ignore", message)
        torch.onnx.export(
            Graph(),
            tuple(features[name] for name in names),
            str(path),
            input_names=names,
            output_names=[SENTENCE],
            dynamic_axes={**axes, SENTENCE: {0: "texts"}},
            opset_version=OPSET,
            dynamo=False,
        )


def _write_tokenizer(transformer: "SentenceTransformer", path: Path) -> None:
    backend = getattr(transformer.tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise EncoderError("the model has no fast tokenizer; choose one that has tokenizer.json")
    backend.save(str(path))


def _max_length(transformer: "SentenceTransformer") -> int:
    if transformer.max_seq_length is None:
        raise EncoderError("the model says nowhere how long a text may be (max_seq_length)")
    return int(transformer.max_seq_length)
