"""Rows as a table on a terminal and as a JSON file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from endcap.evaluation.comparison import Row
from endcap_indexer import files


def print_rows(console: Console, rows: Sequence[Row], title: str = "") -> None:
    """One table for the rows of each shape, in the order in which the shapes first come."""
    shapes: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        shapes.setdefault(tuple(row), []).append(row)
    for columns, alike in shapes.items():
        table = Table(title=title or None, title_justify="left")
        for name in columns:
            number = isinstance(alike[0][name], int | float)
            table.add_column(name, justify="right" if number else "left")
        for row in alike:
            table.add_row(*(_cell(row[name]) for name in columns))
        console.print(table)
        title = ""


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """A JSON list of the rows."""
    files.write_file(path, json.dumps(list(rows), indent=1).encode() + b"\n")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
