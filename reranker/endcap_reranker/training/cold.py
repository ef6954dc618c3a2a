"""Cold products on the scale of warm ones: fitted on items that are known both ways."""

from dataclasses import replace

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.models import ColdCalibration, UserItemModel
from endcap_reranker.models.items import Content, ItemSide
from endcap_reranker.models.parameters import part


def calibrate(model: UserItemModel, content: Content, states: Floats) -> UserItemModel:
    """The model with a calibration fitted on its own items; content: (m, ...) of these."""
    items = part(model.parameters, "items")
    side = ItemSide(model.configuration)
    cold = side.content_vectors(items, content)
    warm = np.nan_to_num(cold) + items["id"]
    return replace(model, calibration=fit_calibration(warm, cold, states))


def fit_calibration(warm: Floats, cold: Floats, states: Floats) -> ColdCalibration:
    """warm: (m, d) the training items with their ID embeddings. cold: (m, d) by content alone, nan
    where there is none. states: (n, d) of shoppers.

    For each state the cold scores get the mean of the warm ones, and over all states together
    their spread: the scores of an item with mean μ and covariance C have mean s·μ and variance
    sᵀ C s.
    """
    known = np.isfinite(cold).all(axis=1)
    if not known.any():
        return ColdCalibration.none(warm.shape[1])
    warm_mean, cold_mean = warm[known].mean(axis=0), cold[known].mean(axis=0)
    wanted = _variance(warm[known] - warm_mean, states)
    found = _variance(cold[known] - cold_mean, states)
    spread = float(np.sqrt(wanted / found)) if found > 0 else 1.0
    return ColdCalibration(cold_mean, warm_mean, spread)


def _variance(centred: Floats, states: Floats) -> float:
    covariance = centred.T @ centred / len(centred)
    return float(np.einsum("nd,de,ne->", states, covariance, states) / max(len(states), 1))
