"""One open generation: ids, vectors and product columns on the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.files import open_folder
from endcap_indexer.generations.manifest import FORMAT, KIND, Manifest
from endcap_indexer.vectors import VectorIndex, open_index

IDS = "ids.npy"  # (n,) bytes, UTF-8
ORDER = "ids.order.npy"  # (n,) int64: the rows in order of their ids
VECTORS = "vectors.f16.npy"  # (n, d) float16, unit rows; nan: no vector
DIGESTS = "text_digests.npy"  # (n,) 16 bytes: what was embedded
COLUMNS = "columns.npy"  # (n, columns) float32; nan: the product does not say


@dataclass(frozen=True)
class Generation:
    """A verified, read-only folder of memory-mapped arrays; threads may share it."""

    manifest: Manifest
    index: VectorIndex
    columns: Mapping[str, NDArray[np.float32]]  # name → (n,); nan: the product does not say
    stored_vectors: NDArray[np.float16]  # (n, d)
    text_digests: NDArray[np.bytes_]  # (n,)
    _ids: NDArray[np.bytes_]
    _order: NDArray[np.int64]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open and verify; GenerationError, ChecksumError or VectorsError say what is wrong."""
        folder = open_folder(path, KIND, format=FORMAT)
        manifest = Manifest.from_table(folder.manifest)
        # plain views of the maps: numpy's memmap class costs microseconds at every step
        ids, order, stored, digests, values = (
            np.asarray(folder.array(name)) for name in (IDS, ORDER, VECTORS, DIGESTS, COLUMNS)
        )
        if {len(array) for array in (ids, order, stored, digests, values)} != {manifest.products}:
            raise GenerationError(f"{path}: its arrays differ in length; run reindex")
        columns = {name: values[:, place] for place, name in enumerate(manifest.columns)}
        index = open_index(manifest.index, stored, folder)
        return cls(manifest, index, columns, stored, digests, ids, order)

    @property
    def name(self) -> str:
        return self.manifest.generation

    def __len__(self) -> int:
        return self.manifest.products

    def ids(self, rows: NDArray[np.int64]) -> list[str]:
        """The products' ids, aligned with the rows; every row must exist."""
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise GenerationError(f"{self.name} has {len(self)} rows, asked were {rows}")
        return [id.decode() for id in self._ids[rows].tolist()]

    def rows(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """(len(ids),) int64 rows; -1 for an id that this generation does not know."""
        encoded = [id.encode() for id in ids]
        wanted = np.array(encoded, self._ids.dtype) if encoded else self._ids[:0]
        if not len(self):
            return np.full(len(ids), -1, np.int64)
        places = np.searchsorted(self._ids, wanted, sorter=self._order)
        rows = self._order[np.minimum(places, len(self) - 1)]
        # an id wider than the array was cut to its width: only the whole id counts
        whole = np.array([len(id) for id in encoded]) <= self._ids.itemsize
        return np.where((self._ids[rows] == wanted) & whole, rows, -1)
