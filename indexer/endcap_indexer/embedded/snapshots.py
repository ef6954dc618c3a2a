"""One state of the searchable index: what a search works on from beginning to end."""

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import tantivy

from .columns import DOCUMENT, MARKS, SEQ_NO, Column
from .documents import Documents, StoredDocument
from .mappings import Mapping
from .statistics import Statistics
from .values import Value


class DocumentsGone(Exception):
    """A later refresh has purged documents that this snapshot finds; search a newer one."""


class Snapshot:
    """Immutable but for its caches."""

    def __init__(
        self,
        index: str,
        documents: Documents,
        mapping: Mapping,
        columns: Dict[str, Column],
        opened: tantivy.Index,
    ) -> None:
        self.index = index
        self.mapping = mapping
        self.columns = columns
        self.schema = opened.schema
        self.searcher = opened.searcher()
        self.statistics = Statistics(self.searcher, self.everything)
        self._documents = documents
        self._single: dict[str, bool] = {}
        self._texts: dict[str, dict[int, list[Value]]] = {}

    @cached_property
    def everything(self) -> tantivy.Query:
        """Every document but the ballast."""
        return tantivy.Query.term_query(self.schema, MARKS, DOCUMENT)

    @cached_property
    def size(self) -> int:
        """How many documents there are."""
        return self.count(self.everything)

    def count(self, query: tantivy.Query) -> int:
        return int(self.searcher.search(query, limit=1, count=True).count)

    def deleted_share(self) -> float:
        """The share of deleted documents among those in the segments."""
        held = self.statistics.documents
        return (held - self.size) / held if held else 0.0

    def seq_nos(self, addresses: Sequence[tantivy.DocAddress]) -> list[int]:
        seq_nos: list[int] = self.searcher.fast_field_values(SEQ_NO, list(addresses))
        return seq_nos

    def fetch(self, seq_nos: Sequence[int]) -> dict[int, StoredDocument]:
        """The documents; DocumentsGone when one is missing."""
        found = self._documents.fetch(self.index, seq_nos)
        if len(found) < len(set(seq_nos)):
            raise DocumentsGone
        return found

    def is_single(self, column: Column) -> bool:
        """Whether no document has two values in a numeric column."""
        if column.name not in self._single:
            query = tantivy.Query.term_query(self.schema, MARKS, column.name)
            request = {"values": {"value_count": {"field": column.name}}}
            values = self.searcher.aggregate(query, request)["values"]["value"]
            self._single[column.name] = int(values) == self.count(query)
        return self._single[column.name]

    def values(
        self, column: Column, seq_nos: Sequence[int], addresses: Sequence[tantivy.DocAddress]
    ) -> list[list[Value]]:
        """The doc values of each document, sorted as the server sorts them."""
        if column.field.type != "keyword" and self.is_single(column):
            single: list[Any] = self.searcher.fast_field_values(column.name, list(addresses))
            return [[] if value is None else [value] for value in single]
        found = self.fetch(seq_nos)
        name = column.field.name
        lists = (self.mapping.values(found[one].source).get(name, []) for one in seq_nos)
        return [_sorted(items, column.field.type) for items in lists]


def _sorted(items: list[Value], type: str) -> list[Value]:
    """Numbers keep their duplicates, keywords do not."""
    if type == "keyword":
        return sorted(set(items), key=lambda item: str(item).encode())
    return sorted(items)
