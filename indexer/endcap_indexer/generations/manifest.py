"""What a generation says of itself, and where generations lie in a store."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, Self

from endcap_indexer.catalogue import ROW_FIELD
from endcap_indexer.exceptions import GenerationError
from endcap_indexer.files import read_manifest

KIND = "generation"
FORMAT = 1
META = (
    "generation",
    "encoder",
    "dimension",
    "text_fields",
    "created",
    "digest",
    "row_field",
    "vectors",
    "before",
)
FOLDER: Final = "folder"
OPENSEARCH: Final = "opensearch"

Place = Literal["folder", "opensearch"]  # where the vectors of a generation lie


@dataclass(frozen=True)
class Manifest:
    """The facts of one build; `_meta.endcap` of the engine's index repeats those of `meta`.

    A fact with a default may be missing from what an earlier version wrote.
    """

    generation: str  # the folder's name and the index's, such as products-000017
    created: str  # ISO 8601, UTC
    digest: str  # of the catalogue's bytes, its field roles, the encoder and FORMAT
    encoder: str | None  # None: the shop brings its own vectors
    dimension: int
    text_fields: tuple[str, ...]  # with boosts, as a multi_match query names them: title^2
    columns: tuple[str, ...]  # of columns.npy, in order
    catalogue: Mapping[str, Any]  # the field roles, as CatalogueFields.from_table reads them
    row_field: str | None = ROW_FIELD  # where the documents hold their row, if they do
    vectors: Place = FOLDER
    before: str | None = None  # what was live when it was built
    products: int = 0
    bad_rows: int = 0
    index: str = ""  # the kind of vector index

    @property
    def meta(self) -> dict[str, Any]:
        """What stands under `_meta.endcap` in the mapping of the engine's index."""
        return {name: value for name, value in self.to_table().items() if name in META}

    def to_table(self) -> dict[str, Any]:
        table = asdict(self)
        return table | {"text_fields": list(self.text_fields), "columns": list(self.columns)}

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Read what `to_table` wrote; GenerationError names a fact that is missing."""
        try:
            facts = {
                fact.name: table[fact.name]
                for fact in fields(cls)
                if fact.default is MISSING or fact.name in table
            }
        except KeyError as missing:
            raise GenerationError(
                f"the manifest of {table.get('generation')} lacks {missing}; run reindex"
            ) from None
        tuples = {name: tuple(facts[name]) for name in ("text_fields", "columns")}
        return cls(**{**facts, **tuples})

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest of a generation's folder; its files are not looked at."""
        return cls.from_table(read_manifest(folder, KIND, format=FORMAT))


def generations_folder(store: Path) -> Path:
    return store / "generations"


def generation_folder(store: Path, generation: str) -> Path:
    return generations_folder(store) / generation


def name_generation(index: str, number: int) -> str:
    return f"{index}-{number:06}"


def number_of(index: str, name: str) -> int | None:
    """The number in the name of a generation of this index; None for any other name."""
    match = re.fullmatch(rf"{re.escape(index)}-(\d{{6,}})", name)
    return int(match[1]) if match else None


def index_of(generation: str) -> str:
    """The index or alias that a generation is of: products of products-000017."""
    return generation.rpartition("-")[0]
