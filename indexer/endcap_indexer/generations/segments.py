"""Segments: what changed since a generation was built, appended beside its arrays.

`<generation>/segments/000001/` holds the products that are new or changed and the rows of those
that are gone. A product keeps its row for the life of the generation: a new one takes the next row,
a changed one overrides what its row held before, and one that was gone and came back has its old
row again. So a row that a document holds stays right.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.files import FolderWriter, open_folder, sync_folder

KIND = "segment"
FORMAT = 1
SEGMENTS = "segments"

ROWS = "rows.npy"  # (n,) int64, ascending
IDS = "ids.npy"  # (n,) bytes, UTF-8
VECTORS = "vectors.f16.npy"  # (n, d) float16, unit rows; nan: no vector
DIGESTS = "text_digests.npy"  # (n,) 16 bytes
COLUMNS = "columns.npy"  # (n, columns) float32
TOMBSTONES = "tombstones.npy"  # (t,) int64, ascending: rows of products that are gone


@dataclass(frozen=True)
class Segment:
    """Products by row, and the rows that are gone; aligned arrays, held in memory."""

    rows: NDArray[np.int64]
    ids: NDArray[np.bytes_]
    vectors: NDArray[np.float16]
    digests: NDArray[np.bytes_]
    columns: NDArray[np.float32]
    tombstones: NDArray[np.int64]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open and verify; GenerationError or ChecksumError say what is wrong."""
        folder = open_folder(path, KIND, format=FORMAT)
        names = (ROWS, IDS, VECTORS, DIGESTS, COLUMNS, TOMBSTONES)
        segment = cls(*(folder.array(name, mapped=False) for name in names))
        aligned = (segment.ids, segment.vectors, segment.digests, segment.columns)
        if {len(array) for array in aligned} != {len(segment.rows)}:
            raise GenerationError(f"{path}: its arrays differ in length")
        return segment

    @classmethod
    def empty(cls, dimension: int, columns: int) -> Self:
        rows = np.empty(0, np.int64)
        vectors = np.empty((0, dimension), np.float16)
        values = np.empty((0, columns), np.float32)
        return cls(rows, np.empty(0, "S1"), vectors, np.empty(0, "S16"), values, rows)

    def then(self, later: Self) -> Self:
        """Both in one: what the later one says of a row counts."""
        kept = ~np.isin(self.rows, np.concatenate([later.rows, later.tombstones]))
        order = np.argsort(np.concatenate([self.rows[kept], later.rows]))

        def both(earlier: NDArray[Any], later: NDArray[Any]) -> NDArray[Any]:
            return np.asarray(np.concatenate([earlier[kept], later])[order])

        gone = np.setdiff1d(self.tombstones, later.rows)
        return type(self)(
            both(self.rows, later.rows),
            both(self.ids, later.ids),
            both(self.vectors, later.vectors),
            both(self.digests, later.digests),
            both(self.columns, later.columns),
            np.union1d(gone, later.tombstones),
        )

    def write(self, path: Path) -> None:
        """Write it as a checksummed folder, which appears whole."""
        with FolderWriter(path, KIND, format=FORMAT) as folder:
            folder.save(ROWS, self.rows)
            folder.save(IDS, self.ids)
            folder.save(VECTORS, self.vectors)
            folder.save(DIGESTS, self.digests)
            folder.save(COLUMNS, self.columns)
            folder.save(TOMBSTONES, self.tombstones)
            folder.commit({"products": len(self.rows), "tombstones": len(self.tombstones)})


def merge(segments: Sequence[Segment]) -> Segment:
    """One or more segments in one, as if they had been one: halves first, so each row is copied
    a few times only.
    """
    if len(segments) == 1:
        return segments[0]
    middle = len(segments) // 2
    return merge(segments[:middle]).then(merge(segments[middle:]))


def segment_folder(generation: Path, number: int) -> Path:
    return generation / SEGMENTS / f"{number:06}"


def count_segments(generation: Path) -> int:
    """Finished segments; GenerationError where one is missing between two others."""
    numbers = sorted(
        int(path.name)
        for path in generation.glob(f"{SEGMENTS}/*")
        if re.fullmatch(r"\d{6,}", path.name)
    )
    if numbers != list(range(1, len(numbers) + 1)):
        raise GenerationError(
            f"{generation / SEGMENTS}: a segment is missing before {numbers[-1]:06};"
            " build the generation again"
        )
    return len(numbers)


def open_segments(generation: Path, after: int) -> Iterator[Segment]:
    """The segments appended after the first `after`, in order."""
    for number in range(after + 1, count_segments(generation) + 1):
        yield Segment.open(segment_folder(generation, number))


def append_segment(generation: Path, number: int, segment: Segment) -> None:
    """Commit one more segment. The caller holds the store's lease."""
    folder = generation / SEGMENTS
    if not folder.exists():
        folder.mkdir()
        sync_folder(generation)
    segment.write(segment_folder(generation, number))
