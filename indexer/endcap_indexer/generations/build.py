"""Writes a generation as a stream: what is held in memory is the ids and one chunk of products."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.catalogue import Product
from endcap_indexer.exceptions import VectorsError
from endcap_indexer.files import FolderWriter
from endcap_indexer.generations.generation import COLUMNS, DIGESTS, IDS, ORDER, VECTORS
from endcap_indexer.generations.manifest import FOLDER, FORMAT, KIND, Manifest
from endcap_indexer.vectors import CLUSTERED, choose_index, write_index

UNIT_TOLERANCE = 5e-3  # float16 keeps a unit row's length to about 1e-3


class GenerationWriter:
    """`append` chunks of products, then `finish_rows`, then `commit`; else nothing appears.

    Where the manifest says that the vectors lie in the cluster, they are rows of no numbers here.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.products = self.vectors = 0  # appended, and how many of them have a vector
        self._manifest = manifest
        self._folder = FolderWriter(path, KIND, format=FORMAT)
        self._ids: list[NDArray[np.bytes_]] = []
        self._here = manifest.vectors == FOLDER
        self._dimension = manifest.dimension if self._here else 0
        self._index = CLUSTERED

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = stack.enter_context(self._folder)
            self._arrays = stack.enter_context(ExitStack())
            enter = self._arrays.enter_context
            self._vectors = enter(folder.array(VECTORS, np.float16, self._dimension))
            self._columns = enter(folder.array(COLUMNS, np.float32, len(self._manifest.columns)))
            self._digests = enter(folder.array(DIGESTS, "S16"))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def append(
        self,
        products: Sequence[Product],
        digests: NDArray[np.bytes_],
        vectors: NDArray[np.float16],
    ) -> int:
        """Add products with their text digests and (n, d) vectors; the first one's row."""
        check_unit(products, vectors)
        first = self.products
        self._ids.append(np.array([product.id.encode() for product in products]))
        self._digests.append(digests)
        self._vectors.append(vectors[:, : self._dimension])
        self._columns.append(column_values(products, self._manifest.columns))
        self.products += len(products)
        self.vectors += int(np.count_nonzero(~np.isnan(vectors[:, 0])))
        return first

    def finish_rows(self) -> None:
        """Close the arrays, write the ids, build the vector index: seconds to minutes."""
        self._arrays.close()
        ids = np.concatenate([np.empty(0, np.bytes_), *self._ids])
        self._ids.clear()
        self._folder.save(IDS, ids)
        self._folder.save(ORDER, np.argsort(ids, kind="stable").astype(np.int64))
        if self._here:
            self._index = choose_index(self.products, self._dimension)
        stored = np.load(self._folder.building / VECTORS, mmap_mode="r", allow_pickle=False)
        write_index(self._index, stored, self._folder)

    def commit(self, *, bad_rows: int) -> Manifest:
        """Write the manifest and give the folder its name."""
        manifest = replace(
            self._manifest, products=self.products, bad_rows=bad_rows, index=self._index
        )
        self._folder.commit(manifest.to_table())
        return manifest


def column_values(products: Sequence[Product], names: Sequence[str]) -> NDArray[np.float32]:
    """(products, names) float32; nan where a product does not say."""
    values = [[product.columns[name] for name in names] for product in products]
    return np.array(values, np.float32).reshape(len(products), len(names))


def check_unit(products: Sequence[Product], vectors: NDArray[np.float16]) -> None:
    """VectorsError names the first product whose vector is not of unit length."""
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
    wrong = np.flatnonzero(np.abs(lengths - 1) > UNIT_TOLERANCE)  # nan, no vector, is right
    if len(wrong):
        raise VectorsError(
            f"product {products[wrong[0]].id!r} has a vector of length {lengths[wrong[0]]:.4f},"
            " expected 1: unit length is the encoder's task, or the shop's if it brings vectors"
        )
