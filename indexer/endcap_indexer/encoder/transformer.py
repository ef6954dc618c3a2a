"""Encoding products on a GPU: sentence-transformers itself (extra `encoder`)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.encoder.onnx import EncodedBatch, OnnxEncoder, to_encodable, to_unit
from endcap_indexer.exceptions import EncoderError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

TOLERANCE = 1e-4
PROBES = ("red running shoes, size 42", "é®™ 電池 48×36 mm", "a " * 400)
CHUNK = 4096


def load_transformer(folder: Path, device: str) -> "SentenceTransformer":
    """A model from a folder; EncoderError says what to install where that is missing."""
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise EncoderError(
            "this needs sentence-transformers and torch: pip install 'endcap[encoder]'"
        ) from error
    try:
        # Prompts stand in the encoder's configuration; the model's own must not come on top.
        model = SentenceTransformer(str(folder), device=device, local_files_only=True)
    except (OSError, ValueError) as error:
        raise EncoderError(f"{folder} is no sentence-transformers model: {error}") from error
    model.default_prompt_name = None
    return model.eval()


def check_agreement(onnx: OnnxEncoder, model: "SentenceTransformer") -> None:
    """EncoderError unless both give the same vectors for a few texts, to 1e-4."""
    prompts = onnx.configuration.query_prompt, onnx.configuration.product_prompt
    expected = {p: to_unit(model.encode([p + text for text in PROBES])) for p in set(prompts)}
    for encode, prompt in zip((onnx.encode_queries, onnx.encode_products), prompts, strict=True):
        difference = float(np.abs(encode(PROBES) - expected[prompt]).max())
        if difference > TOLERANCE:
            raise EncoderError(
                f"{onnx.configuration.model}: ONNX and sentence-transformers differ by"
                f" {difference:.1g}, more than {TOLERANCE:.0e}; the export cannot be used"
            )


class TransformerEncoder:
    """Products by sentence-transformers, queries by ONNX, under one name: they agree to 1e-4."""

    def __init__(self, queries: OnnxEncoder, folder: Path, *, device: str = "cuda") -> None:
        """Raises EncoderError where the folder's model and the ONNX encoder disagree."""
        self.name = queries.name
        self.dimension = queries.dimension
        self._queries = queries
        self._model = load_transformer(folder, device)
        check_agreement(queries, self._model)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._queries.encode_queries(texts)

    def encode_products(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for batch in self.product_batches(texts):
            vectors[batch.rows] = batch.vectors
        return vectors

    def product_batches(self, texts: Sequence[str]) -> Iterator[EncodedBatch]:
        """`encode_products` chunk by chunk; sentence-transformers sorts each by length itself."""
        if isinstance(texts, str):
            raise TypeError("pass a list of texts, not one text")
        prompt = self._queries.configuration.product_prompt
        for start in range(0, len(texts), CHUNK):
            chunk = [to_encodable(prompt + text) for text in texts[start : start + CHUNK]]
            vectors = self._model.encode(chunk, batch_size=256, show_progress_bar=False)
            yield EncodedBatch(np.arange(start, start + len(chunk)), to_unit(vectors))
