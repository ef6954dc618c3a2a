"""A shop on a server: the documents of its index, copied to one that is deleted at the end.

The generation is the shop's own, so nothing is encoded again.
"""

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from opensearchpy import OpenSearch, helpers
from shop import INDEX, Shop

from endcap import SearchClient

CHUNK = 500
PATIENCE_S = 300  # for merging what was copied


@dataclass(frozen=True)
class Served:
    """A shop's generation and the index of a server that holds its documents."""

    shop: Shop
    address: str
    index: str

    def open(self, store: Path | None = None) -> SearchClient:
        """A client on the server, with the artefacts of `store` or the shop's own."""
        return SearchClient([self.address], store=store or self.shop.store)


@contextmanager
def serve(shop: Shop, address: str) -> Iterator[Served]:
    """The shop's documents on a server for a while."""
    with copied(shop, address) as index:
        yield Served(shop, address, index)


@contextmanager
def copied(
    shop: Shop,
    address: str,
    *,
    settings: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
    excludes: tuple[str, ...] = (),
    extend: Callable[[str], Mapping[str, Any]] = lambda id: {},
) -> Iterator[str]:
    """The name of a copy of the shop's index, one merged segment.

    settings, properties: of the new index, besides the shop's own. excludes: from `_source`.
    extend: what the document of an id holds besides.
    """
    name = f"endcap-benchmark-{token_hex(4)}"
    with shop.open() as source, OpenSearch([address], timeout=PATIENCE_S) as target:
        ((_, body),) = source.indices.get(index=INDEX).items()
        mappings = dict(body["mappings"])
        mappings["properties"] = {**mappings["properties"], **(properties or {})}
        if excludes:
            mappings["_source"] = {"excludes": list(excludes)}
        target.indices.create(
            index=name, body={"settings": {"index": dict(settings or {})}, "mappings": mappings}
        )
        try:
            helpers.bulk(target, _documents(source, name, extend), chunk_size=CHUNK)
            target.indices.refresh(index=name)
            target.indices.forcemerge(index=name, max_num_segments=1)
            target.indices.refresh(index=name)
            yield name
        finally:
            target.indices.delete(index=name)


def _documents(
    source: SearchClient, index: str, extend: Callable[[str], Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    for hit in helpers.scan(source, index=INDEX, size=CHUNK):
        document = {**hit["_source"], **extend(hit["_id"])}
        yield {"_index": index, "_id": hit["_id"], "_source": document}


def describe_machine(address: str) -> str:
    """Where the figures come from."""
    with OpenSearch([address]) as client:
        engine = client.info()["version"]["number"]
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()},"
        f" OpenSearch {engine}, load averages {load}"
    )
