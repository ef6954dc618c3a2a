"""What a training that was stopped goes on from; the caller keeps it."""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.exceptions import ModelError
from endcap_reranker.interactions import Interactions


class Checkpoint(NamedTuple):
    """After a whole epoch. record: JSON."""

    tensors: dict[str, NDArray[Any]]
    record: dict[str, Any]


def fingerprint(interactions: Interactions) -> str:
    """Of the events: another one means that a checkpoint is not of this training."""
    digest = hashlib.sha256()
    for array in (interactions.users, interactions.items, interactions.weights):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(interactions.item_ids.tobytes())
    return digest.hexdigest()[:16]


def require_same(checkpoint: Checkpoint, made_of: Mapping[str, Any]) -> None:
    """Raise ModelError unless the checkpoint was made of the same choices and events."""
    for name, value in made_of.items():
        if checkpoint.record.get(name) != value:
            raise ModelError(
                f"the checkpoint is of another {name}; remove it, and training starts anew"
            )
