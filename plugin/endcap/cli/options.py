"""Options that several commands take, and what they open."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from endcap.client import SearchClient
from endcap.configuration import Configuration, find_store, is_url
from endcap.connections import connect
from endcap.exceptions import ConfigurationError

Index = Annotated[str, typer.Option("--index", "-i", help="The index, by its alias.")]
Store = Annotated[
    Path | None,
    typer.Option(help="Where vectors and artefacts lie; else ENDCAP_STORE, else endcap.toml."),
]
Engine = Annotated[
    str | None,
    typer.Option(
        help="A server's URL, or an embedded engine's folder; else ENDCAP_ENGINE, endcap.toml."
    ),
]
ConfigurationFile = Annotated[
    Path | None, typer.Option("--config", help="The file to read instead of ./endcap.toml.")
]


def find_places(
    engine: str | None, store: Path | None, configuration: Configuration
) -> tuple[str, Path]:
    """The engine and the store; `ConfigurationError` says what to type when one is not known.

    The engine: the argument, else ENDCAP_ENGINE, else endcap.toml. A store without an engine is the
    embedded engine's folder too.
    """
    engine = engine or os.environ.get("ENDCAP_ENGINE") or configuration.engine
    configuration = replace(configuration, engine=engine)
    found = find_store(store, configuration)
    if found is None and configuration.engine is None:
        raise ConfigurationError(
            "no engine: pass --store DIR for the embedded engine, --engine URL for a server,"
            " or write engine and store in endcap.toml"
        )
    if found is None:
        raise ConfigurationError("no store: pass --store DIR, set ENDCAP_STORE or write it down")
    return configuration.engine or str(found), found


def read_unhurried(config: Path | None) -> Configuration:
    """endcap.toml without its budget: what a person looks at must not depend on the machine."""
    configuration = Configuration.read(config)
    return replace(configuration, search=replace(configuration.search, budget_ms=None))


@contextmanager
def open_client(
    engine: str | None,
    store: Path | None,
    configuration: Configuration,
    *,
    building: bool = False,
) -> Iterator[tuple[SearchClient, Path]]:
    """A client and its store, closed afterwards; only building makes the folder of an engine."""
    place, kept = find_places(engine, store, configuration)
    if not (building or is_url(place) or Path(place).is_dir()):
        raise ConfigurationError(
            f"{place} does not exist; run: endcap reindex CATALOGUE --store {kept}"
        )
    with connect(place, store=kept, settings=configuration.search) as client:
        yield client, kept
