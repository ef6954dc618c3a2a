"""What the indexer raises.

IndexerError
├── CatalogueError       a catalogue that cannot be read, or a bad row in strict mode
├── FieldsError          field roles that are missing, unknown or contradict each other
├── EncoderError         an encoder that cannot be found, loaded or exported
├── VectorsError         vectors or an index over them that do not fit together
├── GenerationError      a generation that cannot be built or opened
│   ├── ChecksumError    a file of the store that is not what its manifest says
│   └── GateError        a new generation that is not fit to be searched
└── LeaseError           another process is writing to this store

The embedded engine raises what opensearch-py raises (`opensearchpy.exceptions`), never these.
"""


class IndexerError(Exception):
    """The root: catch it to catch everything the indexer raises on purpose."""


class CatalogueError(IndexerError):
    """A catalogue that cannot be read, or a bad row in strict mode."""


class FieldsError(IndexerError):
    """Field roles that are missing, unknown or contradict each other."""


class EncoderError(IndexerError):
    """An encoder that cannot be found, loaded or exported."""


class VectorsError(IndexerError):
    """Vectors, or an index over them, that do not fit together."""


class GenerationError(IndexerError):
    """A generation that cannot be built or opened."""


class ChecksumError(GenerationError):
    """A file of the store that is not what its manifest says."""


class GateError(GenerationError):
    """A new generation that is not fit to be searched; the one before stays live."""


class LeaseError(IndexerError):
    """Another process is writing to this store."""
