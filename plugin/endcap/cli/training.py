"""`endcap train`: events in, a promoted artefact out."""

from pathlib import Path
from typing import Annotated

import typer

from endcap.cli.options import ConfigurationFile, Engine, Index, Store, open_client
from endcap.cli.terminal import open_console, say_bad_rows, say_counted
from endcap.configuration import Configuration
from endcap.operations import count_events, live_generation
from endcap_indexer.catalogue import BadRows


def train(
    events: Annotated[Path, typer.Argument(help="Events: .jsonl, .csv or .tsv, also .gz.")],
    index: Index = "products",
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Count which products are chosen together, and make searches use it from now on."""
    console = open_console()
    bad_rows = BadRows()
    with open_client(engine, store, Configuration.read(config)) as (client, folder):
        live_generation(client, folder, index)
        with console.status("counting"):
            counted = count_events(folder, index, events, bad_rows)
    say_bad_rows(console, bad_rows)
    say_counted(console, counted, bad_rows)
