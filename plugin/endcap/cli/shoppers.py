"""`endcap expunge`."""

import functools

from endcap.cli.options import ConfigurationFile, Engine, Store, open_client
from endcap.cli.terminal import open_console, say
from endcap.configuration import Configuration
from endcap.expunging import expunge as expunge_shoppers


def expunge(store: Store = None, engine: Engine = None, config: ConfigurationFile = None) -> None:
    """Leave no trace of shoppers who were forgotten, on any disk and in any model."""
    console = open_console()
    with open_client(engine, store, Configuration.read(config)) as (client, folder):
        done = expunge_shoppers(client, folder, functools.partial(say, console))
    for old, new in done.models.items():
        say(console, f"takes the place of {old}", label=new, style="bold")
    say(console, f"{done.shoppers:,} forgotten shoppers are gone")
