"""The engine's side of generations: their indices, and the alias whose swap is the commit."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson
from opensearchpy import OpenSearch
from opensearchpy.exceptions import NotFoundError
from opensearchpy.helpers import streaming_bulk

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.generations.manifest import number_of

BULK_ACTIONS = 500
BULK_BYTES = 10 * 2**20
BULK_RETRIES = 5  # of what the engine was too busy for (429)
PATIENCE_SECONDS = 3600  # for a refresh after a whole catalogue
REFRESH_INTERVAL = "1s"  # once built; none while building


class IndexState(NamedTuple):
    """An index that is named like a generation."""

    name: str
    number: int
    ours: bool  # its mapping names it as a generation: only then may it ever be deleted
    named: bool  # an alias names it: then it must not be


def live_index(client: OpenSearch, alias: str) -> str | None:
    """The index that the alias names; None where there is no such alias yet."""
    try:
        names = sorted(client.indices.get_alias(name=alias))
    except NotFoundError:
        if client.indices.exists(index=alias):
            raise GenerationError(
                f"{alias!r} is an index, and no alias can have its name: choose another --index,"
                f" or delete the index {alias!r} once nobody searches it"
            ) from None
        return None
    if len(names) > 1:
        raise GenerationError(
            f"the alias {alias!r} names {len(names)} indices ({', '.join(names)}): remove it from"
            " all but one, or choose another --index"
        )
    return str(names[0])


def list_indices(client: OpenSearch, alias: str) -> list[IndexState]:
    """All indices named like generations of the alias, ours and others, by number."""
    states = []
    for name, facts in client.indices.get(index=f"{alias}-*").items():
        number = number_of(alias, name)
        if number is not None:
            meta = facts["mappings"].get("_meta", {}).get("endcap", {})
            ours = meta.get("generation") == name
            states.append(IndexState(name, number, ours, bool(facts["aliases"])))
    return sorted(states, key=lambda state: state.number)


def index_documents(client: OpenSearch, index: str, actions: Iterable[dict[str, Any]]) -> None:
    """Index as a stream, in bulks; GenerationError names the first product that is refused."""
    results = streaming_bulk(
        client,
        actions,
        expand_action_callback=_serialise,
        chunk_size=BULK_ACTIONS,
        max_chunk_bytes=BULK_BYTES,
        max_retries=BULK_RETRIES,
        raise_on_error=False,
        yield_ok=False,
        index=index,
    )
    for _, item in results:
        (answer,) = item.values()
        error = answer.get("error", {})
        raise GenerationError(
            f"the engine refused product {answer.get('_id')!r}: {error.get('type')}:"
            f" {error.get('reason')}; correct the product or its fields in [catalogue] and run"
            " reindex again (nothing was changed for shoppers)"
        )


def _serialise(action: dict[str, Any]) -> tuple[str, str]:
    """The two lines of a bulk; opensearch-py passes text on as it is, and orjson is faster."""
    head = {"index": {"_id": action["_id"]}}
    return orjson.dumps(head).decode(), orjson.dumps(action["_source"]).decode()


def finish_index(client: OpenSearch, index: str, products: int) -> None:
    """Make the documents searchable and see that all of them are there."""
    client.indices.refresh(index=index, request_timeout=PATIENCE_SECONDS)
    settings = {"index": {"refresh_interval": REFRESH_INTERVAL}}
    client.indices.put_settings(index=index, body=settings)
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
    client.indices.update_aliases(body={"actions": actions})
