"""The only place that writes, renames and fsyncs: atomic files and checksummed folders.

A folder grows under `<name>.building`; its manifest is written last and the folder is renamed into
place, so a folder that has its final name is whole. Nothing here is ever pickled.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from endcap_indexer.exceptions import ChecksumError, GenerationError

MANIFEST = "manifest.json"
BUILDING = ".building"
SEAL = "sha256"  # in a sealed file: of all the rest of it


class Disk:
    """The operations a crash can fall between. Tests replace `files.DISK` to fail the k-th one."""

    def write(self, file: BinaryIO, data: bytes | memoryview) -> None:
        file.write(data)

    def sync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        source.rename(target)

    def unlink(self, path: Path) -> None:
        path.unlink(missing_ok=True)


DISK = Disk()


def write_file(path: Path, content: bytes | Iterable[bytes], *, mode: int = 0o666) -> None:
    """Replace a file atomically and durably: readers see the old content or the new, whole.

    `mode` is what the file is created with, before the process's umask: a secret is never readable
    by others, not even for a moment.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary.unlink(missing_ok=True)
    try:
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            for chunk in (content,) if isinstance(content, bytes) else content:
                DISK.write(file, chunk)
            _sync_file(file)
        DISK.rename(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def sealed(table: Mapping[str, Any]) -> bytes:
    """JSON that carries its own checksum."""
    digest = hashlib.sha256(_to_json(table)).hexdigest()
    return _to_json({**table, SEAL: digest})


def unsealed(content: bytes) -> Any:
    """What `sealed` was given; ValueError for what is no JSON, or not what was written.

    What an earlier version wrote carries no checksum.
    """
    table = json.loads(content)
    if isinstance(table, dict) and SEAL in table:
        written = table.pop(SEAL)
        if hashlib.sha256(_to_json(table)).hexdigest() != written:
            raise ValueError("its checksum is that of something else")
    return table


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable: a rename is safe only when its folder is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        DISK.sync(descriptor)
    finally:
        os.close(descriptor)


def remove_folder(path: Path) -> None:
    """Remove a folder, its manifest first: half removed, it is no folder of ours any more."""
    if path.is_dir():
        for file in sorted(path.iterdir(), key=lambda file: file.name != MANIFEST):
            if file.is_dir():
                remove_folder(file)
            else:
                DISK.unlink(file)
        path.rmdir()


class ArrayWriter:
    """Appends rows to an .npy file without holding them; the row count is filled in at the end."""

    def __init__(self, file: BinaryIO, dtype: DTypeLike, row_shape: tuple[int, ...]) -> None:
        self.length = 0
        self._file = file
        self._dtype = np.dtype(dtype)
        self._row_shape = row_shape
        file.seek(len(self._header()))

    def append(self, rows: NDArray[Any]) -> None:
        """Append (n, *row_shape) rows, cast to the file's dtype."""
        if rows.shape[1:] != self._row_shape:
            raise ValueError(f"rows of shape {rows.shape[1:]}, expected {self._row_shape}")
        cells = np.ascontiguousarray(rows, dtype=self._dtype).reshape(-1)
        DISK.write(self._file, cells.view(np.uint8).data)
        self.length += len(rows)

    def finish(self) -> None:
        """Write the header, whose size numpy keeps the same for any row count."""
        self._file.seek(0)
        DISK.write(self._file, self._header())

    def _header(self) -> bytes:
        shape = (self.length, *self._row_shape)
        facts = {"descr": self._dtype.str, "fortran_order": False, "shape": shape}
        header = BytesIO()
        np.lib.format.write_array_header_1_0(header, facts)
        return header.getvalue()


class FolderWriter:
    """Builds a checksummed folder: files first, then `commit`; without it nothing appears.

    `with FolderWriter(path, "encoder", format=1) as folder: folder.write("a.json", …);
    folder.commit({…})`. A leftover of an earlier build of the same name is replaced, so two
    processes that may build the same folder must hold a lease.
    """

    def __init__(self, path: Path, kind: str, *, format: int) -> None:
        self.path = path
        self.building = path.with_name(path.name + BUILDING)
        self._kind, self._format = kind, format
        self._committed = False

    def __enter__(self) -> Self:
        if self.path.exists():
            raise GenerationError(f"{self.path} exists already; choose another name or remove it")
        remove_folder(self.building)
        self.building.mkdir(parents=True)
        return self

    def __exit__(self, *error: object) -> None:
        if not self._committed:
            remove_folder(self.building)

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """A file to write with `files.DISK.write`; it is fsynced when the block ends well."""
        with open(self.building / name, "xb") as file:
            yield file
            _sync_file(file)

    def write(self, name: str, content: bytes | Iterable[bytes]) -> None:
        with self.open(name) as file:
            for chunk in (content,) if isinstance(content, bytes) else content:
                DISK.write(file, chunk)

    @contextmanager
    def array(self, name: str, dtype: DTypeLike, *row_shape: int) -> Iterator[ArrayWriter]:
        """An .npy of shape (rows appended, *row_shape)."""
        with self.open(name) as file:
            rows = ArrayWriter(file, dtype, row_shape)
            yield rows
            rows.finish()

    def save(self, name: str, array: NDArray[Any]) -> None:
        """A whole array as .npy."""
        with self.array(name, array.dtype, *array.shape[1:]) as rows:
            rows.append(array)

    def commit(self, facts: Mapping[str, Any]) -> None:
        """Write the manifest (`kind`, `format`, `files` and the caller's facts), rename, sync."""
        files = {file.name: _describe_file(file) for file in sorted(self.building.iterdir())}
        manifest = {"kind": self._kind, "format": self._format, **facts, "files": files}
        self.write(MANIFEST, sealed(manifest))
        sync_folder(self.building)
        DISK.rename(self.building, self.path)
        self._committed = True
        sync_folder(self.path.parent)


@dataclass(frozen=True)
class Folder:
    """An open, verified folder. `manifest` holds the writer's facts, `kind`, `format`, `files`."""

    path: Path
    manifest: Mapping[str, Any]

    def file(self, name: str) -> Path:
        """The path of a file that the manifest names."""
        if name not in self.manifest["files"]:
            raise GenerationError(f"{self.path / MANIFEST} names no file {name!r}; build it again")
        return self.path / name

    def read(self, name: str) -> bytes:
        return self.file(name).read_bytes()

    def array(self, name: str, *, mapped: bool = True) -> NDArray[Any]:
        """An .npy, memory-mapped and read-only unless `mapped` is false."""
        path = self.file(name)
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)  # type: ignore[no-any-return]


def read_manifest(path: Path, kind: str, *, format: int) -> dict[str, Any]:
    """The manifest of a folder, its kind and format checked and its files not."""
    try:
        manifest = unsealed((path / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise GenerationError(
            f"{path} has no {MANIFEST}, so it is no finished {kind}; build it again"
        ) from None
    except ValueError as error:
        raise ChecksumError(f"{path / MANIFEST} is damaged ({error}); build it again") from error
    if not isinstance(manifest, dict) or manifest.get("kind") != kind:
        raise GenerationError(f"{path} is no {kind}; its {MANIFEST} names another kind")
    if manifest.get("format") != format or "files" not in manifest:
        raise GenerationError(
            f"{path} has format {manifest.get('format')}, this version reads {kind} format"
            f" {format}; build it again"
        )
    return manifest


def open_folder(path: Path, kind: str, *, format: int) -> Folder:
    """Open a folder and verify the size and SHA-256 of every file its manifest names.

    Raises GenerationError for what is not there or of another kind or format, ChecksumError for a
    file that is not what was written.
    """
    manifest = read_manifest(path, kind, format=format)
    for name, written in manifest["files"].items():
        try:
            found = _describe_file(path / name)
        except FileNotFoundError:
            raise ChecksumError(f"{path / name} is missing; build {path.name} again") from None
        if found != written:
            raise ChecksumError(
                f"{path / name} is damaged: {found['bytes']:,} bytes, sha256 {found['sha256']},"
                f" written were {written['bytes']:,} bytes, sha256 {written['sha256']};"
                f" build {path.name} again"
            )
    return Folder(path, manifest)


def _to_json(table: Mapping[str, Any]) -> bytes:
    return json.dumps(table, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _describe_file(path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": os.fstat(file.fileno()).st_size, "sha256": digest}


def _sync_file(file: BinaryIO) -> None:
    file.flush()
    DISK.sync(file.fileno())
