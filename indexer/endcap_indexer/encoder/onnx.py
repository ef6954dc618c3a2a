"""Encoding on a CPU: onnxruntime and tokenizers, nothing heavier."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from endcap_indexer.encoder.folder import MODEL, TOKENIZER, read_folder
from endcap_indexer.exceptions import EncoderError

TOKENS_PER_BATCH = 2048  # 4096 is no faster on two cores and takes 120 MB more
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
SENTENCE = "sentence_embedding"  # pooled in the graph already


class EncodedBatch(NamedTuple):
    """Some of the texts, in an order of the encoder's own: vectors[i] belongs to texts[rows[i]]."""

    rows: NDArray[np.intp]
    vectors: NDArray[np.float32]


class OnnxEncoder:
    """An encoder from a folder (`folder.py`). Thread-safe; open it after a fork, not before."""

    def __init__(self, folder: Path, *, threads: int | None = None) -> None:
        """`threads`: cores for products, all of them unless said; a query takes one."""
        opened = read_folder(folder)
        self.name = opened.name
        self.configuration = opened.configuration
        self._model = folder / MODEL
        self._threads = threads
        self._tokenizer, self._padding = _open_tokenizer(
            folder / TOKENIZER, self.configuration.max_length
        )
        self._query_session = _open_session(self._model, threads=1)
        self._inputs = _inputs(self._query_session, self._model)
        self._output = _output(self._query_session)
        probe = self._tokenizer.encode("a graph may leave its dimension open, so it is tried")
        self.dimension = self._run(self._query_session, [probe]).shape[1]

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(self._query_session, self.configuration.query_prompt, texts)

    def encode_products(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._encode(self._product_session, self.configuration.product_prompt, texts)

    def product_batches(self, texts: Sequence[str]) -> Iterator[EncodedBatch]:
        """`encode_products` batch by batch, for a caller that shows progress or stops early."""
        return self._batches(self._product_session, self.configuration.product_prompt, texts)

    @cached_property
    def _product_session(self) -> onnxruntime.InferenceSession:
        # A process that only serves never opens it, and so never holds the weights twice.
        return _open_session(self._model, threads=self._threads or 0)

    def _encode(
        self, session: onnxruntime.InferenceSession, prompt: str, texts: Sequence[str]
    ) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for batch in self._batches(session, prompt, texts):
            vectors[batch.rows] = batch.vectors
        return vectors

    def _batches(
        self, session: onnxruntime.InferenceSession, prompt: str, texts: Sequence[str]
    ) -> Iterator[EncodedBatch]:
        if isinstance(texts, str):
            raise TypeError("pass a list of texts, not one text")
        encodings = self._tokenizer.encode_batch([to_encodable(prompt + text) for text in texts])
        for rows in batch_rows([len(encoding.ids) for encoding in encodings], TOKENS_PER_BATCH):
            yield EncodedBatch(rows, self._run(session, [encodings[row] for row in rows]))

    def _run(
        self, session: onnxruntime.InferenceSession, encodings: list[Encoding]
    ) -> NDArray[np.float32]:
        shape = len(encodings), max(len(encoding.ids) for encoding in encodings)
        inputs = {name: np.zeros(shape, dtype=np.int64) for name in INPUTS}
        inputs["input_ids"] += self._padding
        for row, encoding in enumerate(encodings):
            inputs["input_ids"][row, : len(encoding.ids)] = encoding.ids
            inputs["attention_mask"][row, : len(encoding.ids)] = 1
        (output,) = session.run([self._output], {name: inputs[name] for name in self._inputs})
        pooled = output if output.ndim == 2 else self._pool(output, inputs["attention_mask"])
        return to_unit(pooled)

    def _pool(self, tokens: NDArray[np.float32], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Token embeddings (n, tokens, d) to (n, d)."""
        if self.configuration.pooling == "cls":
            return tokens[:, 0]
        weights = mask[:, :, np.newaxis].astype(np.float32)
        return np.asarray((tokens * weights).sum(axis=1) / weights.sum(axis=1), dtype=np.float32)


def to_unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows to length 1; EncoderError for a row that has no direction (zero, infinite, nan)."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise EncoderError("the model gave a vector that is zero or not finite; it cannot be used")
    return np.asarray(vectors / lengths, dtype=np.float32)


def batch_rows(lengths: Sequence[int], budget: int) -> Iterator[NDArray[np.intp]]:
    """Rows grouped so that rows times the longest stays within the budget, longest rows first.

    Like lengths together: padding is work thrown away.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.intp), kind="stable")
    start = 0
    while start < len(order):
        count = max(1, budget // max(1, lengths[order[start]]))
        yield order[start : start + count]
        start += count


def to_encodable(text: str) -> str:
    """Lone surrogates, which JSON can spell and UTF-8 cannot, become question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _open_tokenizer(path: Path, max_length: int) -> tuple[Tokenizer, int]:
    """The tokenizer, cut at our own length, and the token that pads."""
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises Exception itself
        raise EncoderError(f"{path} is no tokenizer that tokenizers can open: {error}") from error
    padding = tokenizer.padding["pad_id"] if tokenizer.padding else None
    for token in ("[PAD]", "<pad>"):
        padding = tokenizer.token_to_id(token) if padding is None else padding
    tokenizer.no_padding()  # the file's own may be a fixed 128
    tokenizer.enable_truncation(max_length)
    return tokenizer, padding or 0


def _open_session(path: Path, *, threads: int) -> onnxruntime.InferenceSession:
    """`threads` 0: onnxruntime takes all cores. Its threads are the session's own."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin while they wait take cores from the engine beside us: 99 products/s
    # instead of 68 on a busy machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes share no base but this
        raise EncoderError(f"{path} is no ONNX model that onnxruntime can open: {error}") from error


def _inputs(session: onnxruntime.InferenceSession, path: Path) -> list[str]:
    names = [node.name for node in session.get_inputs()]
    unknown = sorted(set(names) - set(INPUTS))
    if unknown:
        raise EncoderError(f"{path} asks for {', '.join(unknown)}; an encoder has only {INPUTS}")
    return names


def _output(session: onnxruntime.InferenceSession) -> str:
    names = [node.name for node in session.get_outputs()]
    return SENTENCE if SENTENCE in names else names[0]
