"""The demo's files: what a shop would bring."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from endcap.demo.catalogue import make_catalogue
from endcap.demo.shoppers import make_events
from endcap_indexer.files import write_file


class DemoFiles(NamedTuple):
    """JSON lines: a catalogue, and the events of its shoppers, oldest first."""

    catalogue: Path
    events: Path


def write_demo(folder: Path) -> DemoFiles:
    """Write both files into a folder, made where it is missing; the bytes are always the same."""
    catalogue = make_catalogue()
    folder.mkdir(parents=True, exist_ok=True)
    written = DemoFiles(folder / "products.jsonl", folder / "events.jsonl")
    _write(written.catalogue, catalogue)
    _write(written.events, make_events(catalogue))
    return written


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    write_file(path, (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows))
