"""Artefacts, and the pointer that promotes them.

`<store>/artefacts/<index>/` holds one checksummed folder an artefact, `<kind>-<number>`, and
`promoted.json`, which names the one of each kind that searches use. Promotion replaces that file
atomically. Who writes holds a lock, so that no number is given twice and no promotion is lost.
"""

import datetime
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout
from numpy.typing import NDArray

from endcap.exceptions import ArtefactError
from endcap.promotion import Pointer, why_not_better
from endcap.tuning import Tuning
from endcap_indexer import files
from endcap_indexer.exceptions import IndexerError
from endcap_indexer.tensors import map_tensors, serialise
from endcap_reranker import Cooccurrence, RerankerError
from endcap_reranker.models import ModelConfiguration, UserItemModel

FORMAT = 2
POINTER = "promoted.json"
LOCK = "artefacts.lock"
TENSORS = "tensors.safetensors"
CONFIGURATION = "configuration.json"
TUNING_FILE = "tuning.json"
WAIT_S = 60.0  # for another writer; writing takes seconds
COOCCURRENCE = "cooccurrence"
MODEL = "model"
TUNING = "tuning"
KINDS = (COOCCURRENCE, MODEL, TUNING)

Tensors = Mapping[str, NDArray[Any]]


class Artefact(NamedTuple):
    """What a registry holds, for a person to look at; its files are not verified."""

    name: str
    kind: str
    bytes: int
    facts: Mapping[str, Any]  # what made it
    promoted: bool


def model_name(artefacts: Mapping[str, str]) -> str | None:
    """The promoted artefacts in one name, as answers and cursors carry it; None for none."""
    return "+".join(artefacts[kind] for kind in sorted(artefacts)) or None


def kind_of(name: str) -> str:
    """Of an artefact by its name; raises `ArtefactError`."""
    for kind in KINDS:
        if _number(kind, name):
            return kind
    raise ArtefactError(f"{name!r} names no artefact; a name is like {KINDS[0]}-000001")


def registries(store: Path) -> "list[Registry]":
    """Of every index that has artefacts in a store."""
    folders = sorted(path for path in (Path(store) / "artefacts").glob("*") if path.is_dir())
    return [Registry(store, folder.name) for folder in folders]


class Registry:
    """The artefacts of one index. What cannot be used, or is not there, raises `ArtefactError`."""

    def __init__(self, store: Path, index: str) -> None:
        self.folder = Path(store) / "artefacts" / index

    def promoted(self) -> dict[str, str]:
        """The name of the promoted artefact by kind; empty where nothing was promoted."""
        return dict(self.pointer().artefacts)

    def pointer(self) -> Pointer:
        """What is promoted, and what was before."""
        return Pointer.read(self.folder / POINTER)

    def promote(self, name: str, *, force: bool = False) -> None:
        """Make searches use this artefact from now on.

        Refused where it cannot be used and, unless forced, where it is no better than the
        baselines of its own run; the history keeps that it was forced.
        """
        kind = kind_of(name)
        self._require_usable(kind, name)
        reason = why_not_better(self.facts(name))
        if reason is not None and not force:
            raise ArtefactError(
                f"{name} is not promoted: {reason}; train on more events, or pass --force"
            )
        with self._writing():
            pointer = self.pointer().with_promotion(
                kind, name, _now(), forced=reason is not None, reason=reason
            )
            pointer.write(self.folder / POINTER)

    def roll_back(self, kind: str) -> str | None:
        """Undo the last promotion of a kind; returns what is promoted now, None: nothing."""
        if kind not in KINDS:
            raise ArtefactError(f"{kind!r} is no kind; it takes {', '.join(KINDS)}")
        with self._writing():
            pointer = self.pointer().without_last(kind)
            before = pointer.artefacts.get(kind)
            if before is not None:
                self._require_usable(kind, before)
            pointer.write(self.folder / POINTER)
        return before

    def artefacts(self) -> list[Artefact]:
        """All that were saved, by kind and oldest first."""
        promoted = self.promoted()
        return [
            self._describe(kind, path, promoted)
            for kind in KINDS
            for path in sorted(self.folder.glob(f"{kind}-*"), key=lambda p: _number(kind, p.name))
            if (path / files.MANIFEST).exists()
        ]

    def facts(self, name: str) -> dict[str, Any]:
        """What was said of an artefact when it was saved."""
        return dict(self._open(kind_of(name), name).manifest["made_by"])

    def save_cooccurrence(self, counted: Cooccurrence, facts: Mapping[str, Any]) -> str:
        """Keep counted co-occurrence; `facts` say what made it. Returns the artefact's name."""
        return self._save(COOCCURRENCE, counted.to_tensors(), {}, facts)

    def cooccurrence(self, name: str) -> Cooccurrence:
        """The arrays are memory-mapped."""
        folder = self._open(COOCCURRENCE, name)
        try:
            return Cooccurrence.from_tensors(map_tensors(folder.file(TENSORS)))
        except (RerankerError, ValueError) as error:
            raise ArtefactError(f"{folder.path}: {error}; train again") from error

    def save_model(
        self,
        model: UserItemModel,
        facts: Mapping[str, Any],
        contents: Mapping[str, bytes] | None = None,
    ) -> str:
        """Keep a trained model; contents: more files that tell of its training."""
        configuration = json.dumps(model.configuration.to_json(), indent=1).encode()
        told = {CONFIGURATION: configuration, **(contents or {})}
        return self._save(MODEL, model.to_tensors(), told, facts)

    def model(self, name: str) -> UserItemModel:
        """The arrays are memory-mapped."""
        folder = self._open(MODEL, name)
        try:
            configuration = ModelConfiguration.from_json(json.loads(folder.read(CONFIGURATION)))
            return UserItemModel.from_tensors(map_tensors(folder.file(TENSORS)), configuration)
        except (RerankerError, ValueError) as error:
            raise ArtefactError(f"{folder.path}: {error}; train again") from error

    def drop_shoppers(self, keys: Collection[bytes]) -> dict[str, str]:
        """Write every model anew that holds a row of these shoppers, and remove the old one.

        The new one has a number of its own, so that running clients take it over. Returns the new
        names by the old ones.
        """
        renamed: dict[str, str] = {}
        for name in [each.name for each in self.artefacts() if each.kind == MODEL]:
            model, folder = self.model(name), self._open(MODEL, name)
            without = model.without_users(list(keys))
            dropped = len(model.user_keys) - len(without.user_keys)
            if dropped:
                facts = {**folder.manifest["made_by"], "dropped": {"from": name, "rows": dropped}}
                told = {
                    file: folder.read(file)
                    for file in folder.manifest["files"]
                    if file not in (TENSORS, CONFIGURATION)
                }
                renamed[name] = self.save_model(without, facts, told)
        if renamed:
            with self._writing():
                self.pointer().renamed(renamed).write(self.folder / POINTER)
                for name in renamed:
                    files.remove_folder(self.folder / name)
        return renamed

    def save_tuning(self, tuning: Tuning, facts: Mapping[str, Any]) -> str:
        """Keep a tuning; returns the artefact's name."""
        return self._save(TUNING, {}, {TUNING_FILE: tuning.to_json()}, facts)

    def tuning(self, name: str) -> Tuning:
        folder = self._open(TUNING, name)
        try:
            return Tuning.from_json(folder.read(TUNING_FILE))
        except ArtefactError as error:
            raise ArtefactError(f"{folder.path}: {error}; tune again") from error

    def _require_usable(self, kind: str, name: str) -> None:
        load: Mapping[str, Callable[[str], object]] = {
            COOCCURRENCE: self.cooccurrence,
            MODEL: self.model,
            TUNING: self.tuning,
        }
        load[kind](name)

    def _save(
        self,
        kind: str,
        tensors: Tensors,
        contents: Mapping[str, bytes],
        facts: Mapping[str, Any],
    ) -> str:
        with self._writing():
            name = f"{kind}-{self._last(kind) + 1:06d}"
            with files.FolderWriter(self.folder / name, kind, format=FORMAT) as folder:
                if tensors:
                    folder.write(TENSORS, serialise(tensors))
                for file, content in contents.items():
                    folder.write(file, content)
                folder.commit({"made_by": dict(facts)})
        return name

    def _describe(self, kind: str, path: Path, promoted: Mapping[str, str]) -> Artefact:
        try:
            facts = files.read_manifest(path, kind, format=FORMAT)["made_by"]
        except IndexerError as error:
            facts = {"damaged": str(error)}
        size = sum(file.stat().st_size for file in path.iterdir())
        return Artefact(path.name, kind, size, facts, promoted.get(kind) == path.name)

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


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _number(kind: str, name: str) -> int:
    """Of an artefact or of an unfinished one; 0 for a name that is neither."""
    found = re.fullmatch(rf"{kind}-(\d+)({re.escape(files.BUILDING)})?", name, re.ASCII)
    return int(found[1]) if found else 0
