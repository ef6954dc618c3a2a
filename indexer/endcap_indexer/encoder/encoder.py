"""What the rest of endcap knows of an encoder."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """Texts in, unit vectors out. Unit length is established here and nowhere else."""

    @property
    def name(self) -> str:
        """The model's short name and the digest of everything that decides its vectors: weights,
        tokenizer, pooling, prompts, maximum length. Another name means reindex."""
        ...

    @property
    def dimension(self) -> int: ...

    def encode_products(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dimension), unit rows, in the order of the texts."""
        ...

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dimension), unit rows; E5, BGE and others prompt queries and products differently."""
        ...
