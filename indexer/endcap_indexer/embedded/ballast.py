"""Hidden documents that bring tantivy's average field lengths to Lucene's.

tantivy divides a column's tokens by all documents, Lucene by those that have the field. So some
*ballast* documents carry just so many padding tokens that both quotients are equal. Ballast has no
mark of a document: no query, count or facet sees it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import tantivy
from numpy.typing import NDArray

from .columns import BALLAST, DOCUMENT, MARKS, PADDING, Column

PRECISION = 1e-7  # of an average, relative: f32 holds no more
MAX_DOCUMENTS = 1024


class Ballast(NamedTuple):
    documents: int
    padding: dict[str, int]  # tokens per text column, all in the first document


class _Totals(NamedTuple):
    documents: int
    tokens: float


def needed_ballast(
    searcher: tantivy.Searcher, schema: tantivy.Schema, columns: Iterable[Column]
) -> Ballast | None:
    """The ballast to write instead of the present one, None where the present one is right."""
    live = _live_totals(searcher, schema, [c for c in columns if c.field.type == "text"])
    if not live:
        return None
    present = _present_ballast(searcher, schema, live)
    everything = searcher.doc_freq(MARKS, DOCUMENT)
    deleted = everything + searcher.doc_freq(MARKS, BALLAST) - searcher.num_docs
    others = {
        name: total.tokens
        if not deleted
        else _explained_tokens(searcher, schema, name) - present.padding.get(name, 0)
        for name, total in live.items()
    }
    if deleted:  # of a former ballast, in a segment that has been merged since
        everything += searcher.doc_freq(MARKS, BALLAST) - present.documents
    averages = {name: total.tokens / total.documents for name, total in live.items()}
    needed = choose_ballast(everything, others, averages)
    return None if needed == present else needed


def choose_ballast(
    documents: int, tokens: Mapping[str, float], averages: Mapping[str, float]
) -> Ballast:
    """The least ballast with which (tokens + padding) / (documents + ballast) is each average.

    Padding is whole tokens; among up to ``MAX_DOCUMENTS`` ballast documents the number is taken for
    which the rounding is least felt.
    """
    counts = np.arange(1, MAX_DOCUMENTS + 1)
    wanted = np.array(list(averages.values()))[:, None] * (documents + counts)
    needed = wanted - np.array([tokens[name] for name in averages])[:, None]
    padding: NDArray[np.int64] = np.maximum(np.rint(needed), 1).astype(np.int64)
    errors = np.max(np.abs(padding - needed) / wanted, axis=0)
    good = np.flatnonzero(errors <= PRECISION)
    best = int(good[0] if len(good) else np.argmin(errors))
    chosen = {name: int(row[best]) for name, row in zip(averages, padding, strict=True)}
    return Ballast(int(counts[best]), chosen)


def write_ballast(writer: tantivy.IndexWriter, ballast: Ballast) -> None:
    writer.delete_documents_by_term(MARKS, BALLAST)
    for number in range(ballast.documents):
        document = tantivy.Document()
        document.add_text(MARKS, BALLAST)
        for name, count in ballast.padding.items() if number == 0 else ():
            document.add_text(name, " ".join([PADDING] * count))
            document.add_integer(f"{name}_length", count)
        writer.add_document(document)


def _live_totals(
    searcher: tantivy.Searcher, schema: tantivy.Schema, texts: Iterable[Column]
) -> dict[str, _Totals]:
    """Of the columns that some document has tokens in."""
    documents = tantivy.Query.term_query(schema, MARKS, DOCUMENT)
    request = {column.name: {"stats": {"field": column.length}} for column in texts}
    found = searcher.aggregate(documents, request) if request else {}
    totals: dict[str, _Totals] = {}
    for name in request:
        having = tantivy.Query.term_query(schema, MARKS, f"{name}_length")
        count = searcher.search(having, limit=1, count=True).count
        if count:
            totals[name] = _Totals(count, found[name]["sum"])
    return totals


def _present_ballast(
    searcher: tantivy.Searcher, schema: tantivy.Schema, names: Iterable[str]
) -> Ballast:
    query = tantivy.Query.term_query(schema, MARKS, BALLAST)
    result = searcher.search(query, limit=MAX_DOCUMENTS, count=True)
    addresses = [address for _, address in result.hits]
    padding = {}
    for name in names:
        counts = searcher.fast_field_values(f"{name}_length", addresses) if addresses else []
        if present := [int(count) for count in counts if count is not None]:
            padding[name] = present[0]
    return Ballast(len(addresses), padding)


def _explained_tokens(searcher: tantivy.Searcher, schema: tantivy.Schema, name: str) -> float:
    """All tokens of a column, deleted ones too, from tantivy's explanation of a score."""
    query = tantivy.Query.term_query(schema, name, PADDING, "freq")
    hits = searcher.search(query, limit=1).hits
    if not hits:
        return 0.0
    facts = _figures(json.loads(query.explain(searcher, hits[0][1]).to_json()))
    return round(facts["N"] * facts["avgdl"])


def _figures(node: dict[str, object]) -> dict[str, float]:
    """The figures of an explanation by what stands before the comma: "N, total number of docs"."""
    figures = {str(node["description"]).split(",")[0]: float(str(node["value"]))}
    details = node.get("details")
    for child in details if isinstance(details, list) else []:
        figures |= _figures(child)
    return figures
