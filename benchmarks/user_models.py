"""User-item models of a shop, trained once and kept beside its index."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from columns import Doubles, Floats, Rows
from numpy.typing import NDArray
from ranks import NOT_FOUND, rank_among
from rich.console import Console

from endcap.cli.progress import TerminalProgress
from endcap.exceptions import EvaluationError
from endcap_indexer import files
from endcap_indexer.generations import Generation
from endcap_indexer.tensors import map_tensors, serialise
from endcap_reranker import Interactions
from endcap_reranker.models import ModelConfiguration, UserItemModel
from endcap_reranker.ranking import Cases
from endcap_reranker.training import Progress, Trained, TrainingConfiguration, train
from endcap_reranker.training.checkpoints import fingerprint

DOT = "dot"
# What scores pairs one by one is given fewer: 128 negatives cost it more than 1,024 a dot product.
PAIRWISE = {"negatives": 128, "validation_users": 1000}
TENSORS, RECORD = "model.safetensors", "run.json"

Score = Callable[[int], NDArray[np.floating[Any]]]  # the number of a question → (n,) by row


@dataclass(frozen=True)
class Trainer:
    """Trains on some events, with the texts and columns of a generation. What was trained of the
    same events by the same choices before is read from the folder.
    """

    folder: Path
    generation: Generation
    interactions: Interactions
    training: TrainingConfiguration
    console: Console

    @classmethod
    def of_known(
        cls,
        store: Path,
        generation: Generation,
        interactions: Interactions,
        epochs: int,
        console: Console,
    ) -> "Trainer":
        """On all events but each user's last product, which is what is asked for."""
        training = TrainingConfiguration(epochs=epochs)
        known = interactions.without_last(1)
        return cls(store / "models", generation, known, training, console)

    def configure(self, **choices: Any) -> ModelConfiguration:
        """The default but for these; it reads the text vectors that there are."""
        read = {"text_dimension": self.generation.manifest.dimension}
        return ModelConfiguration(**{**read, **choices})

    def train(self, configuration: ModelConfiguration, **choices: Any) -> Trained:
        """choices: of the training, where it is not the usual one."""
        cheap = {} if configuration.interaction == DOT else PAIRWISE
        training = replace(self.training, **{**cheap, **choices})
        folder = self.folder / self._digest(configuration, training)
        if (folder / RECORD).exists():
            model = UserItemModel.from_tensors(map_tensors(folder / TENSORS), configuration)
            return Trained(model, json.loads((folder / RECORD).read_bytes()))
        with TerminalProgress(self.console) as progress:

            def show(now: Progress) -> None:
                stage = f"{'refit' if now.refit else 'train'} {configuration.encoder}"
                done = (now.epoch - 1) * now.batches + now.batch
                progress.advance(stage, done, now.epochs * now.batches)

            keys = np.array([key_of(user) for user in range(self.interactions.n_users)])
            use_every_core()
            trained = train(
                replace(self.interactions, user_keys=keys),
                configuration,
                training,
                text_vectors=self._text if configuration.text_dimension else None,
                baselines=(),
                on_progress=show,
            )
        files.write_file(folder / TENSORS, serialise(trained.model.to_tensors()))
        files.write_file(folder / RECORD, json.dumps(trained.record, indent=1).encode())
        return trained

    def train_without(self, configuration: ModelConfiguration, back: int) -> UserItemModel:
        """One that has not learnt the last `back` products of each user, 1 or 2.

        Where events have no times the validation asks for the last but one, which who is not
        refitted has not learnt; else it asks for what is newest of all.
        """
        if back == 2 and self.interactions.times is not None:
            blind = replace(self, interactions=self.interactions.without_last(1))
            return blind.train(configuration).model
        return self.train(configuration, refit=back == 1).model

    @cached_property
    def _text(self) -> Floats:
        ids = [id.decode() for id in self.interactions.item_ids.tolist()]
        return self.generation.index.vectors(self.generation.rows(ids))

    def _digest(self, configuration: ModelConfiguration, training: TrainingConfiguration) -> str:
        made_of = [configuration.to_json(), training.to_json(), self.generation.manifest.encoder]
        said = json.dumps([*made_of, fingerprint(self.interactions)], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Questions:
    """Each user's last product after the products before it, by rows of a generation, -1: a product
    that the generation lacks.
    """

    histories: Sequence[Rows]  # oldest first
    answers: Rows  # (n,)
    users: Rows  # (n,) codes, as in training

    @classmethod
    def last(
        cls, interactions: Interactions, generation: Generation, limit: int | None = None
    ) -> "Questions":
        """Of at most so many users; none of who has only one product. Raises EvaluationError."""
        interactions = interactions.distinct()
        cases = Cases.at(interactions, interactions.last(1))
        if not len(cases):
            raise EvaluationError("no user has two products, so there is none to ask for")
        ids = [id.decode() for id in interactions.item_ids.tolist()]
        rows = generation.rows(ids)
        n = len(cases) if limit is None else min(limit, len(cases))
        histories = [rows[cases.history(case)[0][::-1]] for case in range(n)]
        return cls(histories, rows[cases.targets[:n]], cases.users[:n])

    def __len__(self) -> int:
        return len(self.answers)

    def only(self, kept: NDArray[np.bool_]) -> "Questions":
        """The kept questions (n,)."""
        chosen = np.flatnonzero(kept)
        histories = [self.histories[number] for number in chosen]
        return Questions(histories, self.answers[chosen], self.users[chosen])

    def ranks(self, score: Score, pool: NDArray[np.bool_] | None = None) -> Doubles:
        """(n,) of each answer among the products outside of the history, or those of the pool."""
        found = np.full(len(self), NOT_FOUND)
        for number, (history, answer) in enumerate(zip(self.histories, self.answers, strict=True)):
            if answer >= 0:
                scores = score(number)
                scores[history[history >= 0]] = -np.inf
                if pool is not None:
                    scores[~pool] = -np.inf
                found[number] = rank_among(scores, int(answer))
        return found


def use_every_core() -> None:
    """A training's products are large enough for all of them, whatever is right for a search's."""
    import torch

    torch.set_num_threads(os.cpu_count() or 1)


def key_of(user: int) -> bytes:
    """A key that says nothing but the number: models of a benchmark serve nobody."""
    return f"{user:09d}".encode()


@dataclass(frozen=True, eq=False)
class Ranker:
    """A model over all products of a generation. table: (n, d) by row."""

    model: UserItemModel
    table: Floats

    @classmethod
    def over(
        cls, model: UserItemModel, generation: Generation, *, calibrated: bool = True
    ) -> "Ranker":
        every = np.arange(len(generation), dtype=np.int64)
        ids, text = generation.ids(every), generation.index.vectors(every)
        return cls(model, model.item_vectors(ids, text, calibrated=calibrated))

    def __len__(self) -> int:
        return len(self.table)

    def vectors(self, rows: Rows) -> Floats:
        """(n, d); nan for row -1."""
        return np.where(rows[:, np.newaxis] >= 0, self.table[rows], np.float32(np.nan))

    def ranks(self, questions: Questions, pool: NDArray[np.bool_] | None = None) -> Doubles:
        """(n,) of each question; a product that the model cannot score is behind all others."""

        def score(number: int) -> Floats:
            past = self.vectors(questions.histories[number][::-1])
            key = key_of(int(questions.users[number]))
            state = self.model.shopper_state(past, user_key=key)
            return np.nan_to_num(self.model.score(state, self.table), nan=-np.inf)

        return questions.ranks(score, pool)
