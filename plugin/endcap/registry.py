"""Artefacts, and the pointer that promotes them.

`<store>/artefacts/<index>/` holds one checksummed folder an artefact, `<kind>-<number>`, and
`promoted.json`, which names the one of each kind that searches use. Promotion replaces that file
atomically.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endcap.exceptions import ArtefactError
from endcap.tuning import Tuning
from endcap_indexer import files
from endcap_reranker import Cooccurrence

FORMAT = 1
POINTER = "promoted.json"
COOCCURRENCE = "cooccurrence"
TUNING = "tuning"


def model_name(artefacts: Mapping[str, str]) -> str | None:
    """The promoted artefacts in one name, as answers and cursors carry it; None for none."""
    return "+".join(artefacts[kind] for kind in sorted(artefacts)) or None


class Registry:
    """The artefacts of one index."""

    def __init__(self, store: Path, index: str) -> None:
        self.folder = Path(store) / "artefacts" / index

    def promoted(self) -> dict[str, str]:
        """The name of the promoted artefact by kind; empty where nothing was promoted."""
        try:
            content = (self.folder / POINTER).read_bytes()
        except FileNotFoundError:
            return {}
        pointer = json.loads(content)
        if pointer.get("format") != FORMAT:
            raise ArtefactError(f"{self.folder / POINTER} has another format; train or tune again")
        return dict(pointer["artefacts"])

    def promote(self, kind: str, name: str) -> None:
        """Make searches use this artefact from now on."""
        self._open(kind, name)
        pointer = {"format": FORMAT, "artefacts": {**self.promoted(), kind: name}}
        files.write_file(self.folder / POINTER, json.dumps(pointer, indent=1).encode())

    def save_cooccurrence(self, counted: Cooccurrence, facts: Mapping[str, Any]) -> str:
        """Keep counted co-occurrence; `facts` say what made it. Returns the artefact's name."""
        return self._save(COOCCURRENCE, counted.to_tensors(), {}, facts)

    def cooccurrence(self, name: str) -> Cooccurrence:
        """The arrays are memory-mapped; raises for a damaged or missing file."""
        folder = self._open(COOCCURRENCE, name)
        stems = [Path(file).stem for file in folder.manifest["files"]]
        return Cooccurrence.from_tensors({stem: folder.array(f"{stem}.npy") for stem in stems})

    def save_tuning(self, tuning: Tuning, facts: Mapping[str, Any]) -> str:
        """Keep a tuning; returns the artefact's name."""
        return self._save(TUNING, {}, {"tuning.json": tuning.to_json()}, facts)

    def tuning(self, name: str) -> Tuning:
        """Raises for a damaged or missing file."""
        return Tuning.from_json(self._open(TUNING, name).read("tuning.json"))

    def _save(
        self,
        kind: str,
        tensors: Mapping[str, NDArray[np.generic]],
        contents: Mapping[str, bytes],
        facts: Mapping[str, Any],
    ) -> str:
        name = f"{kind}-{self._last(kind) + 1:06d}"
        with files.FolderWriter(self.folder / name, kind, format=FORMAT) as folder:
            for stem, tensor in tensors.items():
                folder.save(f"{stem}.npy", np.asarray(tensor))
            for file, content in contents.items():
                folder.write(file, content)
            folder.commit({"made_by": dict(facts)})
        return name

    def _last(self, kind: str) -> int:
        names = [path.name for path in self.folder.glob(f"{kind}-*")]
        return max((int(name.partition("-")[2][:6]) for name in names), default=0)

    def _open(self, kind: str, name: str) -> files.Folder:
        return files.open_folder(self.folder / name, kind, format=FORMAT)
