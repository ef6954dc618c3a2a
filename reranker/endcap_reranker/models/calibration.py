"""Cold and warm products on one scale."""

from typing import NamedTuple

import numpy as np

from endcap_reranker.arrays import Floats
from endcap_reranker.models.parameters import Parameters


class ColdCalibration(NamedTuple):
    """Cold vectors with the mean and the spread of warm ones:
    `v' = warm_mean + spread · (v - cold_mean)`.

    What has no ID embedding scores lower on average, and not because it is worse. The means are
    those of the training items with and without their ID embeddings.
    """

    cold_mean: Floats  # (d,)
    warm_mean: Floats  # (d,)
    spread: float

    @classmethod
    def none(cls, dimension: int) -> "ColdCalibration":
        """That changes nothing."""
        origin = np.zeros(dimension, np.float32)
        return cls(origin, origin, 1.0)

    def __call__(self, vectors: Floats) -> Floats:
        """(n, d) cold vectors on the scale of warm ones."""
        return self.warm_mean + np.float32(self.spread) * (vectors - self.cold_mean)

    def to_tensors(self) -> Parameters:
        spread = np.array([self.spread], np.float32)
        return {"cold_mean": self.cold_mean, "warm_mean": self.warm_mean, "spread": spread}

    @classmethod
    def from_tensors(cls, tensors: Parameters) -> "ColdCalibration":
        return cls(tensors["cold_mean"], tensors["warm_mean"], float(tensors["spread"][0]))
