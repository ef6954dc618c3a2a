"""Parquet in, rows out, a batch of them at a time. It needs the extra `parquet` (pyarrow)."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from endcap_indexer.catalogue.formats import Found
from endcap_indexer.catalogue.plain import plain_row
from endcap_indexer.catalogue.values import WrongValue
from endcap_indexer.exceptions import CatalogueError

if TYPE_CHECKING:
    import pyarrow

BATCH_ROWS = 256
BUFFER_BYTES = 65_536  # of each column: without it a whole row group of compressed pages is read


def read_parquet(file: IO[bytes], path: Path) -> Iterator[tuple[int, Found]]:
    """Rows by their number, from 1. A null is a missing value; text and binary are UTF-8.

    Raises CatalogueError where the file is damaged, and where pyarrow is missing.
    """
    try:
        import pyarrow
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise CatalogueError(
            f"{path}: Parquet needs pyarrow: pip install 'endcap[parquet]'"
        ) from error
    number = 0
    try:
        opened = ParquetFile(
            file, buffer_size=BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True
        )
        names = _names(opened.schema_arrow, path)
        for batch in opened.iter_batches(BATCH_ROWS, use_threads=False):
            columns = [_values(column) for column in batch.columns]
            for row in _rows(batch.num_rows, columns):
                number += 1
                yield number, plain_row(dict(zip(names, row, strict=True)))
        if number != opened.metadata.num_rows:
            raise _damaged(path, number, f"it tells of {opened.metadata.num_rows} rows")
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's, not pyarrow's
            raise
        reason = " ".join(str(error).split()).rstrip(".")
        raise _damaged(path, number, reason) from error


def _damaged(path: Path, row: int, reason: str) -> CatalogueError:
    return CatalogueError(
        f"{path} is no whole Parquet file (after row {row}: {reason}); copy it again"
    )


def _names(schema: "pyarrow.Schema", path: Path) -> list[str]:
    names: list[str] = schema.names
    for name in names:
        if names.count(name) > 1:
            raise CatalogueError(f"{path}: two columns are named {name!r}; rename one")
    return names


def _rows(count: int, columns: list[list[Any]]) -> Iterator[tuple[Any, ...]]:
    return zip(*columns, strict=True) if columns else iter([()] * count)


def _values(column: "pyarrow.Array") -> list[Any]:
    """Python's values; one that Python cannot hold is a WrongValue."""
    readable = _readable(column.type)
    if readable != column.type:
        column = column.cast(readable, safe=False)  # cuts nanoseconds
    try:
        values: list[Any] = column.to_pylist(maps_as_pydicts="strict")
    except (ValueError, OverflowError, KeyError):
        return [_value(scalar) for scalar in column]
    return values


def _value(scalar: "pyarrow.Scalar") -> Any:
    try:
        return scalar.as_py(maps_as_pydicts="strict")
    except UnicodeDecodeError as broken:
        return WrongValue(f"byte {broken.start + 1} is not UTF-8; write the column as UTF-8")
    except KeyError:
        return WrongValue("has a key twice; keep one")
    except (ValueError, OverflowError) as error:
        return WrongValue(f"cannot be read as {scalar.type}: {error}; write another value or null")


def _readable(type: "pyarrow.DataType") -> "pyarrow.DataType":
    """The type without nanoseconds, which Python's times lack, and with every zone as UTC."""
    import pyarrow as arrow

    known = arrow.types
    if known.is_timestamp(type):
        return arrow.timestamp("us" if type.unit == "ns" else type.unit, type.tz and "UTC")
    if known.is_time64(type):
        return arrow.time64("us")
    if known.is_dictionary(type):
        return _readable(type.value_type)
    if known.is_struct(type):
        return arrow.struct([each.with_type(_readable(each.type)) for each in type])
    if known.is_map(type):
        return arrow.map_(_readable(type.key_type), _readable(type.item_type))
    if known.is_fixed_size_list(type):
        return arrow.list_(_readable(type.value_type), type.list_size)
    if known.is_list(type):
        return arrow.list_(_readable(type.value_type))
    if known.is_large_list(type):
        return arrow.large_list(_readable(type.value_type))
    return type
