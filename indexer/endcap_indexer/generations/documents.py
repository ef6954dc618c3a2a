"""The documents of an index: all, some, or those that changed.

They are read without a search pipeline: the shop's own may hide or change hits.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

from opensearchpy import OpenSearch
from opensearchpy.helpers import scan

from endcap_indexer.catalogue import OURS, ROW_FIELD
from endcap_indexer.exceptions import GenerationError
from endcap_indexer.generations.bulks import stream_bulk

PAGE = 1000
KEPT_OPEN = "30m"  # a scan between two pages, which may be embedded meanwhile
GONE_OR_CHANGED = (404, 409)
NO_PIPELINE = "_none"
Paths = Sequence[str] | None  # the fields that are wanted; None: all


class Document(NamedTuple):
    """A document, and the version of it that was read."""

    id: str
    source: Mapping[str, Any]
    seq_no: int
    primary_term: int
    routing: str | None

    @classmethod
    def of(cls, hit: Mapping[str, Any]) -> Self:
        version = hit["_seq_no"], hit["_primary_term"]
        return cls(hit["_id"], hit.get("_source", {}), *version, hit.get("_routing"))

    @property
    def row(self) -> int | None:
        """The row that it holds."""
        ours = self.source.get(OURS)
        return ours.get("row") if isinstance(ours, dict) else self.source.get(ROW_FIELD)


def scan_documents(client: OpenSearch, index: str, paths: Paths) -> Iterator[Document]:
    """All documents as of the last refresh, with some of their fields, in no order."""
    body = {"seq_no_primary_term": True, "_source": _chosen(paths)}
    for hit in _scan(client, index, body):
        yield Document.of(hit)


def scan_ids(client: OpenSearch, index: str) -> Iterator[str]:
    """The ids of all documents as of the last refresh."""
    for hit in _scan(client, index, {"_source": False}):
        yield hit["_id"]


def find_documents(
    client: OpenSearch, index: str, ids: Sequence[str], paths: Paths
) -> list[Document]:
    """Those of these ids that are there, in no order; as of the last refresh."""
    body = {"query": {"ids": {"values": list(ids)}}, "size": len(ids)}
    return _search(client, index, paths, body)


def sample_sources(client: OpenSearch, index: str, count: int) -> list[Mapping[str, Any]]:
    """The first documents of an index, as the shop wrote them."""
    return [document.source for document in _search(client, index, None, {"size": count})]


def changed_documents(
    client: OpenSearch, index: str, shard: int, after: int, until: int, paths: Paths
) -> Iterator[list[Document]]:
    """What was written to a shard with a number above `after`, up to `until`, page by page.

    Of a document that was written twice the last version alone is there; it may be above `until`.
    """
    while True:
        body = {
            "query": {"range": {"_seq_no": {"gt": after, "lte": until}}},
            "sort": [{"_seq_no": "asc"}],
            "size": PAGE,
        }
        found = _search(client, index, paths, body, preference=f"_shards:{shard}|_primary")
        if not found:
            return
        yield found
        after = found[-1].seq_no


def write_ours(
    client: OpenSearch, index: str, facts: Iterable[tuple[Document, Mapping[str, Any]]]
) -> int:
    """Write into documents what stands under `endcap`, such as their rows, unless they were changed
    or deleted since they were read.

    How many were written. GenerationError names the first document that the engine refuses.
    """
    written = 0
    actions = (_update(document, ours) for document, ours in facts)
    for good, item in stream_bulk(client, index, actions):
        answer = item["update"]
        written += good
        if not good and answer["status"] not in GONE_OR_CHANGED:
            error = answer["error"]
            raise GenerationError(
                f"the engine refused {OURS} in document {answer['_id']!r}: {error.get('type')}:"
                f" {error.get('reason')}; an index that is attached without --row-field is not"
                " written to"
            )
    return written


def _chosen(paths: Paths) -> list[str] | bool:
    return True if paths is None else [*paths, ROW_FIELD]


def _scan(client: OpenSearch, index: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    parameters: dict[str, Any] = {"index": index, "search_pipeline": NO_PIPELINE}
    return scan(client, query=body, size=PAGE, scroll=KEPT_OPEN, **parameters)  # type: ignore[no-any-return]


def _search(
    client: OpenSearch, index: str, paths: Paths, body: dict[str, Any], **parameters: str
) -> list[Document]:
    body |= {
        "seq_no_primary_term": True,
        "_source": _chosen(paths),
        "track_total_hits": False,
    }
    answer = client.search(
        index=index, body=body, params={"search_pipeline": NO_PIPELINE, **parameters}
    )
    if answer["_shards"]["failed"] or answer["timed_out"]:
        raise GenerationError(f"{index}: not every shard answered; try again")
    return [Document.of(hit) for hit in answer["hits"]["hits"]]


def _update(document: Document, ours: Mapping[str, Any]) -> dict[str, Any]:
    routing = {} if document.routing is None else {"routing": document.routing}
    return {
        "_op_type": "update",
        "_id": document.id,
        "if_seq_no": document.seq_no,
        "if_primary_term": document.primary_term,
        **routing,
        "doc": {OURS: dict(ours)},
    }
