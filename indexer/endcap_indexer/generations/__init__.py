"""Generations: builds of a catalogue or of an index, of which the engine names the live one."""

from endcap_indexer.generations.attach import Attached, attach
from endcap_indexer.generations.documents import sample_sources
from endcap_indexer.generations.follow import Follower
from endcap_indexer.generations.gates import Canary, Gates
from endcap_indexer.generations.generation import Generation
from endcap_indexer.generations.indices import IndexSettings, KnnEngine, single_index
from endcap_indexer.generations.lease import hold_lease
from endcap_indexer.generations.listing import GenerationInfo, list_generations
from endcap_indexer.generations.manifest import Manifest, Place, generation_folder, index_of
from endcap_indexer.generations.progress import Progress
from endcap_indexer.generations.pursuit import Followed
from endcap_indexer.generations.readback import read_vectors
from endcap_indexer.generations.rehearsal import Rehearsed, rehearse
from endcap_indexer.generations.reindex import Catalogue, Reindexed, reindex
from endcap_indexer.generations.rollback import RolledBack, roll_back
from endcap_indexer.generations.updates import update_generation

__all__ = [
    "Attached",
    "Canary",
    "Catalogue",
    "Followed",
    "Follower",
    "Gates",
    "Generation",
    "GenerationInfo",
    "IndexSettings",
    "KnnEngine",
    "Manifest",
    "Place",
    "Progress",
    "Rehearsed",
    "Reindexed",
    "RolledBack",
    "attach",
    "generation_folder",
    "hold_lease",
    "index_of",
    "list_generations",
    "read_vectors",
    "rehearse",
    "reindex",
    "roll_back",
    "sample_sources",
    "single_index",
    "update_generation",
]
