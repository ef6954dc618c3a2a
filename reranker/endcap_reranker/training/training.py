"""From events to a model, and from a model and new events to the next one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.baselines import rank_baselines
from endcap_reranker.interactions import Interactions
from endcap_reranker.models import ColdCalibration, ModelConfiguration, UserItemModel
from endcap_reranker.models.parameters import Parameters, part
from endcap_reranker.models.parts import Parts
from endcap_reranker.training.checkpoints import Checkpoint, fingerprint, require_same
from endcap_reranker.training.cold import calibrate
from endcap_reranker.training.configuration import TrainingConfiguration
from endcap_reranker.training.growth import grow, joint_item_ids, user_rows
from endcap_reranker.training.learning import Learner
from endcap_reranker.training.network import Network, choose_device
from endcap_reranker.training.preparation import Prepared, prepare
from endcap_reranker.training.run import OnProgress, Run
from endcap_reranker.training.sampling import NegativeSampler

BASELINES = ("popularity", "item-knn", "text")  # those that cost seconds
FEW_EPOCHS = TrainingConfiguration(epochs=10, patience=2)


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
    on_checkpoint: Callable[[Checkpoint], None] = lambda checkpoint: None,
    resume: Checkpoint | None = None,
) -> Trained:
    """A model of these events; needs the extra `train`.

    text_vectors: (m, t), attributes: (m, a) of `interactions.item_ids`, nan: not known. A user has
    a row in the model only under a key. on_checkpoint: told after each epoch; what it was told
    last goes in as `resume`. Raises ModelError, ShapeError, and InteractionsError where there is
    nothing to learn or to validate on.
    """
    prepared = prepare(
        interactions, configuration, text_vectors, attributes, training.validation_share
    )
    parts = Parts.of(configuration)
    start = {**_initial(parts, prepared, training), **parts.standards(prepared.content)}
    run = _open_run(configuration, training, prepared, start)
    made_of = _made_of(configuration, training, interactions)
    if resume is not None:
        require_same(resume, made_of)
        run.restore(resume)
    run.go(on_progress, lambda run: on_checkpoint(run.checkpoint(made_of)))
    return _finish(run, start, prepared, configuration, made_of, baselines)


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
    keyed users get rows. An epoch after which the new validation is not ranked better than before
    is not kept.
    """
    configuration = model.configuration
    joint = joint_item_ids(model, interactions)
    codes = np.searchsorted(joint, interactions.item_ids).astype(np.int32)
    prepared = prepare(
        replace(interactions, items=codes[interactions.items], item_ids=joint),
        configuration,
        text_vectors,
        attributes,
        training.validation_share,
        model.item_ids,
    )
    parts = Parts.of(configuration)
    fresh = _initial(parts, prepared, training)
    standards = {name: model.parameters[name] for name in parts.standards(prepared.content)}
    start = {**grow(model, fresh, prepared.interactions), **standards}
    run = _open_run(configuration, training, prepared, start)
    run.start_from_here()
    made_of = _made_of(configuration, training, interactions)
    before = {"ndcg_before": run.best_ndcg, "new_items": len(joint) - len(model.item_ids)}
    run.go(on_progress, lambda run: None)
    return _finish(run, start, prepared, configuration, made_of | before, baselines, model)


def _initial(parts: Parts, prepared: Prepared, training: TrainingConfiguration) -> Parameters:
    random = np.random.default_rng(training.seed)
    interactions = prepared.interactions
    return parts.initialise(random, len(interactions.item_ids), interactions.n_users)


def _open_run(
    configuration: ModelConfiguration,
    training: TrainingConfiguration,
    prepared: Prepared,
    start: Parameters,
) -> Run:
    interactions, items = prepared.interactions, Parts.of(configuration).items
    content = items.standardise(part(start, "items"), prepared.content)
    network = Network(configuration, start, content, choose_device(training.device))
    sampler = NegativeSampler(
        interactions.items, len(interactions.item_ids), training.popularity_exponent
    )
    learner = Learner(network, configuration.loss, sampler, training)
    return Run(learner, interactions.histories(), prepared.validation, training)


def _made_of(
    configuration: ModelConfiguration, training: TrainingConfiguration, interactions: Interactions
) -> dict[str, Any]:
    return {
        "configuration": configuration.to_json(),
        "training": training.to_json(),
        "events": fingerprint(interactions),
    }


def _finish(
    run: Run,
    start: Parameters,
    prepared: Prepared,
    configuration: ModelConfiguration,
    made_of: dict[str, Any],
    baselines: Sequence[str],
    before: UserItemModel | None = None,
) -> Trained:
    """The best epoch's model, calibrated, beside the baselines on the same questions."""
    interactions = prepared.interactions
    learnt = {**start, **run.best}
    keys, rows = user_rows(learnt, interactions, before)
    parameters = Parts.of(configuration).complete({**learnt, **rows}, prepared.content)
    plain = ColdCalibration.none(configuration.dimension)
    model = UserItemModel(configuration, interactions.item_ids, parameters, plain, keys)
    run.network.set(run.best)
    model = calibrate(model, prepared.content, run.last_states())
    started = time.perf_counter()
    rivals = rank_baselines(baselines, interactions, prepared.content.text, run.validation)
    record = {
        **made_of,
        "device": run.network.device,
        "items": len(interactions.item_ids),
        "users": int(len(np.unique(interactions.users))),
        "events_learnt": len(interactions),
        "parameters": int(sum(array.size for array in run.best.values())),
        "epochs": run.epochs,
        "seconds": sum(epoch["seconds"] for epoch in run.epochs),
        "validation": {"cases": len(run.validation), **run.rank()},
        "baselines": rivals,
        "baseline_seconds": time.perf_counter() - started,
    }
    return Trained(model, record)
