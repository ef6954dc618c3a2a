"""What `endcap tune` chooses: boosts, floor, and the weights of the fusion and of the blend."""

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from endcap.exceptions import ArtefactError

LEGS = ("lexical", "text")
COLUMNS = (*LEGS, "history", "cooccurrence", "popularity", "model")


@dataclass(frozen=True, slots=True)
class Tuning:
    """One configuration for every query.

    boosts: of the text fields, by name; empty: as the catalogue says. floor: the least cosine with
    which a product that only the vector leg found is shown. fusion: the weights of the two legs,
    which alone decide when nothing is re-ranked. weights: of the blend's columns.
    """

    boosts: Mapping[str, float] = field(default_factory=dict)
    floor: float = 0.4
    fusion: Mapping[str, float] = field(default_factory=lambda: {"lexical": 0.6, "text": 0.4})
    weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "lexical": 0.6,
            "text": 0.4,
            "history": 0.05,
            "cooccurrence": 0.15,
            "popularity": 0.05,
            "model": 0.05,
        }
    )

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """What is not said is as by default; raises `ArtefactError` that names what is not
        understood.
        """
        try:
            given = json.loads(content)
        except ValueError as error:
            raise ArtefactError(f"the tuning is not JSON: {error}") from error
        known = {each.name for each in fields(cls)}
        if not isinstance(given, dict) or not given.keys() <= known:
            raise ArtefactError(f"a tuning has {', '.join(sorted(known))} and nothing else")
        tuning = cls(**given)
        _check_weights("boosts", tuning.boosts)
        _check_weights("fusion", tuning.fusion, LEGS)
        _check_weights("weights", tuning.weights, COLUMNS)
        if not _is_number(tuning.floor) or not -1 <= tuning.floor <= 1:
            raise ArtefactError(f"floor is {tuning.floor!r}; it takes a cosine, -1 to 1")
        return tuning


def _check_weights(name: str, weights: Any, known: Collection[str] | None = None) -> None:
    """`known`: the columns, of which there must be some; None: any field, or none."""
    if not isinstance(weights, dict) or (known and not weights):
        raise ArtefactError(f"{name} is {weights!r}; it takes numbers by name")
    for key, weight in weights.items():
        if known and key not in known:
            raise ArtefactError(f"{name}.{key} is unknown; it takes {', '.join(known)}")
        if not _is_number(weight) or weight < 0:
            raise ArtefactError(f"{name}.{key} is {weight!r}; it takes a number from 0")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
