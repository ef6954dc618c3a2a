"""The commands, and how an error reaches the person who typed one."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import typer
from opensearchpy.exceptions import OpenSearchException
from rich.console import Console

from endcap.cli import catalogue, demonstration, searching, training
from endcap.exceptions import EndcapError
from endcap_indexer.exceptions import IndexerError
from endcap_reranker import RerankerError

INTERRUPTED = 130

app = typer.Typer(
    name="endcap",
    help="A personalised re-rank stage for shops that run OpenSearch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def register(command: Callable[..., None]) -> None:
    """Add a command whose expected errors are one line, not a traceback."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except (EndcapError, IndexerError, RerankerError, OpenSearchException) as error:
            Console(stderr=True).print(f"[red]error[/red] {error}", highlight=False, soft_wrap=True)
            sys.exit(1)
        except KeyboardInterrupt:
            Console(stderr=True).print("interrupted; the same command goes on where it stopped")
            sys.exit(INTERRUPTED)

    app.command()(run)


for each in (
    catalogue.reindex,
    catalogue.generations,
    searching.search,
    searching.record,
    training.train,
    demonstration.demo,
):
    register(each)
