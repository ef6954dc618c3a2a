"""Reading a sentence-transformers folder, as it lies on the hub: what its JSON files say."""

import json
from pathlib import Path
from typing import NamedTuple

from endcap_indexer.encoder.folder import MODEL, POOLINGS, EncoderConfiguration, read_json
from endcap_indexer.exceptions import EncoderError

MODULES = "modules.json"
READABLE = {"Transformer", "Pooling", "Normalize"}  # what a bare graph and our pooling can do
PRODUCT_PROMPTS = ("document", "passage", "corpus")  # sentence-transformers' names, in its order
FLAGS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


class Prompts(NamedTuple):
    """What is written before a text; many models want queries and products told apart."""

    query: str = ""
    product: str = ""


def find_graph(folder: Path) -> Path | None:
    """The ONNX file of a folder, where the hub keeps it or at the top."""
    candidates = (folder / "onnx" / MODEL, folder / MODEL)
    return next((path for path in candidates if path.exists()), None)


def read_configuration(folder: Path, model: str, prompts: Prompts | None) -> EncoderConfiguration:
    """What a graph that ends at the token embeddings needs around it; `prompts` overrides.

    Raises EncoderError for a model whose further layers such a graph would lack (Dense and others)
    and for a pooling that is neither mean nor cls: those must be exported.
    """
    modules = _modules(folder)
    if further := sorted(modules.keys() - READABLE):
        raise EncoderError(f"{model} has layers that no bare graph has ({', '.join(further)})")
    settings = read_json(folder / "sentence_bert_config.json")
    if settings.get("do_lower_case"):
        raise EncoderError(f"{model} lower-cases outside its tokenizer")
    own = read_prompts(folder)
    return EncoderConfiguration(
        model=model,
        max_length=settings.get("max_seq_length") or _longest(folder),
        pooling=_pooling(folder / modules.get("Pooling", "1_Pooling") / "config.json"),
        query_prompt=own.query,
        product_prompt=own.product,
    ).with_prompts(prompts)


def read_prompts(folder: Path) -> Prompts:
    """The model's own prompts, by the names that sentence-transformers gives them."""
    path = folder / "config_sentence_transformers.json"
    named = (read_json(path) if path.exists() else {}).get("prompts") or {}
    product = next((named[name] for name in PRODUCT_PROMPTS if name in named), "")
    return Prompts(named.get("query", ""), product)


def _modules(folder: Path) -> dict[str, str]:
    """Kind of layer to its folder."""
    path = folder / MODULES
    try:
        modules = json.loads(path.read_bytes())
        return {module["type"].rpartition(".")[2]: module["path"] for module in modules}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise EncoderError(f"{path} is not a sentence-transformers model's: {error!r}") from error


def _pooling(path: Path) -> str:
    """One word since sentence-transformers 6, before that a flag per mode."""
    settings = read_json(path)
    flags = [name for name in settings if name.startswith("pooling_mode_") and settings[name]]
    mode = settings.get("pooling_mode") or FLAGS.get("+".join(flags))
    if mode not in POOLINGS:
        raise EncoderError(f"{path}: pooling {mode or flags} is neither mean nor cls")
    return str(mode)


def _longest(folder: Path) -> int:
    """The length that sentence-transformers falls back to where none is written down."""
    limits = (
        read_json(folder / "config.json").get("max_position_embeddings"),
        read_json(folder / "tokenizer_config.json").get("model_max_length"),
    )
    known = [limit for limit in limits if isinstance(limit, int)]
    if not known:
        raise EncoderError(f"{folder} says nowhere how long a text may be (max_seq_length)")
    return min(known)
