"""What `endcap tune` chooses: boosts, floor, and the weights of the fusion and of the blend."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from endcap.exceptions import ArtefactError

COLUMNS = ("lexical", "text", "history", "cooccurrence", "popularity")


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
            "history": 0.1,
            "cooccurrence": 0.15,
            "popularity": 0.05,
        }
    )

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Raises `ArtefactError` that names what is not understood."""
        try:
            given = json.loads(content)
        except ValueError as error:
            raise ArtefactError(f"the tuning is not JSON: {error}") from error
        known = {each.name for each in fields(cls)}
        if not isinstance(given, dict) or not given.keys() <= known:
            raise ArtefactError(f"a tuning has {', '.join(sorted(known))} and nothing else")
        for name in ("fusion", "weights", "boosts"):
            _check_numbers(name, given.get(name, {}))
        _check_numbers("tuning", {"floor": given.get("floor", 0.0)})
        return cls(**given)


def _check_numbers(name: str, numbers: Any) -> None:
    for key, number in numbers.items():
        if not isinstance(number, (int, float)) or not math.isfinite(number):
            raise ArtefactError(f"{name}.{key} is {number!r}; it takes a number")
