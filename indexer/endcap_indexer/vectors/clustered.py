"""Vectors that lie in the cluster: the field that holds them, and how an answer brings them.

A `knn_vector` has no doc values to ask for, and its `_source` is put together again for each hit:
200 of them take ten times as long as their rows alone (k-NN 3.6). A constant script packs each
vector as a generation's folder would store it, in a small part of that.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.catalogue import VECTOR_FIELD
from endcap_indexer.exceptions import VectorsError
from endcap_indexer.vectors.stored import Rows, Scores

LINKS = 16
CONSTRUCTION_BREADTH = 100
# float16, little endian, in base64; null for a product without a vector. Times 2^-112 the bits of a
# float are those of a float16, three places to the left of the sign and thirteen of the rest.
PACK = f"""
def field = doc['{VECTOR_FIELD}'];
if (field.size() == 0) {{ return null; }}
float[] vector = field.value;
byte[] packed = new byte[2 * vector.length];
for (int i = 0; i < vector.length; ++i) {{
  int bits = Float.floatToIntBits(vector[i] * 1.9259299E-34f);
  int half = (((bits + 4096) >>> 13) & 32767) | ((bits >>> 16) & 32768);
  packed[2 * i] = (byte) half;
  packed[2 * i + 1] = (byte) (half >>> 8);
}}
return Base64.getEncoder().encodeToString(packed);
"""
PACKED_VECTOR: Mapping[str, Any] = {VECTOR_FIELD: {"script": {"lang": "painless", "source": PACK}}}


class ClusteredIndex:
    """What stands in a generation whose vectors lie in the cluster, where the nearest are found."""

    def search(
        self, vector: NDArray[np.float32], k: int, allowed: Rows | None = None
    ) -> tuple[Rows, Scores]:
        raise VectorsError("these vectors lie in the cluster, and their nearest are found there")

    def vectors(self, rows: Rows) -> NDArray[np.float32]:
        """(len(rows), 0): the engine's answers bring the vectors."""
        return np.empty((len(rows), 0), np.float32)


def knn_field(dimension: int, engine: str) -> dict[str, Any]:
    """The mapping of a field of unit vectors. The engine is always named: the default one ends a
    node that has no native library for it.
    """
    parameters = {"m": LINKS, "ef_construction": CONSTRUCTION_BREADTH}
    method = {"name": "hnsw", "engine": engine, "space_type": "innerproduct"}
    return {
        "type": "knn_vector",
        "dimension": dimension,
        "method": {**method, "parameters": parameters},
    }


def unpack_vectors(hits: Sequence[Mapping[str, Any]], dimension: int) -> NDArray[np.float16]:
    """(n, d), aligned with hits that were asked for PACKED_VECTOR; nan: no vector."""
    vectors = np.full((len(hits), dimension), np.nan, "<f2")
    for place, hit in enumerate(hits):
        (packed,) = hit["fields"][VECTOR_FIELD]
        if packed is not None:
            vectors[place] = np.frombuffer(base64.b64decode(packed), "<f2")
    return vectors
