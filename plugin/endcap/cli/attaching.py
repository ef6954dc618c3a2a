"""`endcap attach` and `endcap follow`: an index that the shop's own programs fill."""

import functools
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer
from opensearchpy.exceptions import ConnectionError, TransportError
from rich.console import Console

from endcap.cli.options import ConfigurationFile, Engine, Store, open_client
from endcap.cli.progress import TerminalProgress
from endcap.cli.terminal import open_console, say, say_attached, say_followed
from endcap.configuration import Configuration
from endcap.operations import attach_index
from endcap_indexer.encoder import open_stored
from endcap_indexer.exceptions import LeaseError
from endcap_indexer.generations import Followed, Follower

OVERLOADED = (429, 503)

Target = Annotated[str, typer.Argument(help="The index, or an alias that names one index.")]


def attach(
    index: Target,
    rows: Annotated[
        bool | None,
        typer.Option(
            "--row-field/--no-row-field",
            help="Write endcap.row into the documents; else as it was, at first not.",
        ),
    ] = None,
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Embed the documents of an index that the shop fills itself, and make searches use that."""
    console = open_console()
    configuration = Configuration.read(config)
    with (
        open_client(engine, store, configuration) as (client, folder),
        TerminalProgress(console) as progress,
    ):
        done = attach_index(
            client,
            folder,
            index,
            configuration,
            rows=rows,
            say=functools.partial(say, console),
            progress=progress,
        )
    say_attached(console, index, done)


def follow(
    index: Target,
    watch: Annotated[
        float | None,
        typer.Option(min=0.1, help="Go on until stopped, and look every so many seconds."),
    ] = None,
    sweep: Annotated[
        bool, typer.Option("--sweep", help="Look for deletions even where the counts agree.")
    ] = False,
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Bring an index's vectors up to date with what was written and deleted since."""
    console = open_console()
    with (
        open_client(engine, store, Configuration.read(config)) as (client, folder),
        TerminalProgress(console) as progress,
    ):
        encoders = functools.cache(functools.partial(open_stored, folder))
        follower = Follower(client, folder, index, encoders, progress)
        if watch is None:
            say_followed(console, index, follower.run(sweep=sweep))
        else:
            _watch(console, index, follower, watch, sweep)


def _watch(console: Console, index: str, follower: Follower, seconds: float, sweep: bool) -> None:
    """Until a signal ends it; a writer before us or an engine that is away is waited for."""
    say(console, f"follows {index} every {seconds:g} s; Ctrl-C ends it")
    with _ended_by_signals():
        try:
            while True:
                followed = _try(console, follower, sweep)
                if followed is not None:
                    sweep = False
                    if followed.read or followed.removed:
                        say_followed(console, index, followed)
                time.sleep(seconds)
        except KeyboardInterrupt:
            say(console, "stopped; what was followed is kept")


def _try(console: Console, follower: Follower, sweep: bool) -> Followed | None:
    try:
        return follower.run(sweep=sweep)
    except (LeaseError, ConnectionError) as error:
        say(console, str(error), label="waiting", style="yellow")
    except TransportError as error:
        if error.status_code not in OVERLOADED:
            raise
        say(console, str(error), label="waiting", style="yellow")
    return None


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does: what is half written is tidied away."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
