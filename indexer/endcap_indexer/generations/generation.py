"""One open generation: ids, vectors and product columns on the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.files import open_folder
from endcap_indexer.generations.ids import Ids
from endcap_indexer.generations.manifest import FOLDER, FORMAT, KIND, Manifest
from endcap_indexer.generations.segments import Segment, merge, open_segments
from endcap_indexer.holds import Hold
from endcap_indexer.vectors import GONE, UNCHANGED, SegmentedIndex, VectorIndex, open_index

IDS = "ids.npy"  # (n,) bytes, UTF-8
ORDER = "ids.order.npy"  # (n,) int64: the rows in order of their ids
VECTORS = "vectors.f16.npy"  # (n, d) float16, unit rows; nan: no vector
DIGESTS = "text_digests.npy"  # (n,) 16 bytes: what was embedded
COLUMNS = "columns.npy"  # (n, columns) float32; nan: the product does not say


class Embedded(NamedTuple):
    """Vectors by the digest of the text that they are of."""

    digests: NDArray[np.bytes_]  # (n,)
    vectors: NDArray[np.float16]  # (n, d)


@dataclass(frozen=True)
class Base:
    """The arrays that a generation was built with, memory-mapped."""

    path: Path
    manifest: Manifest
    index: VectorIndex
    ids: Ids
    vectors: NDArray[np.float16]
    digests: NDArray[np.bytes_]
    columns: NDArray[np.float32]
    hold: Hold  # until it is garbage the folder stays

    @classmethod
    def open(cls, path: Path) -> Self:
        hold = Hold(path)
        folder = open_folder(path, KIND, format=FORMAT)
        manifest = Manifest.from_table(folder.manifest)
        # plain views of the maps: numpy's memmap class costs microseconds at every step
        ids, order, stored, digests, columns = (
            np.asarray(folder.array(name)) for name in (IDS, ORDER, VECTORS, DIGESTS, COLUMNS)
        )
        if {len(each) for each in (ids, order, stored, digests, columns)} != {manifest.products}:
            raise GenerationError(f"{path}: its arrays differ in length; run reindex")
        index = open_index(manifest.index, stored, folder)
        return cls(path, manifest, index, Ids(ids, order), stored, digests, columns, hold)

    def __len__(self) -> int:
        return len(self.ids)


class Generation:
    """A verified, read-only folder with the segments it had when it was opened.

    manifest: what was built. index, columns: of the latest; columns are name → (rows,) float32, nan
    where the product does not say. segments: how many were appended. Threads may share it.
    """

    def __init__(self, base: Base, changed: Segment, new: Ids, segments: int) -> None:
        self.manifest = base.manifest
        self.segments = segments
        self._base, self._changed, self._new = base, changed, new
        self._places = self._find_places()
        self.index = self._make_index()
        self.columns: Mapping[str, NDArray[np.float32]] = {
            name: self._column(place) for place, name in enumerate(self.manifest.columns)
        }

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open and verify; GenerationError, ChecksumError or VectorsError say what is wrong."""
        base = Base.open(path)
        nothing = Segment.empty(base.vectors.shape[1], len(base.manifest.columns))
        return cls(base, nothing, Ids.of(nothing.ids), 0).refreshed()

    def refreshed(self) -> Self:
        """The generation with the segments appended since, which alone are opened; itself where
        there are none.
        """
        last, segments = open_segments(self.path, self.segments)
        if not segments:
            return self
        changed = merge([self._changed, *segments]).without_gone()
        new = Ids.of(self._collect_new(segments))
        return type(self)(self._base, changed, new, last)

    @property
    def name(self) -> str:
        return self.manifest.generation

    @property
    def path(self) -> Path:
        return self._base.path

    def __len__(self) -> int:
        """Rows, of products that are gone too."""
        return len(self._base) + len(self._new)

    @property
    def products(self) -> int:
        """How many products there are."""
        return len(self) - len(self._changed.tombstones)

    @property
    def embedded(self) -> tuple[Embedded, ...]:
        """Every vector of the folder that is known by its text, in parts."""
        base, changed = self._base, self._changed
        if self.manifest.vectors != FOLDER:
            return ()
        return (
            Embedded(base.digests, base.vectors),
            Embedded(changed.digests, changed.vectors),
        )

    @property
    def dimension(self) -> int:
        """Of the vectors in the folder: 0 where they lie in the cluster."""
        return int(self._base.vectors.shape[1])

    @property
    def built(self) -> int:
        """The rows it was built with; segments add those behind."""
        return len(self._base)

    @property
    def places(self) -> NDArray[np.int32]:
        """(rows,) of each row among `changed_rows`, or UNCHANGED or GONE, as SegmentedIndex reads
        them.
        """
        return self._places

    @property
    def changed_rows(self) -> NDArray[np.int64]:
        """The rows that segments hold."""
        return self._changed.rows

    def ids(self, rows: NDArray[np.int64]) -> list[str]:
        """The products' ids, aligned with the rows; every row must exist."""
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise GenerationError(f"{self.name} has {len(self)} rows, asked were {rows}")
        base = len(self._base)
        if not len(self._new):
            return self._base.ids.take(rows)
        ids = np.empty(len(rows), object)
        built = rows < base
        ids[built] = self._base.ids.take(rows[built])
        ids[~built] = self._new.take(rows[~built] - base)
        return list(ids)

    def rows(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """(len(ids),) int64 rows; -1 for an id that this generation does not know."""
        rows = self.given_rows(ids)
        gone = self._changed.tombstones
        return np.where(np.isin(rows, gone), -1, rows) if len(gone) else rows

    def given_rows(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """As `rows`, but a product that is gone still has the row that it would come back to."""
        rows = self._base.ids.find(ids)
        if len(self._new):
            new = self._new.find(ids)
            rows = np.where(new >= 0, new + len(self._base), rows)
        return rows

    def digests(self, rows: NDArray[np.int64]) -> NDArray[np.bytes_]:
        """(len(rows),) text digests; empty where nothing is known, as for row -1."""
        places = np.full(len(rows), GONE, np.int32)
        places[rows >= 0] = self._places[rows[rows >= 0]]
        digests = np.zeros(len(rows), "S16")
        unchanged, changed = places == UNCHANGED, places >= 0
        digests[unchanged] = self._base.digests[rows[unchanged]]
        digests[changed] = self._changed.digests[places[changed]]
        return digests

    def present_rows(self) -> NDArray[np.int64]:
        """The rows of all products that are not gone."""
        return np.flatnonzero(self._places != GONE)

    def _find_places(self) -> NDArray[np.int32]:
        places = np.full(len(self), UNCHANGED, np.int32)
        places[self._changed.rows] = np.arange(len(self._changed.rows), dtype=np.int32)
        places[self._changed.tombstones] = GONE
        return places

    def _make_index(self) -> VectorIndex:
        changed = self._changed
        if not self.segments or self.manifest.vectors != FOLDER:
            return self._base.index
        return SegmentedIndex(self._base.index, self._places, changed.rows, changed.vectors)

    def _column(self, place: int) -> NDArray[np.float32]:
        built = self._base.columns[:, place]
        if not self.segments:
            return built
        column = np.full(len(self), np.nan, np.float32)
        column[: len(built)] = built
        column[self._changed.rows] = self._changed.columns[:, place]
        column[self._changed.tombstones] = np.nan
        return column

    def _collect_new(self, segments: Sequence[Segment]) -> NDArray[np.bytes_]:
        """The ids of all rows behind the base's, those of these segments too."""
        rows = np.concatenate([segment.rows for segment in segments])
        ids = np.concatenate([segment.ids for segment in segments])
        added, places = np.unique(rows, return_index=True)
        beyond = added >= len(self)
        if not np.array_equal(added[beyond], np.arange(len(self), len(self) + beyond.sum())):
            raise GenerationError(f"{self.path}: its segments leave rows out; build it again")
        return np.concatenate([self._new.encoded, ids[places[beyond]]])
