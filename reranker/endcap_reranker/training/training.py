"""From events to a model, and from a model and new events to the next one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.interactions import Interactions
from endcap_reranker.models import ModelConfiguration, UserItemModel
from endcap_reranker.training.checkpoints import Checkpoint, fingerprint, require_same
from endcap_reranker.training.configuration import TrainingConfiguration
from endcap_reranker.training.growth import joint_item_ids
from endcap_reranker.training.plan import Plan
from endcap_reranker.training.preparation import Material, checked_content
from endcap_reranker.training.run import OnProgress

BASELINES = ("popularity", "item-knn", "text")  # those that cost seconds
FEW_EPOCHS = TrainingConfiguration(epochs=10, patience=2)
VALIDATED = "validated"

OnCheckpoint = Callable[[Checkpoint], None]


class Trained(NamedTuple):
    """record: what made the model and what it is worth; JSON."""

    model: UserItemModel
    record: dict[str, Any]


def train(
    interactions: Interactions,
    configuration: ModelConfiguration,
    training: TrainingConfiguration = TrainingConfiguration(),
    *,
    text_vectors: Floats | None = None,
    attributes: Floats | None = None,
    baselines: Sequence[str] = BASELINES,
    on_progress: OnProgress = lambda progress: None,
    on_checkpoint: OnCheckpoint = lambda checkpoint: None,
    resume: Checkpoint | None = None,
) -> Trained:
    """A model of these events; needs the extra `train`.

    The validation, a part of the events, says after which epoch to stop; then the model is trained
    anew on all events for as many epochs. text_vectors: (m, t), attributes: (m, a) of
    `interactions.item_ids`, nan: not known. A user has a row in the model only under a key.
    on_checkpoint: told after each epoch; what it was told last goes in as `resume`. Raises
    ModelError, ShapeError, and InteractionsError where there is nothing to learn or to validate on.
    """
    items = len(interactions.item_ids)
    content = checked_content(configuration, items, text_vectors, attributes)
    plan = Plan(configuration, training, Material(interactions, content))
    return _follow(plan, baselines, on_progress, on_checkpoint, resume)


def continue_training(
    model: UserItemModel,
    interactions: Interactions,
    training: TrainingConfiguration = FEW_EPOCHS,
    *,
    text_vectors: Floats | None = None,
    attributes: Floats | None = None,
    baselines: Sequence[str] = BASELINES,
    on_progress: OnProgress = lambda progress: None,
) -> Trained:
    """The model after these new events, the only ones that are looked at; otherwise as `train`.

    text_vectors and attributes are of `joint_item_ids(model, interactions)`. New items and new
    keyed users get rows. Where no epoch ranks the new validation better than before, the model
    learns nothing.
    """
    joint = joint_item_ids(model, interactions)
    codes = np.searchsorted(joint, interactions.item_ids).astype(np.int32)
    recoded = replace(interactions, items=codes[interactions.items], item_ids=joint)
    content = checked_content(model.configuration, len(joint), text_vectors, attributes)
    material = Material(recoded, content, model.item_ids)
    plan = Plan(model.configuration, training, material, model)
    return _follow(plan, baselines, on_progress, lambda checkpoint: None)


def _follow(
    plan: Plan,
    baselines: Sequence[str],
    on_progress: OnProgress,
    on_checkpoint: OnCheckpoint,
    resume: Checkpoint | None = None,
) -> Trained:
    """Validate, then refit; a checkpoint of the refit holds what the validation said."""
    started = time.perf_counter()
    made_of = {
        "configuration": plan.configuration.to_json(),
        "training": plan.training.to_json(),
        "events": fingerprint(plan.material.interactions),
    }
    if resume is not None:
        require_same(resume, made_of)
    if resume is not None and VALIDATED in resume.record:
        said = resume.record[VALIDATED]
    else:
        run, prepared = plan.open(plan.material.held_out(plan.training.validation_share))
        if resume is not None:
            run.restore(resume)
        elif plan.before is not None:
            run.start_from_here()
        run.go(on_progress, lambda run: on_checkpoint(run.checkpoint(made_of)))
        said, resume = plan.judge(run, prepared, baselines), None
    if plan.training.refit:
        run, prepared = plan.open(plan.material.whole())
        if resume is not None:
            run.restore(resume)
        both = {**made_of, VALIDATED: said}
        run.go_for(said["best_epoch"], on_progress, lambda run: on_checkpoint(run.checkpoint(both)))
    model = plan.model(run, prepared, said["cold_spread"])
    seconds = time.perf_counter() - started
    return Trained(model, {**made_of, **said, **plan.count(run, prepared), "seconds": seconds})
