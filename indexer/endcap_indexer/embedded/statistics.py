"""Lucene's field statistics on tantivy's.

Lucene's BM25 counts the documents that have the field (N) and averages the length over them;
tantivy takes all documents. N is put right by a boost at query time; the average, which cannot be,
by the ballast (ballast.py).
"""

import math

import tantivy

from .columns import BALLAST, DOCUMENT, MARKS, Column

K1, B = 1.2, 0.75
K1_PLUS_1 = K1 + 1  # a factor that tantivy keeps and Lucene has dropped


def idf(documents: int, frequency: int) -> float:
    """Robertson and Spärck Jones's weight as Lucene and tantivy write it."""
    return math.log(1 + (documents - frequency + 0.5) / (frequency + 0.5))


class Statistics:
    """What one searcher knows of its text columns; deleted documents count until merged away."""

    def __init__(self, searcher: tantivy.Searcher, everything: tantivy.Query) -> None:
        self._everything = everything
        self._searcher = searcher
        self.documents = searcher.doc_freq(MARKS, DOCUMENT)
        self.all_documents = self.documents + searcher.doc_freq(MARKS, BALLAST)
        self._having: dict[str, int] = {}
        self._tokens: dict[str, int] = {}
        self._frequencies: dict[tuple[str, str | int], int] = {}

    def having(self, column: Column) -> int:
        """How many documents have a token in the column: Lucene's N."""
        return self.marked(column.length)

    def marked(self, mark: str) -> int:
        """How many documents have a mark."""
        if mark not in self._having:
            self._having[mark] = self._searcher.doc_freq(MARKS, mark)
        return self._having[mark]

    def tokens(self, column: Column) -> int:
        """How many tokens the column has in all: Lucene's sumTotalTermFreq."""
        if column.name not in self._tokens:
            request = {"tokens": {"sum": {"field": column.length}}}
            found = self._searcher.aggregate(self._everything, request)
            self._tokens[column.name] = int(found["tokens"]["value"] or 0)
        return self._tokens[column.name]

    def frequency(self, column: Column, term: str | int) -> int:
        """How many documents have the term in the column."""
        key = (column.name, term)
        if key not in self._frequencies:
            if len(self._frequencies) > 100_000:
                self._frequencies.clear()
            self._frequencies[key] = self._searcher.doc_freq(column.name, term)
        return self._frequencies[key]

    def correction(self, column: Column, term: str, frequency: int | None = None) -> float:
        """What to boost tantivy's score of a term by to get Lucene's.

        ``frequency`` is the one that Lucene would use where it is not the term's own (blending).
        """
        own = self.frequency(column, term)
        lucene = idf(self.having(column), frequency or own)
        return lucene / idf(self.all_documents, own) / K1_PLUS_1
