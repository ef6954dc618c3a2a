"""The named arrays of a model. Training and serving share the names, so nothing is translated."""

from collections.abc import Mapping
from typing import TypeAlias, TypeVar

import numpy as np

from endcap_reranker.arrays import Floats

Parameters: TypeAlias = Mapping[str, Floats]

Value = TypeVar("Value")


def part(parameters: Mapping[str, Value], name: str) -> dict[str, Value]:
    """Those under `name.`, without it."""
    start = f"{name}."
    return {key[len(start) :]: value for key, value in parameters.items() if key.startswith(start)}


def under(name: str, parameters: Mapping[str, Value]) -> dict[str, Value]:
    """The opposite of `part`."""
    return {f"{name}.{key}": value for key, value in parameters.items()}


def draw(random: np.random.Generator, *shape: int, deviation: float | None = None) -> Floats:
    """Normal values; without a deviation that of Glorot and Bengio (AISTATS 2010)."""
    spread = (2 / (shape[0] + shape[-1])) ** 0.5 if deviation is None else deviation
    return (random.standard_normal(shape) * spread).astype(np.float32)


def zeros(*shape: int) -> Floats:
    return np.zeros(shape, np.float32)


def ones(*shape: int) -> Floats:
    return np.ones(shape, np.float32)
