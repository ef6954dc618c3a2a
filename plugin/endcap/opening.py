"""What one search pins, and how it is opened: a generation, the artefacts, the encoder."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, TypeVar

import numpy as np
from opensearchpy import OpenSearch

from endcap.conditions import Query
from endcap.exceptions import EndcapError
from endcap.item_tables import ItemTable, open_table, with_segments
from endcap.keys import IdKeys, Keys, RowKeys
from endcap.product_vectors import ClusterVectors, FolderVectors, ProductVectors
from endcap.registry import COOCCURRENCE, MODEL, TUNING, Registry, model_name
from endcap.search_pipelines import SearchPipeline
from endcap.text_vectors import ChangedTexts, text_reader
from endcap.tuning import Tuning
from endcap_indexer.catalogue import ROW_FIELD, text_query
from endcap_indexer.encoder import Encoder, QueryCache, open_stored
from endcap_indexer.exceptions import GenerationError, IndexerError
from endcap_indexer.generations import Generation, generation_folder, index_of
from endcap_reranker import (
    Cooccurrence,
    CooccurrenceColumn,
    HistoryColumn,
    ModelColumn,
    PopularityColumn,
    RerankerError,
    Scorer,
)

CANNOT_BE_USED = (IndexerError, EndcapError, RerankerError, OSError)
WARM_UP = "warm up"
KEPT_TABLES = 4  # of models and generations: those of the snapshots that are open
NO_ROWS = "hits are asked for by _id, which is slower: endcap attach --row-field"
NO_ENCODER = "no vector leg: the vectors are the shop's own and no encoder for queries was given"
T = TypeVar("T")


@dataclass(frozen=True)
class Snapshot:
    """Everything one search pins.

    index: the concrete index. row_field: where its documents hold their row, if they do. queries:
    None where nobody can encode a query. text_fields: with their boosts, as a multi_match query
    names them. scorers: the columns that need more than the candidates' scores and vectors. slower:
    what is slower than it could be. left_out: what of it cannot be used, and why. behind: what
    changed since and cannot be used. clustered: the vectors in the cluster; None where they lie in
    the generation's folder. pipeline: what the index is searched through by default.
    """

    index: str
    generation: Generation
    row_field: str | None
    queries: QueryCache | None
    text_fields: tuple[str, ...]
    tuning: Tuning
    scorers: tuple[Scorer, ...]
    model: str | None
    slower: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    clustered: ClusterVectors | None = None
    pipeline: SearchPipeline | None = None

    @property
    def identity(self) -> tuple[str, str | None]:
        """What a cursor names: generation and model."""
        return (self.generation.name, self.model)

    @property
    def notes(self) -> tuple[str, ...]:
        """What every search of it says."""
        return (*self.slower, *self.left_out, *self.behind)

    @property
    def keys(self) -> Keys:
        """How hits and rows find each other."""
        if self.row_field is None:
            return IdKeys(self.generation)
        return RowKeys(self.row_field, self.generation)

    @property
    def vectors(self) -> ProductVectors:
        """Where the products' vectors come from."""
        return self.clustered or FolderVectors(self.generation.index)

    @property
    def companions(self) -> CooccurrenceColumn | None:
        """What is chosen together, where events were counted."""
        return next((s for s in self.scorers if isinstance(s, CooccurrenceColumn)), None)

    @property
    def user_model(self) -> ModelColumn | None:
        """What suits a shopper, where a model was promoted."""
        return next((s for s in self.scorers if isinstance(s, ModelColumn)), None)

    @property
    def item_table(self) -> ItemTable | None:
        """The products as that model sees them."""
        items = None if self.user_model is None else self.user_model.items
        return items if isinstance(items, ItemTable) else None

    def text_query(self, text: str) -> Query:
        """The words of a text, looked for in all text fields as if they were one."""
        return text_query(self.text_fields, text)


class _Kept(NamedTuple):
    """Of one model and one build."""

    table: ItemTable
    changed: ChangedTexts


class Opener:
    """Opens snapshots of one store; generations and encoders that are open are not opened again."""

    def __init__(self, store: Path, *, cached_queries: int) -> None:
        self._store = store
        self._cached_queries = cached_queries
        self._encoding = Lock()
        self._queries: dict[str, QueryCache] = {}
        self._tables: OrderedDict[tuple[str, str, str], _Kept] = OrderedDict()

    def promoted(self, meta: Mapping[str, Any]) -> dict[str, str]:
        """The artefacts of the index that a generation is of."""
        return self._registry(meta).promoted()

    def open(
        self,
        index: str,
        meta: Mapping[str, Any],
        artefacts: Mapping[str, str],
        known: Generation | None,
        client: OpenSearch,
    ) -> Snapshot:
        """Open and warm; raises one of `CANNOT_BE_USED` where the generation is not to be used.

        The client is a plain one, for what lies in the cluster. An artefact or an encoder that is
        not to be used is left out, with the reason: it only adds to the search.
        """
        registry, slower, left_out = self._registry(meta), list[str](), list[str]()
        row_field = meta.get("row_field", ROW_FIELD)
        if row_field is None:
            slower.append(NO_ROWS)
        generation = known or self._open_generation(meta)
        clustered = _clustered(index, generation)
        queries = _use(meta["encoder"], self._query_cache, left_out)
        if meta["encoder"] is None:
            slower.append(NO_ENCODER)
        if queries is not None and clustered is None:
            generation.index.search(queries.encode_query(WARM_UP), 1)
        counted = _use(artefacts.get(COOCCURRENCE), registry.cooccurrence, left_out)
        tuning = _use(artefacts.get(TUNING), registry.tuning, left_out) or Tuning()
        tuned = tuple(f"{name}^{boost:g}" for name, boost in tuning.boosts.items())
        model = _use(artefacts.get(MODEL), partial(self._model, generation, client), left_out)
        return Snapshot(
            index=index,
            generation=generation,
            row_field=row_field,
            queries=queries,
            text_fields=tuned or tuple(meta["text_fields"]),
            tuning=tuning,
            scorers=(*_scorers(generation, counted), *(() if model is None else (model,))),
            model=model_name(artefacts),
            slower=tuple(slower),
            left_out=tuple(left_out),
            clustered=clustered,
        )

    def _model(self, generation: Generation, client: OpenSearch, name: str) -> ModelColumn:
        kept = self._table(generation, client, name)
        table = with_segments(kept.table, generation, kept.changed.reader(client, generation))
        return ModelColumn.over(table.model, table)

    def _table(self, generation: Generation, client: OpenSearch, name: str) -> _Kept:
        """Kept, since what a generation was built with does not change."""
        place = (generation.name, generation.manifest.created, name)
        kept = self._tables.get(place)
        if kept is None:
            registry = Registry(self._store, generation.name.rpartition("-")[0])
            model, facts = registry.model(name), registry.facts(name)
            read_text = text_reader(client, generation)
            table = open_table(self._store, name, model, facts, generation, read_text)
            kept = self._tables[place] = _Kept(table, ChangedTexts())
            while len(self._tables) > KEPT_TABLES:
                self._tables.popitem(last=False)
        return kept

    def _open_generation(self, meta: Mapping[str, Any]) -> Generation:
        folder = generation_folder(self._store, meta["generation"])
        generation = Generation.open(folder)
        if generation.manifest.created != meta["created"]:
            raise GenerationError(
                f"{folder} is of {generation.manifest.created}, the index names one of"
                f" {meta['created']}: the store is not the one it was built in"
            )
        return generation

    def _registry(self, meta: Mapping[str, Any]) -> Registry:
        return Registry(self._store, index_of(meta["generation"]))

    def encoder(self, name: str) -> Encoder:
        """Of queries and products; raises EncoderError where the store does not have it."""
        return self._query_cache(name).encoder

    def _query_cache(self, encoder: str) -> QueryCache:
        """Opened and warmed."""
        with self._encoding:
            if encoder not in self._queries:
                opened = open_stored(self._store, encoder, threads=1)
                queries = QueryCache(opened, self._cached_queries)
                queries.encode_query(WARM_UP)
                self._queries[encoder] = queries
            return self._queries[encoder]


def _clustered(index: str, generation: Generation) -> ClusterVectors | None:
    if generation.manifest.vectors == "folder":
        return None
    return ClusterVectors(index, generation, RowKeys(ROW_FIELD, generation))


def _use(name: str | None, load: Callable[[str], T], left_out: list[str]) -> T | None:
    if name is None:
        return None
    try:
        return load(name)
    except CANNOT_BE_USED as error:
        left_out.append(f"{name} is left out: {error}")
        return None


def _scorers(generation: Generation, counted: Cooccurrence | None) -> tuple[Scorer, ...]:
    """Popularity is counted from the events where there are some, else the shop's own column."""
    if counted is None:
        popularity = generation.columns.get("popularity")
        return (HistoryColumn(), *(() if popularity is None else (PopularityColumn(popularity),)))
    codes = counted.codes(generation.ids(np.arange(len(generation))))
    counts = np.where(codes >= 0, counted.popularity[codes], np.float32(0.0))
    return (
        HistoryColumn(),
        CooccurrenceColumn(counted, codes),
        PopularityColumn(counts.astype(np.float32)),
    )
