"""From events to a promoted model: what `endcap train` does beneath the terminal.

Torch is asked for where training begins; nothing else here needs it.
"""

import hashlib
import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch

from endcap.curves import draw_curves
from endcap.exceptions import ArtefactError, ConfigurationError
from endcap.expunging import checkpoints
from endcap.item_tables import ENCODER, open_table
from endcap.registry import MODEL, Registry
from endcap.text_vectors import ReadText, text_reader
from endcap.transports import share
from endcap_indexer import files
from endcap_indexer.generations import Generation, Manifest, generation_folder, index_of
from endcap_indexer.tensors import map_tensors, read_metadata, serialise
from endcap_reranker import Interactions
from endcap_reranker.choices import choose
from endcap_reranker.models import ENCODERS, INTERACTIONS, ModelConfiguration
from endcap_reranker.training import (
    LOSSES,
    Checkpoint,
    Progress,
    Trained,
    TrainingConfiguration,
    continue_training,
    joint_item_ids,
    train,
)

NDCG = "ndcg@10"
ANEW = TrainingConfiguration()
CONTINUES = "continues"  # in the facts of a model: the name of the one that was trained further
RUN, CURVES = "run.json", "curves.png"
RECORD = "record"  # of a checkpoint, in the metadata of its file

OnProgress = Callable[[Progress], None]
Floats = NDArray[np.float32]


class _Content(NamedTuple):
    """What a generation knows of some items; None: what the model does not read."""

    text: Floats | None
    attributes: Floats | None


class Kept(NamedTuple):
    """A trained model that is kept. refused: why it is not promoted; None: it is."""

    name: str
    record: Mapping[str, Any]
    refused: str | None


@dataclass(frozen=True)
class Trainer:
    """Trains models of one index, on the texts and columns of its live generation. What lies in the
    cluster is read for the products of the events alone.
    """

    store: Path
    index: str
    generation: Generation
    read_text: ReadText

    @classmethod
    def of(cls, client: OpenSearch, store: Path, live: Manifest) -> Self:
        """Of a generation in this store."""
        generation = Generation.open(generation_folder(store, live.generation))
        read_text = text_reader(share(client.transport), generation)
        return cls(store, index_of(live.generation), generation, read_text)

    def configure(
        self, encoder: str, interaction: str, loss: str, *, dimension: int, text: bool
    ) -> ModelConfiguration:
        """A configuration that reads what the generation has; raises ModelError for a choice that
        there is not. text: read its text vectors too.
        """
        choose("encoder", ENCODERS, encoder)
        choose("interaction", INTERACTIONS, interaction)
        choose("loss", LOSSES, loss)
        return ModelConfiguration(
            encoder=encoder,
            interaction=interaction,
            loss=loss,
            dimension=dimension,
            text_dimension=self.generation.manifest.dimension if text else 0,
            attributes=tuple(self.generation.columns),
        )

    def train(
        self,
        interactions: Interactions,
        configuration: ModelConfiguration,
        training: TrainingConfiguration,
        on_progress: OnProgress,
    ) -> Trained:
        """A model; one whose training was interrupted goes on after its last whole epoch."""
        require_torch()
        made_of = (configuration.to_json(), training.to_json(), digest_of_events(interactions))
        content = self._content(configuration, interactions.item_ids)
        file = _CheckpointFile(self._checkpoints() / f"{_digest(made_of)}.safetensors")
        trained = train(
            interactions,
            configuration,
            training,
            text_vectors=content.text,
            attributes=content.attributes,
            on_progress=on_progress,
            on_checkpoint=file.write,
            resume=file.read(),
        )
        files.remove_folder(self._checkpoints())  # those of other choices are given up too
        return trained

    def train_further(
        self,
        name: str,
        interactions: Interactions,
        training: TrainingConfiguration,
        on_progress: OnProgress,
    ) -> Trained:
        """The model of this name after new events, the only ones that are looked at."""
        require_torch()
        model = Registry(self.store, self.index).model(name)
        ids = joint_item_ids(model, interactions)
        content = self._content(model.configuration, ids)
        return continue_training(
            model,
            interactions,
            training,
            text_vectors=content.text,
            attributes=content.attributes,
            on_progress=on_progress,
        )

    def train_unaware(
        self, name: str, interactions: Interactions, on_progress: OnProgress
    ) -> Trained:
        """A model of the same choices as this one, that has not seen the last two products of
        anybody: what a tuning asks for. The last but one is what its epochs are chosen by, where
        events have no times.
        """
        require_torch()
        registry, distinct = Registry(self.store, self.index), interactions.distinct()
        facts = registry.facts(name)
        training = TrainingConfiguration.from_json(facts["training"])
        if CONTINUES in facts:  # it starts anew, so it takes as long as the first one
            training = replace(training, epochs=ANEW.epochs, patience=ANEW.patience)
        last = 1 if interactions.times is None else 2
        training = replace(training, refit=training.refit and last == 2, device=ANEW.device)
        configuration = registry.model(name).configuration
        return self.train(distinct.without_last(last), configuration, training, on_progress)

    def promoted(self) -> str:
        """The name of the promoted model; raises `ArtefactError` where there is none."""
        name = Registry(self.store, self.index).promoted().get(MODEL)
        if name is None:
            raise ArtefactError(
                f"no model of {self.index} is promoted; train one without --continue first"
            )
        return name

    def keep(self, trained: Trained, facts: Mapping[str, Any]) -> Kept:
        """Keep a model with what made it and what it is worth, and promote it where it is better
        than the baselines of its run.
        """
        registry, record = Registry(self.store, self.index), trained.record
        told = {
            RUN: json.dumps({**record, **facts}, indent=1).encode(),
            CURVES: draw_curves(record),
        }
        name = registry.save_model(trained.model, self.facts(trained, facts), told)
        open_table(
            self.store, name, trained.model, registry.facts(name), self.generation, self.read_text
        )
        try:
            registry.promote(name)
        except ArtefactError as error:
            return Kept(name, record, str(error))
        return Kept(name, record, None)

    def facts(self, trained: Trained, facts: Mapping[str, Any]) -> dict[str, Any]:
        """What an artefact says of a model, beside these facts."""
        configuration, record = trained.model.configuration, trained.record
        return {
            **facts,
            "encoder": configuration.encoder,
            "interaction": configuration.interaction,
            "loss": configuration.loss,
            "training": record["training"],
            "seconds": round(record["seconds"], 1),
            ENCODER: self.generation.manifest.encoder,
            "metrics": {
                "metric": "NDCG@10",
                "model": record["validation"][NDCG],
                "baselines": {name: each[NDCG] for name, each in record["baselines"].items()},
            },
        }

    def _content(
        self, configuration: ModelConfiguration, item_ids: NDArray[np.bytes_]
    ) -> "_Content":
        rows = self.generation.rows([id.decode() for id in item_ids.tolist()])
        text = self.read_text(rows) if configuration.text_dimension else None
        columns = [self.generation.columns[name] for name in configuration.attributes]
        if not columns:
            return _Content(text, None)
        attributes = np.stack(columns, axis=1)[rows]
        attributes[rows < 0] = np.nan
        return _Content(text, attributes)

    def _checkpoints(self) -> Path:
        return checkpoints(self.store) / self.index


@dataclass(frozen=True)
class _CheckpointFile:
    """Where a training stands, in one file that is replaced whole."""

    path: Path

    def read(self) -> Checkpoint | None:
        if not self.path.exists():
            return None
        tensors = {name: tensor.copy() for name, tensor in map_tensors(self.path).items()}
        return Checkpoint(tensors, json.loads(read_metadata(self.path)[RECORD]))

    def write(self, checkpoint: Checkpoint) -> None:
        record = {RECORD: json.dumps(checkpoint.record)}
        files.write_file(self.path, serialise(checkpoint.tensors, record))


def require_torch() -> None:
    """Raise `ConfigurationError` that says what to type where there is none."""
    if importlib.util.find_spec("torch") is None:
        raise ConfigurationError(
            "a model needs torch: pip install 'endcap[train]', or pass --no-model to count"
            " co-occurrence alone"
        )


def digest_of_events(interactions: Interactions) -> str:
    """SHA-256 of the events as arrays: the same events from another place have the same one."""
    whole = hashlib.sha256()
    arrays = (interactions.users, interactions.items, interactions.weights, interactions.item_ids)
    for array in (*arrays, interactions.user_keys, interactions.times):
        if array is not None:
            whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()


def _digest(made_of: object) -> str:
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
