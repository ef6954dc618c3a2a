"""Generations: whole builds of a catalogue, of which the engine's alias names the live one."""

from endcap_indexer.generations.generation import Generation
from endcap_indexer.generations.indices import IndexSettings, KnnEngine
from endcap_indexer.generations.lease import hold_lease
from endcap_indexer.generations.listing import GenerationInfo, list_generations
from endcap_indexer.generations.manifest import Manifest, Place, generation_folder
from endcap_indexer.generations.reindex import Catalogue, Progress, Reindexed, reindex
from endcap_indexer.generations.updates import update_generation

__all__ = [
    "Catalogue",
    "Generation",
    "GenerationInfo",
    "IndexSettings",
    "KnnEngine",
    "Manifest",
    "Place",
    "Progress",
    "Reindexed",
    "generation_folder",
    "hold_lease",
    "list_generations",
    "reindex",
    "update_generation",
]
