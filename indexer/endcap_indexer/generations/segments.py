"""Segments: what changed since a generation was built, appended beside its arrays.

`<generation>/segments/000001/` holds the products that are new or changed and the rows of those
that are gone; `000002-000017/` is sixteen of them in one. A product keeps its row for the life of
the generation: a new one takes the next row, a changed one overrides what its row held before, and
one that was gone and came back has its old row again. So a row that a document holds stays right.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.files import (
    FolderWriter,
    open_folder,
    read_manifest,
    remove_folder,
    sync_folder,
)

KIND = "segment"
FORMAT = 1
SEGMENTS = "segments"

ROWS = "rows.npy"  # (n,) int64, ascending
IDS = "ids.npy"  # (n,) bytes, UTF-8
VECTORS = "vectors.f16.npy"  # (n, d) float16, unit rows; nan: no vector
DIGESTS = "text_digests.npy"  # (n,) 16 bytes
COLUMNS = "columns.npy"  # (n, columns) float32
TOMBSTONES = "tombstones.npy"  # (t,) int64, ascending: rows of products that are gone

MANY_PIECES = 16


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

    def with_ids_of_gone(self, parts: Sequence[Self]) -> Self:
        """With the ids of products that came and went within the parts: each has its row for ever.
        A row that is both held and gone is gone.
        """
        rows = np.concatenate([part.rows for part in parts])
        ids = np.concatenate([part.ids for part in parts])
        lost = np.isin(rows, self.tombstones) & ~np.isin(rows, self.rows)
        rows, places = np.unique(rows[lost], return_index=True)
        order = np.argsort(np.concatenate([self.rows, rows]))
        n = len(rows)

        def with_nothing(held: NDArray[Any], nothing: Any) -> NDArray[Any]:
            more = np.full((n, *held.shape[1:]), nothing, held.dtype)
            return np.asarray(np.concatenate([held, more])[order])

        return type(self)(
            np.concatenate([self.rows, rows])[order],
            np.concatenate([self.ids, ids[lost][places]])[order],
            with_nothing(self.vectors, np.nan),
            with_nothing(self.digests, b""),
            with_nothing(self.columns, np.nan),
            self.tombstones,
        )

    def without_gone(self) -> Self:
        """Nothing is held of what is gone."""
        kept = ~np.isin(self.rows, self.tombstones)
        return type(self)(
            self.rows[kept],
            self.ids[kept],
            self.vectors[kept],
            self.digests[kept],
            self.columns[kept],
            self.tombstones,
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


class Piece(NamedTuple):
    """A folder of one segment, or of several that were merged."""

    first: int
    last: int
    path: Path


def segment_folder(generation: Path, first: int, last: int | None = None) -> Path:
    name = f"{first:06}" if last is None else f"{first:06}-{last:06}"
    return generation / SEGMENTS / name


def list_pieces(generation: Path) -> list[Piece]:
    """What there is to read, in order: of a merged piece and its parts, the merged one.

    GenerationError where a segment is missing between two others.
    """
    pieces: list[Piece] = []
    for piece in sorted(_folders(generation), key=lambda piece: (piece.first, -piece.last)):
        end = pieces[-1].last if pieces else 0
        if piece.last > end:
            if piece.first != end + 1:
                raise GenerationError(
                    f"{generation / SEGMENTS}: a segment is missing before {piece.first:06};"
                    " build the generation again"
                )
            pieces.append(piece)
    return pieces


def open_segments(generation: Path, after: int) -> tuple[int, list[Segment]]:
    """The number of the last segment, and those appended after the first `after`, in order.

    A merged one may hold more: applied once more, what is known already changes nothing. Where a
    piece is merged while it is opened, it is looked for again.
    """
    while True:
        pieces = list_pieces(generation)
        try:
            found = [Segment.open(piece.path) for piece in pieces if piece.last > after]
        except (GenerationError, FileNotFoundError):
            if list_pieces(generation) == pieces:
                raise
            continue
        return (pieces[-1].last if pieces else 0), found


def append_segment(generation: Path, number: int, segment: Segment) -> None:
    """Commit one more segment. The caller holds the store's lease."""
    folder = generation / SEGMENTS
    if not folder.exists():
        folder.mkdir()
        sync_folder(generation)
    segment.write(segment_folder(generation, number))


def merge_pieces(generation: Path) -> None:
    """Where there are many, make one of the last ones, as many as are together no smaller than the
    one before: so a product is written again as many times as there are powers of two, not days.

    Parts go when the whole is there, so whenever the process dies every reader finds all of it.
    The caller holds the store's lease.
    """
    pieces = list_pieces(generation)
    if len(pieces) < MANY_PIECES:
        return
    for leftover in set((generation / SEGMENTS).iterdir()) - {piece.path for piece in pieces}:
        remove_folder(leftover)
    chosen = pieces[_start([_size(piece) for piece in pieces]) :]
    segments = [Segment.open(piece.path) for piece in chosen]
    whole = segment_folder(generation, chosen[0].first, chosen[-1].last)
    merge(segments).with_ids_of_gone(segments).write(whole)
    for piece in chosen:
        remove_folder(piece.path)


def _folders(generation: Path) -> Iterator[Piece]:
    for path in generation.glob(f"{SEGMENTS}/*"):
        if found := re.fullmatch(r"(\d{6,})(?:-(\d{6,}))?", path.name):
            yield Piece(int(found[1]), int(found[2] or found[1]), path)


def _size(piece: Piece) -> int:
    facts = read_manifest(piece.path, KIND, format=FORMAT)
    return int(facts["products"]) + int(facts["tombstones"])


def _start(sizes: Sequence[int]) -> int:
    """Of the pieces to merge: the last few, and each before them that is no larger than they are
    together.
    """
    start = len(sizes) - max(2, MANY_PIECES // 2)
    while start and sizes[start - 1] <= sum(sizes[start:]):
        start -= 1
    return start
