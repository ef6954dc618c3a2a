"""The generations of a store, for a person to look at."""

from pathlib import Path
from typing import NamedTuple

from opensearchpy import OpenSearch
from opensearchpy.exceptions import NotFoundError

from endcap_indexer.files import MANIFEST
from endcap_indexer.generations.indices import named_generation, single_index
from endcap_indexer.generations.manifest import Manifest, index_of
from endcap_indexer.generations.removal import list_folders
from endcap_indexer.generations.segments import list_pieces


class GenerationInfo(NamedTuple):
    name: str
    created: str  # ISO 8601, UTC
    products: int  # when it was built
    segments: int  # of what changed since
    bytes: int  # of its folder in the store; the engine's index is not counted
    encoder: str | None
    live: bool  # the engine names it


def list_generations(client: OpenSearch, store: Path, index: str) -> list[GenerationInfo]:
    """The finished generations of an index, oldest first; files are not verified.

    index: an alias, or an index that is attached; an alias of the latter will do as well.
    """
    live = live_name(client, index)
    return [
        _describe(folder, live)
        for folder in list_folders(store, index if live is None else index_of(live))
        if (folder / MANIFEST).exists()
    ]


def live_name(client: OpenSearch, name: str) -> str | None:
    """The generation that the index of this name or alias names; None where there is none."""
    try:
        _, body = single_index(client, name)
    except NotFoundError:
        return None
    meta = named_generation(body)
    return None if meta is None else str(meta["generation"])


def _describe(folder: Path, live: str | None) -> GenerationInfo:
    manifest = Manifest.read(folder)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return GenerationInfo(
        manifest.generation,
        manifest.created,
        manifest.products,
        len(list_pieces(folder)),
        size,
        manifest.encoder,
        manifest.generation == live,
    )
