"""Whether the embedded engine answers as a genuine OpenSearch does: the same hits in one order.

Every judged query is asked in four ways of an index with each analyzer: first of one just built
(one shard, merged into one segment), then after some hundred updates and deletes.
"""

import argparse
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
from opensearchpy import OpenSearch
from opensearchpy.helpers import bulk
from options import parser, run
from rich.console import Console
from server import open_server
from shop import DataFolder

from endcap.evaluation import Judgments
from endcap.evaluation.comparison import Row
from endcap_indexer.catalogue import BadRows, CatalogueFields, Files, index_body, read_products
from endcap_indexer.embedded import EmbeddedConnection

ANALYZERS = ("english", "standard")
TOP = 100
CHANGES = 1000
DELETED = 0.3  # of the changes; the others are updates

Document = dict[str, Any]


class Engines(NamedTuple):
    """The same index on both."""

    server: OpenSearch
    embedded: OpenSearch
    index: str

    def on_both(self, call: Callable[[OpenSearch], Any]) -> tuple[Any, Any]:
        return call(self.server), call(self.embedded)


def measure(options: argparse.Namespace, console: Console) -> list[Row]:
    folder = DataFolder(options.data)
    queries = Judgments.read(folder.require("judgments")).queries
    fields = folder.fields()
    products = read_products(Files(folder.require("products")), fields, on_bad_row=BadRows())
    documents = {product.id: product.document for product in products}
    rows: list[Row] = []
    with ExitStack() as ends:
        path = ends.enter_context(tempfile.TemporaryDirectory(prefix="endcap-parity-"))
        server = ends.enter_context(OpenSearch(ends.enter_context(open_server(fetch=True))))
        embedded = ends.enter_context(
            OpenSearch(connection_class=EmbeddedConnection, folder=f"{path}/engine")
        )
        for analyzer in ANALYZERS:
            engines = Engines(server, embedded, f"parity-{uuid4().hex[:12]}")
            ends.callback(engines.server.indices.delete, index=engines.index)
            rows += compare_index(engines, replace(fields, analyzer=analyzer), documents, queries)
    return rows


def compare_index(
    engines: Engines,
    fields: CatalogueFields,
    documents: dict[str, Document],
    queries: Sequence[str],
) -> Iterator[Row]:
    build(engines, index_body(fields, refresh_interval="-1"), documents)
    yield from compare(engines, "fresh", fields, queries)
    change(engines, fields, documents)
    yield from compare(engines, "changed", fields, queries)


def build(engines: Engines, body: dict[str, Any], documents: dict[str, Document]) -> None:
    actions = [{"_id": id, "_source": document} for id, document in documents.items()]
    engines.on_both(lambda client: client.indices.create(index=engines.index, body=body))
    engines.on_both(lambda client: bulk(client, actions, index=engines.index))
    engines.server.indices.forcemerge(index=engines.index, max_num_segments=1, request_timeout=600)
    engines.on_both(lambda client: client.indices.refresh(index=engines.index))


def change(engines: Engines, fields: CatalogueFields, documents: dict[str, Document]) -> None:
    """An updated product takes over the title of another one; a seed says which."""
    chosen = random.Random(0).sample(list(documents), min(CHANGES, len(documents) // 2))
    gone = round(len(chosen) * DELETED)
    deletes = [{"_op_type": "delete", "_id": id} for id in chosen[:gone]]
    updates = [
        {"_op_type": "update", "_id": id, "doc": {fields.title: documents[other][fields.title]}}
        for id, other in pairwise(chosen[gone:])
    ]
    engines.on_both(lambda client: bulk(client, deletes + updates, index=engines.index))
    engines.on_both(lambda client: client.indices.refresh(index=engines.index))


def compare(
    engines: Engines, state: str, fields: CatalogueFields, queries: Sequence[str]
) -> Iterator[Row]:
    """`same`: how many queries have the same products in the same order."""
    for kind in ("match", "best_fields", "most_fields", "cross_fields"):
        pairs = [find_on_both(engines, query_of(kind, fields, text)) for text in queries]
        yield {
            "analyzer": fields.analyzer,
            "index": state,
            "query": kind,
            "queries": len(queries),
            "same": sum([*server] == [*embedded] for server, embedded in pairs),
            "overlap@10": round(float(np.mean([overlap(*pair, 10) for pair in pairs])), 4),
            "overlap@100": round(float(np.mean([overlap(*pair, TOP) for pair in pairs])), 4),
            "score_difference": max(difference(*pair) for pair in pairs),
        }


def query_of(kind: str, fields: CatalogueFields, text: str) -> dict[str, Any]:
    if kind == "match":
        return {"match": {fields.title: text}}
    return {"multi_match": {"query": text, "type": kind, "fields": list(fields.query_fields)}}


def find_on_both(engines: Engines, query: dict[str, Any]) -> tuple[dict[str, float], ...]:
    """Ids and scores, best first."""
    body = {"query": query, "size": TOP, "_source": False}
    answers = engines.on_both(lambda client: client.search(index=engines.index, body=body))
    return tuple({hit["_id"]: hit["_score"] for hit in found["hits"]["hits"]} for found in answers)


def overlap(server: dict[str, float], embedded: dict[str, float], top: int) -> float:
    """The share of the server's first hits that the embedded engine has among its own."""
    first, other = list(server)[:top], list(embedded)[:top]
    return len({*first} & {*other}) / max(len(first), len(other), 1) if first or other else 1.0


def difference(server: dict[str, float], embedded: dict[str, float]) -> float:
    """The largest of the scores, relative."""
    both = server.keys() & embedded.keys()
    return max((abs(embedded[id] / server[id] - 1) for id in both), default=0.0)


def main(arguments: list[str] | None = None) -> None:
    run(parser(__doc__).parse_args(arguments), measure)


if __name__ == "__main__":
    main()
