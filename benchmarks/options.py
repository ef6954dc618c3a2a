"""The options that every benchmark takes, and how its rows are shown."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from endcap.evaluation.comparison import Row
from endcap.evaluation.tables import print_rows, write_rows
from endcap.exceptions import EndcapError
from endcap_indexer.encoder import DEFAULT_MODEL
from endcap_indexer.exceptions import IndexerError
from endcap_reranker import RerankerError

WIDTH = 160  # of what is not a terminal

Measure = Callable[[argparse.Namespace, Console], list[Row]]


def parser(description: str | None) -> argparse.ArgumentParser:
    """--data, --store, --model and --json."""
    made = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    made.add_argument("--data", type=Path, required=True, help="the data folder")
    made.add_argument("--store", type=Path, help="where the index is kept; else .cache/benchmarks")
    made.add_argument("--model", default=DEFAULT_MODEL, help="the encoder: a name or a folder")
    made.add_argument("--json", type=Path, help="write the rows to this file too")
    return made


def run(options: argparse.Namespace, measure: Measure) -> None:
    """Measure, show and write; an expected error is one line and the exit status 1."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    try:
        rows = measure(options, console)
    except (EndcapError, IndexerError, RerankerError) as error:
        Console(stderr=True).print(f"[red]error[/red] {error}", highlight=False, soft_wrap=True)
        sys.exit(1)
    print_rows(console, rows)
    if options.json is not None:
        write_rows(options.json, rows)
