"""The products of a generation as a model sees them, computed once and kept in the store.

`<store>/item_vectors/<generation>.<model>/` is a checksummed folder. A vector v is kept as the
unit row `[v / m, sqrt(1 - |v / m|²)]`, m the length of the longest: a query `[s, 0]` then has with
each row, but for one factor, the inner product `s · v`, so that an index of cosines finds the
largest ones (Bachrach et al., RecSys 2014).
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from endcap.exceptions import ArtefactError
from endcap.text_vectors import ReadText
from endcap_indexer import files
from endcap_indexer.exceptions import GenerationError, IndexerError
from endcap_indexer.generations import Generation, Manifest, generation_folder
from endcap_indexer.vectors import (
    FlatIndex,
    SegmentedIndex,
    VectorIndex,
    best,
    choose_index,
    open_index,
    write_index,
)
from endcap_reranker.models import UserItemModel

KIND = "item vectors"
FORMAT = 1
VECTORS = "vectors.f16.npy"
CHUNK_ROWS = 8192
DOT = "dot"  # the interaction that is an inner product
MORE_ALIKE, LEAST_ALIKE = 10, 200  # how much longer a list is, since the index has no cosines
ENCODER = "text_encoder"  # in the facts of a model: whose vectors its item side reads

MadeOf = Mapping[str, Any]  # when the generation and the model were made
Floats = NDArray[np.float32]
Rows = NDArray[np.int64]

logger = logging.getLogger("endcap")


@dataclass(frozen=True, eq=False)
class ItemTable:
    """(n, d) by row of the generation: an index whose queries are states of shoppers.

    It is read-only, and threads may share it.
    """

    model: UserItemModel
    index: VectorIndex  # of the kept rows
    scale: float
    products: int

    def __len__(self) -> int:
        return self.products

    def vectors(self, rows: Rows) -> Floats:
        """(len(rows), d) float32; nan for a row that is not there and for an unknown product."""
        known = np.where(rows < self.products, rows, -1)
        vectors: Floats = self.index.vectors(known)[:, : self.model.configuration.dimension]
        vectors *= np.float32(self.scale)
        return vectors

    def search(self, vector: Floats, k: int, allowed: Rows | None = None) -> tuple[Rows, Floats]:
        """At most k rows that the model scores highest for a state (d,), and these scores.

        Inner products are found by the index, or scored exactly among `allowed`; another
        interaction has to score every product.
        """
        if self.model.configuration.interaction == DOT and allowed is None:
            rows, cosines = self.index.search(self.query(vector), k)
            return rows, cosines * np.float32(self.scale * np.linalg.norm(vector))
        among = np.arange(self.products) if allowed is None else allowed
        return best(among, self._score(vector, among), k)

    def _score(self, state: Floats, rows: Rows) -> Floats:
        scores = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), CHUNK_ROWS):
            part = slice(start, start + CHUNK_ROWS)
            scores[part] = self.model.score(state, self.vectors(rows[part]))
        return scores

    def query(self, vector: Floats) -> Floats:
        """(d + 1,) unit: what the index is asked for the largest inner products with (d,)."""
        length = max(float(np.linalg.norm(vector)), float(np.finfo(np.float32).tiny))
        return np.append(vector / np.float32(length), np.float32(0)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Likeness:
    """The products of a table by their cosines: an index whose queries are products."""

    table: ItemTable

    def vectors(self, rows: Rows) -> Floats:
        return self.table.vectors(rows)

    def search(self, vector: Floats, k: int, allowed: Rows | None = None) -> tuple[Rows, Floats]:
        """At most k rows by their cosines to a product (d,), and these.

        The index says what is near by the inner product: a longer list of it is looked at.
        """
        rows = allowed
        if rows is None:
            longer = max(LEAST_ALIKE, MORE_ALIKE * k)
            rows, _ = self.table.index.search(self.table.query(vector), longer)
        found = self.vectors(rows)
        lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(vector)
        cosines = found @ vector / np.maximum(lengths, np.finfo(np.float32).tiny)
        return best(rows, cosines, k)


def open_table(
    store: Path,
    name: str,
    model: UserItemModel,
    facts: Mapping[str, Any],
    generation: Generation,
    read_text: ReadText,
) -> ItemTable:
    """The table of a model and of what a generation was built with, made where there is none yet,
    by one process while the others wait.

    Raises `ArtefactError` where the two do not fit, and what `read_text` raises. A store that may
    not be written costs the time of making it at each opening.
    """
    require_fit(name, model, facts, generation.manifest)
    path = _folder(store) / f"{generation.name}.{name}"
    made_of = {"created": generation.manifest.created, "model_created": facts.get("created")}
    if (kept := _open_kept(path, made_of, model)) is not None:
        return kept
    with _alone(store):
        if (kept := _open_kept(path, made_of, model)) is not None:
            return kept
        return _make(store, path, made_of, model, generation, read_text)


def _make(
    store: Path,
    path: Path,
    made_of: MadeOf,
    model: UserItemModel,
    generation: Generation,
    read_text: ReadText,
) -> ItemTable:
    built = np.arange(generation.built, dtype=np.int64)
    vectors = _compute(model, generation, built, read_text)
    scale = float(np.nanmax(np.linalg.norm(vectors, axis=1), initial=0.0)) or 1.0
    rows = _unit_rows(vectors, scale)
    try:
        _remove_unused(store)
        _write(path, rows, scale, made_of)
        return _open(path, made_of, model)
    except (OSError, IndexerError) as error:
        logger.warning("the item vectors of %s are not kept: %s", path.suffix[1:], error)
        return ItemTable(model, FlatIndex(rows), scale, len(rows))


def with_segments(table: ItemTable, generation: Generation, read_text: ReadText) -> ItemTable:
    """The table with what was changed since the generation was built."""
    if not generation.segments:
        return table
    changed = generation.changed_rows
    rows = _unit_rows(_compute(table.model, generation, changed, read_text), table.scale)
    index = SegmentedIndex(table.index, generation.places, changed, rows)
    return replace(table, index=index, products=len(generation))


def require_fit(
    name: str, model: UserItemModel, facts: Mapping[str, Any], manifest: Manifest
) -> None:
    """Raise `ArtefactError` that names what the model reads and a generation does not have."""
    configuration = model.configuration
    if configuration.text_dimension:
        read = (facts.get(ENCODER), configuration.text_dimension)
        has = (manifest.encoder, manifest.dimension)
        if read != has:
            raise ArtefactError(
                f"{name} does not fit {manifest.generation}: it reads vectors of {read[0]} with"
                f" {read[1]} dimensions, these are of {has[0]} with {has[1]}; train again"
            )
    if lacking := [each for each in configuration.attributes if each not in manifest.columns]:
        raise ArtefactError(
            f"{name} does not fit {manifest.generation}: it reads the columns"
            f" {', '.join(lacking)}, which the catalogue has not; train again"
        )


def _compute(
    model: UserItemModel, generation: Generation, rows: Rows, read_text: ReadText
) -> Floats:
    """(len(rows), d) of the products of these rows; nan: the model knows nothing of it."""
    nothing = np.empty((0, model.configuration.dimension), np.float32)
    parts = np.split(rows, np.arange(CHUNK_ROWS, len(rows), CHUNK_ROWS))
    made = (_item_vectors(model, generation, part, read_text) for part in parts)
    return np.concatenate([nothing, *made])


def _item_vectors(
    model: UserItemModel, generation: Generation, rows: Rows, read_text: ReadText
) -> Floats:
    text = read_text(rows) if model.configuration.text_dimension else None
    columns = [generation.columns[name][rows] for name in model.configuration.attributes]
    attributes = np.stack(columns, axis=1) if columns else None
    return model.item_vectors(generation.ids(rows), text, attributes)


def _unit_rows(vectors: Floats, scale: float) -> NDArray[np.float16]:
    """(n, d + 1), as they are kept."""
    scaled = vectors / np.float32(scale)
    rest = np.sqrt(np.maximum(1 - (scaled**2).sum(axis=1), 0))
    return np.column_stack([scaled, rest]).astype(np.float16)


def _write(path: Path, scaled: NDArray[np.float16], scale: float, made_of: MadeOf) -> None:
    kind = choose_index(*scaled.shape)
    if path.exists():
        files.remove_folder(path)
    with files.FolderWriter(path, KIND, format=FORMAT) as folder:
        folder.save(VECTORS, scaled)
        write_index(kind, scaled, folder)
        folder.commit({"scale": scale, "index": kind, **made_of})


def _open(path: Path, made_of: MadeOf, model: UserItemModel) -> ItemTable:
    folder = files.open_folder(path, KIND, format=FORMAT)
    if any(folder.manifest.get(name) != value for name, value in made_of.items()):
        raise GenerationError(f"{path} is of a generation or a model that had these names before")
    stored = np.asarray(folder.array(VECTORS))
    index = open_index(folder.manifest["index"], stored, folder)
    return ItemTable(model, index, float(folder.manifest["scale"]), len(stored))


def _open_kept(path: Path, made_of: MadeOf, model: UserItemModel) -> ItemTable | None:
    """None where it is not there, not whole, or of others of these names."""
    try:
        return _open(path, made_of, model)
    except IndexerError:
        return None


def _remove_unused(store: Path) -> None:
    """Tables of generations that are gone."""
    for path in _folder(store).glob("*.*"):
        generation = path.name.partition(".")[0]
        if path.is_dir() and not generation_folder(store, generation).exists():
            files.remove_folder(path)


def _folder(store: Path) -> Path:
    return store / "item_vectors"


@contextmanager
def _alone(store: Path) -> Iterator[None]:
    """While no other process makes a table; in a store that may not be written nobody keeps one."""
    with ExitStack() as held:
        with suppress(OSError):
            _folder(store).mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(_folder(store) / "lock"))
        yield
