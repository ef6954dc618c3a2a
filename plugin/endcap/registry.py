"""Artefacts, and the pointer that promotes them.

`<store>/artefacts/<index>/` holds one checksummed folder an artefact, `<kind>-<number>`, and
`promoted.json`, which names the one of each kind that searches use. Promotion replaces that file
atomically. Who writes holds a lock, so that no number is given twice and no promotion is lost.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from endcap.exceptions import ArtefactError
from endcap.tuning import Tuning
from endcap_indexer import files
from endcap_indexer.exceptions import IndexerError
from endcap_reranker import Cooccurrence, RerankerError

FORMAT = 1
POINTER = "promoted.json"
LOCK = "artefacts.lock"
WAIT_S = 60.0  # for another writer; writing takes seconds
COOCCURRENCE = "cooccurrence"
TUNING = "tuning"


def model_name(artefacts: Mapping[str, str]) -> str | None:
    """The promoted artefacts in one name, as answers and cursors carry it; None for none."""
    return "+".join(artefacts[kind] for kind in sorted(artefacts)) or None


class Registry:
    """The artefacts of one index. What cannot be used, or is not there, raises `ArtefactError`."""

    def __init__(self, store: Path, index: str) -> None:
        self.folder = Path(store) / "artefacts" / index

    def promoted(self) -> dict[str, str]:
        """The name of the promoted artefact by kind; empty where nothing was promoted."""
        path = self.folder / POINTER
        try:
            pointer = json.loads(path.read_bytes())
            artefacts = {str(kind): str(name) for kind, name in pointer["artefacts"].items()}
            written = pointer["format"]
        except FileNotFoundError:
            return {}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ArtefactError(
                f"{path} is damaged ({error!r}); remove it, then train and tune again"
            ) from error
        if written != FORMAT:
            raise ArtefactError(
                f"{path} has format {written!r}, this version reads {FORMAT};"
                " remove it, then train and tune again"
            )
        return artefacts

    def promote(self, kind: str, name: str) -> None:
        """Make searches use this artefact from now on; refused where it cannot be used."""
        if kind not in (COOCCURRENCE, TUNING):
            raise ArtefactError(f"{kind!r} is no kind; it takes {COOCCURRENCE} or {TUNING}")
        _ = self.cooccurrence(name) if kind == COOCCURRENCE else self.tuning(name)
        with self._writing():
            pointer = {"format": FORMAT, "artefacts": {**self.promoted(), kind: name}}
            files.write_file(self.folder / POINTER, json.dumps(pointer, indent=1).encode())

    def save_cooccurrence(self, counted: Cooccurrence, facts: Mapping[str, Any]) -> str:
        """Keep counted co-occurrence; `facts` say what made it. Returns the artefact's name."""
        return self._save(COOCCURRENCE, counted.to_tensors(), {}, facts)

    def cooccurrence(self, name: str) -> Cooccurrence:
        """The arrays are memory-mapped."""
        folder = self._open(COOCCURRENCE, name)
        stems = [Path(file).stem for file in folder.manifest["files"]]
        try:
            return Cooccurrence.from_tensors({stem: folder.array(f"{stem}.npy") for stem in stems})
        except RerankerError as error:
            raise ArtefactError(f"{folder.path}: {error}; train again") from error

    def save_tuning(self, tuning: Tuning, facts: Mapping[str, Any]) -> str:
        """Keep a tuning; returns the artefact's name."""
        return self._save(TUNING, {}, {"tuning.json": tuning.to_json()}, facts)

    def facts(self, kind: str, name: str) -> dict[str, Any]:
        """What was said of an artefact when it was saved."""
        return dict(self._open(kind, name).manifest["made_by"])

    def tuning(self, name: str) -> Tuning:
        folder = self._open(TUNING, name)
        try:
            return Tuning.from_json(folder.read("tuning.json"))
        except ArtefactError as error:
            raise ArtefactError(f"{folder.path}: {error}; tune again") from error

    def _save(
        self,
        kind: str,
        tensors: Mapping[str, NDArray[np.generic]],
        contents: Mapping[str, bytes],
        facts: Mapping[str, Any],
    ) -> str:
        with self._writing():
            name = f"{kind}-{self._last(kind) + 1:06d}"
            with files.FolderWriter(self.folder / name, kind, format=FORMAT) as folder:
                for stem, tensor in tensors.items():
                    folder.save(f"{stem}.npy", np.asarray(tensor))
                for file, content in contents.items():
                    folder.write(file, content)
                folder.commit({"made_by": dict(facts)})
        return name

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Be the only one that writes here; the kernel takes the lock back from who dies."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / LOCK, timeout=WAIT_S)
        try:
            lock.acquire()
        except Timeout:
            raise ArtefactError(
                f"another process has been writing to {self.folder} for {WAIT_S:g} s; stop it"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def _last(self, kind: str) -> int:
        return max((_number(kind, path.name) for path in self.folder.iterdir()), default=0)

    def _open(self, kind: str, name: str) -> files.Folder:
        if not _number(kind, name):
            raise ArtefactError(f"{name!r} names no {kind}; a name is like {kind}-000001")
        try:
            return files.open_folder(self.folder / name, kind, format=FORMAT)
        except IndexerError as error:
            raise ArtefactError(f"{error}; train or tune again") from error


def _number(kind: str, name: str) -> int:
    """Of an artefact or of an unfinished one; 0 for a name that is neither."""
    found = re.fullmatch(rf"{kind}-(\d+)({re.escape(files.BUILDING)})?", name, re.ASCII)
    return int(found[1]) if found else 0
