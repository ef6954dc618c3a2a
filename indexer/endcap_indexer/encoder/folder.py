"""An encoder's folder: model.onnx, tokenizer.json, config.json, and in the store manifest.json."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

from filelock import FileLock

from endcap_indexer import files
from endcap_indexer.exceptions import EncoderError, GenerationError

FORMAT = 1
KIND = "encoder"
MODEL = "model.onnx"
WEIGHTS = "model.onnx_data"  # beside the graph where a model is larger than protobuf's 2 GB
TOKENIZER = "tokenizer.json"
CONFIGURATION = "config.json"
POOLINGS = ("mean", "cls")


@dataclass(frozen=True)
class EncoderConfiguration:
    """config.json: what the graph and the tokenizer do not say themselves."""

    model: str  # as the user named it: a name on the hub, or a folder's
    max_length: int  # tokens, the special ones included; longer texts are cut
    pooling: str  # mean or cls, for graphs that end at the token embeddings
    query_prompt: str = ""
    product_prompt: str = ""
    source: str = ""  # SHA-256 of the files it was exported from; "" where it came as ONNX
    own_prompts: bool = True  # whether the prompts are the model's own

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise EncoderError(f"pooling {self.pooling!r} is unknown; choose from {POOLINGS}")
        if self.max_length < 3:
            raise EncoderError(f"max_length is {self.max_length}; it must be 3 tokens or more")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises EncoderError for a missing file, a missing or wrong field, another format."""
        path = folder / CONFIGURATION
        values = read_json(path)
        if values.pop("format", None) != FORMAT:
            raise EncoderError(f"{path} is not an encoder's of format {FORMAT}; prepare it again")
        types = {field.name: field.type for field in fields(cls)}
        for name, value in values.items():
            if type(value) is not types.get(name):
                raise EncoderError(f"{path}: field {name!r} with value {value!r} is not understood")
        missing = {"model", "max_length", "pooling"} - values.keys()
        if missing:
            raise EncoderError(f"{path} lacks {', '.join(sorted(missing))}")
        return cls(**values)

    @property
    def prompts(self) -> tuple[str, str]:
        """What is written before a query and before a product."""
        return self.query_prompt, self.product_prompt

    def with_prompts(self, prompts: tuple[str, str] | None) -> Self:
        """Another (query, product) pair; None keeps its own."""
        if prompts is None:
            return self
        query, product = prompts
        own = self.own_prompts and prompts == self.prompts
        return replace(self, query_prompt=query, product_prompt=product, own_prompts=own)

    def to_bytes(self) -> bytes:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, ensure_ascii=False).encode()

    def digest(self, checksums: Mapping[str, str]) -> str:
        """16 hexadecimal digits over everything that decides a vector; `checksums` by file."""
        decides = {name: checksums[name] for name in sorted(checksums) if name != CONFIGURATION}
        settings = asdict(self)
        del settings["model"], settings["source"], settings["own_prompts"]
        content = json.dumps({"files": decides, **settings}, sort_keys=True).encode()
        return hashlib.sha256(content).hexdigest()[:16]

    def name(self, digest: str) -> str:
        """Of the encoder that has this digest: what generations and artefacts call it."""
        return f"{Path(self.model).name}-{digest}"


class EncoderFolder(NamedTuple):
    """An encoder's folder, read and, where it has a manifest, verified."""

    path: Path
    configuration: EncoderConfiguration
    digest: str

    @property
    def name(self) -> str:
        return self.configuration.name(self.digest)


def read_folder(path: Path) -> EncoderFolder:
    """Open an encoder's folder; in a store every file is checked against the manifest."""
    stored = (path / files.MANIFEST).exists()
    known = _verify(path) if stored else {}
    configuration = EncoderConfiguration.read(path)
    checksums = known if stored else _checksums(path)
    return EncoderFolder(path, configuration, configuration.digest(checksums))


def is_encoder(path: Path) -> bool:
    """Whether config.json is ours: transformers writes one of that name, too."""
    return (path / CONFIGURATION).exists() and "format" in read_json(path / CONFIGURATION)


def write_folder(
    store: Path,
    model: Path,
    tokenizer: Path,
    configuration: EncoderConfiguration,
    *,
    check: Callable[[Path], object],
) -> Path:
    """Put an encoder into `<store>/encoders/<digest>` unless it lies there already.

    `check` is given the folder before it gets its name, and raises to keep it out of the store.
    """
    sources = _sources(model, tokenizer)
    path = store / "encoders" / digest_of(model, tokenizer, configuration)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.parent / ".lock"):  # two preparations at once write the same folder
        if not path.exists():
            with files.FolderWriter(path, KIND, format=FORMAT) as folder:
                for name, file in sources.items():
                    folder.write(name, _chunks(file))
                folder.write(CONFIGURATION, configuration.to_bytes())
                check(folder.building)
                folder.commit({"model": configuration.model})
    return path


def digest_of(model: Path, tokenizer: Path, configuration: EncoderConfiguration) -> str:
    """That of the folder which `write_folder` would write."""
    sources = _sources(model, tokenizer)
    return configuration.digest({name: checksum(file) for name, file in sources.items()})


def _sources(model: Path, tokenizer: Path) -> dict[str, Path]:
    """The files that make an encoder, by the names that they get."""
    sources = {MODEL: model, TOKENIZER: tokenizer}
    if (weights := model.with_name(WEIGHTS)).exists():
        sources[WEIGHTS] = weights
    return sources


def stored_folders(store: Path) -> list[Path]:
    """The encoders of a store, the one written last first."""
    manifests = (store / "encoders").glob(f"*/{files.MANIFEST}")
    whole = [file for file in manifests if file.parent.suffix != files.BUILDING]
    return [
        file.parent for file in sorted(whole, key=lambda file: file.stat().st_mtime, reverse=True)
    ]


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; EncoderError names the file otherwise."""
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise EncoderError(f"{path} is missing") from None
    except ValueError as error:
        raise EncoderError(f"{path} is not JSON: {error}") from error
    if not isinstance(values, dict):
        raise EncoderError(f"{path} must hold a JSON object")
    return values


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise EncoderError(f"{path} is missing") from None


def _verify(path: Path) -> dict[str, str]:
    try:
        folder = files.open_folder(path, KIND, format=FORMAT)
    except GenerationError as error:
        raise EncoderError(f"{error}: remove {path} and prepare the encoder again") from error
    return {name: entry["sha256"] for name, entry in folder.manifest["files"].items()}


def _checksums(path: Path) -> dict[str, str]:
    names = [MODEL, TOKENIZER, *([WEIGHTS] if (path / WEIGHTS).exists() else [])]
    return {name: checksum(path / name) for name in names}


def _chunks(path: Path, size: int = 1 << 20) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(size):
            yield chunk
