"""What the reader of a format yields: rows by their line, and why one of them is none."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple


class Broken(NamedTuple):
    """A row that cannot be read; `field` None: the whole row is broken."""

    field: str | None
    reason: str


Found = dict[str, Any] | Broken
Reader = Callable[[IO[bytes], Path], Iterator[tuple[int, Found]]]
