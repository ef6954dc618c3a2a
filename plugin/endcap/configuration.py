"""endcap.toml, and the order in which the store is looked for."""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, get_args

from endcap.exceptions import ConfigurationError
from endcap_indexer.catalogue import CatalogueFields
from endcap_indexer.encoder import Prompts
from endcap_indexer.exceptions import FieldsError
from endcap_indexer.generations import Canary, Gates, IndexSettings, KnnEngine, Place

FILE = "endcap.toml"

Fusion = Literal["convex", "rrf"]
Recall = Literal["both", "lexical"]
T = TypeVar("T")


@dataclass(frozen=True)
class EncoderSettings:
    """The table `[encoder]`.

    model: a name on the hub, or a folder; None: the default, unless the shop brings its own
    vectors. The prompts are written before a text; None: the model's own.
    """

    model: str | None = None
    query_prompt: str | None = None
    product_prompt: str | None = None

    @property
    def prompts(self) -> Prompts | None:
        """None where neither is given; with one of them the other is empty."""
        if self.query_prompt is None and self.product_prompt is None:
            return None
        return Prompts(self.query_prompt or "", self.product_prompt or "")


@dataclass(frozen=True)
class SearchSettings:
    """The table `[search]`.

    breaker_faults: in a row, after which a stage is left out; every `breaker_pause_s` seconds one
    search tries it again.
    """

    window: int = 200  # candidates of each leg; never depends on the page
    fusion: Fusion = "convex"
    recall: Recall = "both"
    budget_ms: float | None = None  # None: no deadline
    breaker_faults: int = 5
    breaker_pause_s: float = 10.0


@dataclass(frozen=True)
class Configuration:
    """What endcap.toml says; `engine` is a server's URL or an embedded engine's folder."""

    store: Path | None = None
    engine: str | None = None
    catalogue: CatalogueFields | None = None  # None: guess
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    index: IndexSettings = field(default_factory=IndexSettings)
    gates: Gates = field(default_factory=Gates)
    search: SearchSettings = field(default_factory=SearchSettings)

    @classmethod
    def read(cls, path: str | os.PathLike[str] | None = None) -> Self:
        """The file at `path`, else endcap.toml in the working folder, else the defaults.

        ConfigurationError names the file, the key and what to write instead. Paths in the file are
        relative to the file.
        """
        file = Path(path or FILE)
        if path is None and not file.exists():
            return cls()
        try:
            with file.open("rb") as opened:
                table = tomllib.load(opened)
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{file} is not TOML: {error}") from error
        try:
            return cls.from_table(table).relative_to(file.parent)
        except (ConfigurationError, FieldsError) as error:
            raise ConfigurationError(f"{file}: {error}") from error

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """The tables and keys of endcap.toml; ConfigurationError or FieldsError names the key."""
        return cls(**_read_keys("", table, _KEYS))

    def relative_to(self, folder: Path) -> Self:
        """Relative folders of the file, seen from the file's own folder."""
        store = folder / self.store if self.store else None
        engine = self.engine
        if engine is not None and not is_url(engine):
            engine = str(folder / engine)
        encoder = self.encoder
        if encoder.model is not None and (folder / encoder.model).is_dir():
            encoder = replace(encoder, model=str(folder / encoder.model))
        return replace(self, store=store, engine=engine, encoder=encoder)


def find_store(
    argument: str | os.PathLike[str] | None, configuration: Configuration
) -> Path | None:
    """Where vectors and artefacts lie: the argument, else ENDCAP_STORE, else endcap.toml, else an
    embedded engine's own folder. None where nobody says: a client without a store is a plain
    client.
    """
    engine = configuration.engine
    embedded = engine if engine and not is_url(engine) else None
    order = (argument, os.environ.get("ENDCAP_STORE"), configuration.store, embedded)
    return next((Path(found) for found in order if found), None)


def is_url(engine: str) -> bool:
    """Whether an engine is a server; otherwise it is a folder."""
    return engine.startswith(("http://", "https://"))


def _read_keys(
    table_name: str, table: Mapping[str, Any], keys: Mapping[str, Callable[[str, Any], Any]]
) -> dict[str, Any]:
    for key in table:
        if key not in keys:
            known = ", ".join(keys)
            raise ConfigurationError(f"{table_name}{key}: unknown key; known are {known}")
    return {key: keys[key](f"{table_name}{key}", value) for key, value in table.items()}


def _table(
    cls: Callable[..., T], keys: Mapping[str, Callable[[str, Any], Any]]
) -> Callable[[str, Any], T]:
    def read(name: str, value: Any) -> T:
        return cls(**_read_keys(f"{name}.", _mapping(name, value), keys))

    return read


def _mapping(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{name} is {value!r}; write a table: [{name}]")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f'{name} is {value!r}; write text in quotes, such as "{name}"')
    return value


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise ConfigurationError(f'{name} is {value!r}; write a list such as ["p1", "p2"]')
    return tuple(value)


def _canaries(name: str, value: Any) -> tuple[str | Canary, ...]:
    if not isinstance(value, list):
        raise ConfigurationError(f'{name} is {value!r}; write a list such as ["rain jacket"]')
    return tuple(_canary(f"{name}[{place}]", each) for place, each in enumerate(value))


def _canary(name: str, value: Any) -> str | Canary:
    if isinstance(value, Mapping) and "query" in value:
        return Canary(**_read_keys(f"{name}.", value, {"query": _text, "expect": _texts}))
    if isinstance(value, str) and value:
        return value
    raise ConfigurationError(
        f'{name} is {value!r}; write text, or {{query = "rain jacket", expect = ["p1"]}}'
    )


def _share(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise ConfigurationError(f"{name} is {value!r}; write a number from 0 to 1, such as 0.5")
    return float(value)


def _prompt(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f'{name} is {value!r}; write text in quotes, such as "query: "')
    return value


def _one_of(choices: Any) -> Callable[[str, Any], str]:
    def read(name: str, value: Any) -> str:
        if value not in get_args(choices):
            known = " or ".join(f'"{choice}"' for choice in get_args(choices))
            raise ConfigurationError(f"{name} is {value!r}; write {known}")
        return str(value)

    return read


def _count(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(f"{name} is {value!r}; write a whole number from 1, such as 200")
    return value


def _count_from_none(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigurationError(f"{name} is {value!r}; write a whole number from 0, such as 1")
    return value


def _above_0(unit: str) -> Callable[[str, Any], float]:
    def read(name: str, value: Any) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 < value < float("inf"):
            raise ConfigurationError(f"{name} is {value!r}; write {unit} above 0, such as 50")
        return float(value)

    return read


_SEARCH: dict[str, Callable[[str, Any], Any]] = {
    "window": _count,
    "fusion": _one_of(Fusion),
    "recall": _one_of(Recall),
    "budget_ms": _above_0("milliseconds"),
    "breaker_faults": _count,
    "breaker_pause_s": _above_0("seconds"),
}
_ENCODER: dict[str, Callable[[str, Any], Any]] = {
    "model": _text,
    "query_prompt": _prompt,
    "product_prompt": _prompt,
}
_INDEX: dict[str, Callable[[str, Any], Any]] = {
    "vectors": _one_of(Place),
    "knn_engine": _one_of(KnnEngine),
    "shards": _count,
    "replicas": _count_from_none,
    "keep": _count,
}
_GATES: dict[str, Callable[[str, Any], Any]] = {"canaries": _canaries, "least_share": _share}
_KEYS: dict[str, Callable[[str, Any], Any]] = {
    "store": lambda name, value: Path(_text(name, value)),
    "engine": _text,
    "catalogue": lambda name, value: CatalogueFields.from_table(_mapping(name, value)),
    "encoder": _table(EncoderSettings, _ENCODER),
    "index": _table(IndexSettings, _INDEX),
    "gates": _table(Gates, _GATES),
    "search": _table(SearchSettings, _SEARCH),
}
