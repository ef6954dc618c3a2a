"""Ids as bytes: found by bisection, kept as plain arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Codes


def find_codes(sorted_ids: NDArray[np.bytes_], ids: Sequence[str]) -> Codes:
    """(n,) the place of each id in `sorted_ids` (m,), UTF-8 in ascending order; -1: not there."""
    if not len(sorted_ids):
        return np.full(len(ids), -1, np.int32)
    width = sorted_ids.dtype.itemsize
    encoded = [identifier.encode("utf-8", "surrogatepass") for identifier in ids]
    sought = np.array(encoded, f"S{width}")
    place = np.searchsorted(sorted_ids, sought)
    place[place == len(sorted_ids)] = 0
    whole = np.fromiter((len(one) <= width for one in encoded), bool, len(encoded))
    found = (sorted_ids[place] == sought) & whole
    return np.where(found, place, -1).astype(np.int32)


def to_tensor(ids: NDArray[np.bytes_]) -> NDArray[np.uint8]:
    """(m, width) bytes, as plain formats keep them."""
    return np.ascontiguousarray(ids).view(np.uint8).reshape(len(ids), ids.dtype.itemsize)


def from_tensor(tensor: NDArray[Any]) -> NDArray[np.bytes_]:
    """(m,) ids that share the tensor's memory."""
    return tensor.view(f"S{tensor.shape[1]}").reshape(len(tensor))
