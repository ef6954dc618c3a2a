"""What the item side of a model reads: the text vectors of products, from a generation's folder or
from the cluster.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch

from endcap_indexer.generations import Generation, read_vectors
from endcap_indexer.generations.manifest import FOLDER

Floats = NDArray[np.float32]
Rows = NDArray[np.int64]
ReadText: TypeAlias = Callable[[Rows], Floats]  # different rows → (n, d); nan: no vector


def text_reader(client: OpenSearch, generation: Generation) -> ReadText:
    """Reads the vectors of products by their rows. The client is a plain one; the reader raises
    `VectorsError` where the cluster does not give them.
    """
    if generation.manifest.vectors == FOLDER:
        return generation.index.vectors
    return partial(read_vectors, client, generation)


class ChangedTexts:
    """The products that changed since a build: what was read of them is kept while their texts stay
    the same, so that a segment more costs the reading of what is new in it.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, bytes], NDArray[np.float16]] = {}  # by row and text

    def reader(self, client: OpenSearch, generation: Generation) -> ReadText:
        """As `text_reader`, for the rows that segments of this generation hold."""
        if generation.manifest.vectors == FOLDER:
            return generation.index.vectors
        held = set(_texts(generation, generation.changed_rows))
        self._known = {text: vector for text, vector in self._known.items() if text in held}
        return partial(self._read, client, generation)

    def _read(self, client: OpenSearch, generation: Generation, rows: Rows) -> Floats:
        texts = _texts(generation, rows)
        vectors = np.full((len(rows), generation.manifest.dimension), np.nan, np.float32)
        missing = np.array([text not in self._known for text in texts], np.bool_)
        vectors[missing] = read_vectors(client, generation, rows[missing])
        for place, text in enumerate(texts):
            if not missing[place]:
                vectors[place] = self._known[text]
            elif text[1] and not np.isnan(vectors[place, 0]):  # the shop's own are of no text
                self._known[text] = vectors[place].astype(np.float16)
        return vectors


def _texts(generation: Generation, rows: Rows) -> list[tuple[int, bytes]]:
    return list(zip(rows.tolist(), generation.digests(rows).tolist(), strict=True))
