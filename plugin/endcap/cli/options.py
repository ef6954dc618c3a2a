"""Options that several commands take, and what they open."""

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
    typer.Option(help="A server's URL, or a folder for the embedded engine; else endcap.toml."),
]
ConfigurationFile = Annotated[
    Path | None, typer.Option("--config", help="The file to read instead of ./endcap.toml.")
]


def open_client(
    engine: str | None, store: Path | None, configuration: Configuration
) -> tuple[SearchClient, Path]:
    """A client and its store; `ConfigurationError` says what to type when neither is known."""
    found = find_store(store, configuration)
    place = engine or configuration.engine or (str(found) if found else None)
    if place is None:
        raise ConfigurationError(
            "no engine: pass --store DIR for the embedded engine, --engine URL for a server,"
            " or write engine and store in endcap.toml"
        )
    if found is None and is_url(place):
        raise ConfigurationError("no store: pass --store DIR, set ENDCAP_STORE or write it down")
    kept = found or Path(place)
    return connect(place, store=kept, settings=configuration.search), kept
