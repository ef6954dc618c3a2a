"""What may be deleted: leftovers of dead builds, and generations that are too old to be kept.

An index goes before its folder, and only if its mapping says that it is a generation and no alias
names it. The caller holds the lease, so no build is alive.
"""

from collections.abc import Collection
from pathlib import Path

from opensearchpy import OpenSearch

from endcap_indexer.files import BUILDING, MANIFEST, remove_folder
from endcap_indexer.generations.indices import IndexState, list_indices
from endcap_indexer.generations.manifest import (
    generation_folder,
    generations_folder,
    number_of,
)
from endcap_indexer.holds import unheld


def remove_leftovers(client: OpenSearch, store: Path, index: str) -> None:
    """Remove half-written folders, and indices whose folder was never finished."""
    for folder in generations_folder(store).glob(f"*{BUILDING}"):
        remove_folder(folder)
    for state in list_indices(client, index):
        if _is_leftover(store, state):
            client.indices.delete(index=state.name)
    for folder in list_folders(store, index):
        if not (folder / MANIFEST).exists():
            remove_folder(folder)


def remove_old(
    client: OpenSearch, store: Path, index: str, keep: Collection[str | None]
) -> list[str]:
    """Remove every generation but those to keep, those an alias names and those that a reader
    holds; the latter's names.
    """
    kept, held = set(keep), []
    states = {state.name: state for state in list_indices(client, index)}
    kept |= {name for name, state in states.items() if state.named or not state.ours}
    folders = {folder.name for folder in list_folders(store, index)}
    for name in sorted((states.keys() | folders) - kept):
        with unheld(generation_folder(store, name)) as free:
            if free:
                remove_generation(client, store, name, indexed=name in states)
            else:
                held.append(name)
    return held


def remove_generation(client: OpenSearch, store: Path, name: str, *, indexed: bool = True) -> None:
    """Remove an index that no alias names, then its folder."""
    if indexed:
        client.indices.delete(index=name)
    remove_folder(generation_folder(store, name))


def finished(store: Path, index: str) -> list[str]:
    """The names of the generations whose folder is finished, by number."""
    return [f.name for f in list_folders(store, index) if (f / MANIFEST).exists()]


def next_number(client: OpenSearch, store: Path, index: str) -> int:
    """One more than any index or folder has that is named like a generation, leftovers apart."""
    states = list_indices(client, index)
    taken = [state.number for state in states if not _is_leftover(store, state)]
    taken += [number_of(index, name) or 0 for name in finished(store, index)]
    return max(taken, default=0) + 1


def _is_leftover(store: Path, state: IndexState) -> bool:
    unfinished = not (generation_folder(store, state.name) / MANIFEST).exists()
    return state.ours and not state.named and unfinished


def list_folders(store: Path, index: str) -> list[Path]:
    """The folders named like generations of this index, by number."""
    found = [(number_of(index, path.name), path) for path in generations_folder(store).glob("*")]
    return [path for _, path in sorted((n, path) for n, path in found if n is not None)]
