"""Notes beside a generation: small files with a checksum and a format, replaced atomically."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from endcap_indexer.exceptions import ChecksumError
from endcap_indexer.files import sealed, unsealed, write_file

T = TypeVar("T")


def write_note(path: Path, format: int, table: Mapping[str, Any]) -> None:
    write_file(path, sealed({"format": format, **table}))


def read_note(path: Path, format: int, read: Callable[[Any], T], *, otherwise: str) -> T:
    """What `read` makes of a note's table. Raises FileNotFoundError where there is none, and
    ChecksumError, which says what removing a damaged one comes to.
    """
    content = path.read_bytes()
    try:
        table = unsealed(content)
        if table["format"] != format:
            raise ValueError(f"its format is {table['format']!r}, this version reads {format}")
        return read(table)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ChecksumError(f"{path} is damaged ({error!r}); remove it, and {otherwise}") from error
