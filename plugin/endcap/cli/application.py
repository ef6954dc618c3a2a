"""The commands, and how an error reaches the person who typed one."""

import functools
from collections.abc import Callable
from typing import Any

import typer
from opensearchpy.exceptions import OpenSearchException

from endcap.cli import (
    artefacts,
    attaching,
    catalogue,
    demonstration,
    evaluation,
    searching,
    shoppers,
    training,
)
from endcap.cli.terminal import open_console, say_error
from endcap.exceptions import EndcapError
from endcap_indexer.exceptions import IndexerError
from endcap_reranker import RerankerError

EXPECTED = (EndcapError, IndexerError, RerankerError, OpenSearchException, OSError)
FAILED = 1
INTERRUPTED = 130  # what a shell answers for a command that was stopped by Ctrl-C

app = typer.Typer(
    name="endcap",
    help="A personalised re-rank stage for shops that run OpenSearch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def register(command: Callable[..., None], *, resumes: bool = False) -> None:
    """Add a command whose expected errors are one line, not a traceback."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except EXPECTED as error:
            say_error(open_console(stderr=True), error)
            raise typer.Exit(FAILED) from error
        except KeyboardInterrupt as interrupt:
            hint = "; the same command goes on where it stopped" if resumes else ""
            open_console(stderr=True).print(f"interrupted{hint}")
            raise typer.Exit(INTERRUPTED) from interrupt

    app.command()(run)


register(catalogue.reindex, resumes=True)
register(attaching.attach, resumes=True)
register(attaching.follow, resumes=True)
register(catalogue.generations)
register(searching.search)
register(searching.record)
register(shoppers.expunge)
register(training.train, resumes=True)
register(artefacts.models)
register(artefacts.promote)
register(artefacts.rollback)
register(evaluation.evaluate)
register(evaluation.tune)
register(demonstration.demo)
