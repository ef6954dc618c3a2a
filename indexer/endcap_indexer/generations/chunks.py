"""A stream in pieces."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

CHUNK_PRODUCTS = 256  # that are read and embedded at once


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of `size` items, the last one of what is left."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
