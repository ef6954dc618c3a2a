"""What must be true of a new generation before searches see it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from opensearchpy import OpenSearch

from endcap_indexer.catalogue import VECTOR_FIELD, CatalogueFields, text_query, values_at
from endcap_indexer.catalogue.text import cut
from endcap_indexer.exceptions import GateError
from endcap_indexer.generations.generation import Generation

SAMPLES = 10  # products that are looked for by their own title
TITLE_CHARACTERS = 300  # an engine takes so many words, and no more
FIRST_HITS = 100  # of a canary, among which the products that it expects must be
LEAST_FOUND = 0.5  # of them: a title of stop words alone finds nothing

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Canary:
    """A text that must find these products among its first hits, or any where none are named."""

    query: str
    expect: tuple[str, ...] = ()  # ids


@dataclass(frozen=True)
class Gates:
    """The table `[gates]`.

    canaries: what must be found; a text alone must find a product. least_share: of the products
    that are live, so many must the new generation have; 0: any number will do.
    """

    canaries: tuple[str | Canary, ...] = ()
    least_share: float = 0.5


def check_gates(
    client: OpenSearch,
    generation: Generation,
    fields: CatalogueFields,
    mapping: Properties,
    live: str | None,
    gates: Gates,
    *,
    vectors: int | None = None,
) -> None:
    """Raise GateError with what is wrong of a generation that is finished and not searched yet.

    mapping: what the engine was asked for when the index was created. vectors: how many were sent
    to the engine; None where they lie in the folder.
    """
    _check_counts(client, generation)
    if vectors is not None:
        _check_vectors(client, generation.name, vectors)
    _check_mapping(client, generation.name, mapping)
    if live is not None:
        _check_share(client, generation, live, gates.least_share)
    _check_titles(client, generation, fields)
    for each in gates.canaries:
        canary = Canary(each) if isinstance(each, str) else each
        _check_canary(client, generation.name, fields, canary)


def _check_canary(client: OpenSearch, index: str, fields: CatalogueFields, canary: Canary) -> None:
    query = text_query(fields.query_fields, canary.query)
    body = {"query": query, "size": FIRST_HITS, "_source": False}
    found = [hit["_id"] for hit in _search(client, index, body)["hits"]]
    missing = [id for id in canary.expect if id not in found]
    if found and not missing:
        return
    lost = f"{', '.join(map(repr, missing))} among its first {len(found)}" if found else "product"
    raise GateError(
        f"{index} has no {lost} for the canary {canary.query!r}: correct the catalogue, its text"
        " fields, or canaries under [gates] in endcap.toml"
    )


def _check_counts(client: OpenSearch, generation: Generation) -> None:
    accepted = generation.manifest.products
    indexed, rows = client.count(index=generation.name)["count"], generation.products
    if not accepted == indexed == rows:
        raise GateError(
            f"{generation.name}: {accepted:,} products were accepted, the index has {indexed:,} of"
            f" them and the folder {rows:,}; run reindex again"
        )


def _check_vectors(client: OpenSearch, index: str, sent: int) -> None:
    body = {"query": {"exists": {"field": VECTOR_FIELD}}}
    held = client.count(index=index, body=body)["count"]
    if held != sent:
        raise GateError(
            f"{index}: {sent:,} products were sent with a vector, {held:,} have one; does an ingest"
            f" pipeline of the cluster change {VECTOR_FIELD}?"
        )


def _check_mapping(client: OpenSearch, index: str, asked: Properties) -> None:
    """An index template of the cluster may have its own idea of a field."""
    body = client.indices.get_mapping(index=index)[index]["mappings"]
    for path, wanted, found in _differences("", asked, body):
        raise GateError(
            f"{index}: the mapping of {path} is {found!r}, asked was {wanted!r}; does an index"
            f" template of the cluster match {index}?"
        )


def _differences(path: str, asked: Any, said: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where an engine says something else than it was asked; what it adds is its own affair."""
    if isinstance(asked, Mapping) and isinstance(said, Mapping):
        for name, value in asked.items():
            yield from _differences(f"{path}.{name}" if path else name, value, said.get(name))
    elif _written(asked) != _written(said):
        yield path, asked, said


def _written(value: Any) -> Any:
    """An engine answers "false" where it was told false."""
    return str(value).lower() if isinstance(value, bool) else value


def _check_share(client: OpenSearch, generation: Generation, live: str, least: float) -> None:
    before = client.count(index=live)["count"]
    if generation.products < least * before:
        raise GateError(
            f"{generation.name} has {generation.products:,} products, {live} has {before:,}: fewer"
            f" than {least:g} of them. If the catalogue is right: --least-share 0, or least_share"
            " under [gates] in endcap.toml"
        )


def _check_titles(client: OpenSearch, generation: Generation, fields: CatalogueFields) -> None:
    """A few products, spread over the catalogue, by their titles, where those are searched."""
    if fields.title not in fields.text:
        return
    count = min(SAMPLES, generation.products)
    places = np.linspace(0, generation.products - 1, count, dtype=np.int64)
    titles = _titles(client, generation, generation.ids(places), fields.title)
    found = [
        _finds(
            client,
            generation.name,
            {
                "bool": {
                    "must": text_query(fields.query_fields, title),
                    "filter": {"ids": {"values": [id]}},
                }
            },
        )
        for id, title in titles.items()
    ]
    if sum(found) < LEAST_FOUND * len(found):
        raise GateError(
            f"{generation.name}: of {len(found)} products {len(found) - sum(found)} are not found"
            f" by their own title, such as {next(iter(titles.values()))!r}; is analyzer under"
            " [catalogue] right for their language?"
        )


def _titles(
    client: OpenSearch, generation: Generation, ids: Sequence[str], path: str
) -> dict[str, str]:
    """By id, of those that have one."""
    hits = client.mget(index=generation.name, body={"ids": list(ids)})["docs"]
    titles = {hit["_id"]: next(values_at(hit["_source"], path), None) for hit in hits}
    return {id: cut(str(title), TITLE_CHARACTERS) for id, title in titles.items() if title}


def _finds(client: OpenSearch, index: str, query: Mapping[str, Any]) -> bool:
    body = {"query": query, "size": 0, "track_total_hits": 1}
    return bool(_search(client, index, body)["total"]["value"])


def _search(client: OpenSearch, index: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    answer = client.search(index=index, body=body, params={"search_pipeline": "_none"})
    hits: Mapping[str, Any] = answer["hits"]
    return hits
