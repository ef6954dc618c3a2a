"""The engine's side of generations: their indices, and the alias whose swap is the commit."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from opensearchpy import OpenSearch
from opensearchpy.exceptions import NotFoundError, RequestError, TransportError

from endcap_indexer.catalogue import CatalogueFields, index_body
from endcap_indexer.exceptions import GenerationError
from endcap_indexer.generations.manifest import (
    FOLDER,
    OPENSEARCH,
    Manifest,
    Place,
    index_of,
    number_of,
)
from endcap_indexer.vectors import knn_field

PATIENCE_SECONDS = 3600  # for a refresh after a whole catalogue
REFRESH_INTERVAL = "1s"  # once built; none while building
NOT_FOUND = 404

KnnEngine = Literal["lucene", "faiss"]


@dataclass(frozen=True)
class IndexSettings:
    """How the engine keeps the index of a generation, and where its vectors lie."""

    vectors: Place = FOLDER
    knn_engine: KnnEngine = (
        "lucene"  # of vectors in the cluster; faiss needs its native library there
    )
    shards: int = 1
    replicas: int = 0
    keep: int = 2  # generations, the live one included

    def to_table(self) -> dict[str, Any]:
        """What decides how a generation is built."""
        return {name: value for name, value in asdict(self).items() if name != "keep"}


class IndexState(NamedTuple):
    """An index that is named like a generation."""

    name: str
    number: int
    ours: bool  # its mapping names it as a generation: only then may it ever be deleted
    named: bool  # an alias names it: then it must not be
    before: str | None  # what was live when it was built, where that is known


def live_index(client: OpenSearch, alias: str) -> str | None:
    """The index that the alias names; None where there is no such alias yet."""
    try:
        names = sorted(client.indices.get_alias(name=alias))
    except NotFoundError:
        if client.indices.exists(index=alias):
            raise GenerationError(
                f"{alias!r} is an index, and no alias can have its name: keep it and give it"
                f" vectors (endcap attach {alias}), or build beside it under another --index and"
                " search that"
            ) from None
        return None
    if len(names) > 1:
        raise GenerationError(
            f"the alias {alias!r} names {len(names)} indices ({', '.join(names)}): remove it from"
            " all but one, or choose another --index"
        )
    return str(names[0])


def single_index(client: OpenSearch, name: str) -> tuple[str, dict[str, Any]]:
    """The one index of this name or alias, and what `indices.get` says of it."""
    found = client.indices.get(index=name)
    if len(found) != 1:
        raise GenerationError(
            f"{name} names {len(found)} indices ({', '.join(sorted(found)) or 'none'}): name one"
        )
    ((index, body),) = found.items()
    return index, body


def followed_index(client: OpenSearch, name: str) -> tuple[str, dict[str, Any]]:
    """The index of this name or alias and its `_meta.endcap`; GenerationError where it has none."""
    index, body = single_index(client, name)
    meta = named_generation(body)
    if meta is None:
        raise GenerationError(f"{index} is not attached; run: endcap attach {name}")
    return index, meta


def named_generation(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """`_meta.endcap` of what `indices.get` says of an index."""
    meta: dict[str, Any] | None = body["mappings"].get("_meta", {}).get("endcap")
    return meta


def built_by_reindex(index: str) -> str:
    return (
        f"{index} was built by endcap reindex, which brings its vectors along;"
        f" run: endcap reindex CATALOGUE --index {index_of(index)}, or endcap follow"
        f" {index_of(index)}"
    )


def list_indices(client: OpenSearch, alias: str) -> list[IndexState]:
    """All indices named like generations of the alias, ours and others, by number."""
    states = []
    for name, facts in client.indices.get(index=f"{alias}-*").items():
        number = number_of(alias, name)
        if number is not None:
            meta = named_generation(facts)
            ours = meta is not None and meta.get("generation") == name
            before = None if meta is None else meta.get("before")
            states.append(IndexState(name, number, ours, bool(facts["aliases"]), before))
    return sorted(states, key=lambda state: state.number)


def create_index(
    client: OpenSearch, fields: CatalogueFields, manifest: Manifest, settings: IndexSettings
) -> dict[str, Any]:
    """An index that is not searched yet, without replicas and without refreshes; its mapping."""
    vector = None
    if settings.vectors == OPENSEARCH:
        _check_engine(client, settings.knn_engine)
        vector = knn_field(manifest.dimension, settings.knn_engine)
    body = index_body(
        fields, meta=manifest.meta, shards=settings.shards, refresh_interval="-1", vector=vector
    )
    try:
        client.indices.create(index=manifest.generation, body=body)
    except RequestError as error:
        if vector is None:
            raise
        raise GenerationError(
            f"vectors cannot lie in this engine ({_reason(error)}): it takes an OpenSearch server"
            " with the k-NN plugin; or let them lie in the store: --vectors folder, or vectors ="
            ' "folder" under [index] in endcap.toml'
        ) from None
    mapping: dict[str, Any] = body["mappings"]
    return mapping


def _check_engine(client: OpenSearch, engine: str) -> None:
    """Without its native library the first vector of a faiss field ends the node."""
    if engine != "faiss":
        return
    try:
        nodes = client.plugins.knn.stats(stat="faiss_initialized")["nodes"].values()
    except TransportError as error:
        raise GenerationError(f"the engine says nothing of its k-NN plugin: {error}") from error
    if not any(node["faiss_initialized"] for node in nodes):
        raise GenerationError(
            "no node has loaded faiss's native library, without which the first vector would end"
            ' it: write knn_engine = "lucene" under [index] in endcap.toml, or where the nodes do'
            " have the library let them load it: index one document into a faiss knn_vector field"
        )


def _reason(error: TransportError) -> str:
    info = error.info if isinstance(error.info, Mapping) else {}
    return str(info.get("error", {}).get("reason", error.error))


def finish_index(client: OpenSearch, index: str, products: int, replicas: int = 0) -> None:
    """Make the documents searchable and see that all of them are there."""
    client.indices.refresh(index=index, request_timeout=PATIENCE_SECONDS)
    settings = {"refresh_interval": REFRESH_INTERVAL, "number_of_replicas": replicas}
    client.indices.put_settings(index=index, body={"index": settings})
    count = client.count(index=index)["count"]
    if count != products:
        raise GenerationError(
            f"{index} holds {count:,} documents, but {products:,} products were sent; does another"
            " process write to it? Run reindex again (nothing was changed for shoppers)"
        )


def swap_alias(client: OpenSearch, alias: str, old: str | None, new: str) -> None:
    """The commit: one request, and the alias names the new index alone."""
    actions: list[dict[str, Any]] = []
    if old is not None:
        actions.append({"remove": {"index": old, "alias": alias, "must_exist": True}})
    actions.append({"add": {"index": new, "alias": alias, "is_write_index": True}})
    try:
        client.indices.update_aliases(body={"actions": actions})
    except NotFoundError as error:
        if list(client.indices.get_alias(name=alias, ignore=NOT_FOUND)) == [new]:
            return  # a repeated request: the answer to the first was lost on its way
        raise GenerationError(
            f"{old} is no longer what {alias!r} names, so another program moved it: {error.error};"
            " look at it, and run the command again (the alias was left as it is)"
        ) from None
