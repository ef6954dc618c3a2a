"""Named arrays in one safetensors file, which is memory-mapped when it is read.

safetensors' own reader copies what it reads; several processes shall share one copy.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

LENGTH_BYTES = 8  # of the header's length, little-endian, at the file's begin
METADATA = "__metadata__"
TYPES: Mapping[str, type[np.generic]] = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}


def serialise(
    tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None
) -> bytes:
    """The content of a safetensors file."""
    plain = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    return safetensors.numpy.save(plain, dict(metadata) if metadata else None)


def map_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Read-only arrays over the file's bytes; ValueError where it is no safetensors file."""
    header, data = _open(path)
    try:
        return {name: _view(data, **facts) for name, facts in header.items() if name != METADATA}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no safetensors file: {error!r}") from error


def read_metadata(path: Path) -> dict[str, str]:
    """What was written beside the tensors; ValueError where it is no safetensors file."""
    header, _ = _open(path)
    return dict(header.get(METADATA) or {})


def _open(path: Path) -> tuple[dict[str, Any], NDArray[np.uint8]]:
    """The header and the bytes behind it."""
    content = np.asarray(np.memmap(path, np.uint8, "r"))  # a plain view: memmap's class is slow
    length = int(content[:LENGTH_BYTES].view("<u8")[0])
    begin = LENGTH_BYTES + length
    header = json.loads(content[LENGTH_BYTES:begin].tobytes())
    if not isinstance(header, dict):
        raise ValueError(f"{path} is no safetensors file")
    return header, content[begin:]


def _view(
    data: NDArray[np.uint8], dtype: str, shape: list[int], data_offsets: list[int]
) -> NDArray[Any]:
    start, end = data_offsets
    return data[start:end].view(TYPES[dtype]).reshape(shape)
