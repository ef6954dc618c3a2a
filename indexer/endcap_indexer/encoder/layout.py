"""Reading a sentence-transformers folder, as it lies on the hub: what its JSON files say."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from endcap_indexer.encoder.folder import MODEL, EncoderConfiguration, read_json
from endcap_indexer.exceptions import EncoderError

MODULES = "modules.json"
READABLE = ("Transformer", "Pooling", "Normalize")  # what a bare graph and our pooling can do


class Prompts(NamedTuple):
    """What is written before a text; many models want queries and products told apart."""

    query: str = ""
    product: str = ""


def find_graph(folder: Path) -> Path | None:
    """The ONNX file of a folder, where the hub keeps it or at the top."""
    candidates = (folder / "onnx" / MODEL, folder / MODEL)
    return next((path for path in candidates if path.exists()), None)


def read_configuration(folder: Path, model: str, prompts: Prompts | None) -> EncoderConfiguration:
    """What a graph that ends at the token embeddings needs around it.

    Raises EncoderError for a model whose further layers such a graph would lack (Dense and others)
    and for a pooling that is neither mean nor cls: those must be exported.
    """
    _check_modules(folder / MODULES)
    settings = read_json(folder / "sentence_bert_config.json")
    if settings.get("do_lower_case"):
        raise EncoderError(f"{model} lower-cases outside its tokenizer; it must be exported")
    prompts = prompts or read_prompts(folder)
    return EncoderConfiguration(
        model=model,
        max_length=settings.get("max_seq_length") or _longest(folder),
        pooling=_pooling(folder / "1_Pooling" / "config.json"),
        query_prompt=prompts.query,
        product_prompt=prompts.product,
    )


def read_prompts(folder: Path) -> Prompts:
    """The model's own prompts, by the names that sentence-transformers gives them."""
    path = folder / "config_sentence_transformers.json"
    named = (read_json(path) if path.exists() else {}).get("prompts") or {}
    product = next((named[name] for name in ("document", "passage", "corpus") if name in named), "")
    return Prompts(named.get("query", ""), product)


def _check_modules(path: Path) -> None:
    if not path.exists():
        raise EncoderError(f"{path} is missing: this is no sentence-transformers model")
    kinds = [module["type"].rpartition(".")[2] for module in json.loads(path.read_bytes())]
    if further := sorted(set(kinds) - set(READABLE)):
        raise EncoderError(f"the model has layers of kind {', '.join(further)}; export it")


def _pooling(path: Path) -> str:
    settings = read_json(path)
    modes = {name for name, value in settings.items() if "pooling_mode_" in name and value is True}
    known = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    if len(modes) == 1 and (mode := modes.pop()) in known:
        return known[mode]
    if "pooling_mode" in settings:  # sentence-transformers 6 writes one word
        return str(settings["pooling_mode"])
    raise EncoderError(f"{path}: pooling {sorted(modes)} is neither mean nor cls; export the model")


def _longest(folder: Path) -> int:
    """The length that sentence-transformers falls back to where none is written down."""
    limits: list[Any] = [
        read_json(folder / "config.json").get("max_position_embeddings"),
        read_json(folder / "tokenizer_config.json").get("model_max_length"),
    ]
    known = [limit for limit in limits if isinstance(limit, int)]
    if not known:
        raise EncoderError(f"{folder} says nowhere how long a text may be (max_seq_length)")
    return min(known)
