"""What a user-item model is made of: three choices and a few sizes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from endcap_reranker.exceptions import ModelError


@dataclass(frozen=True)
class ModelConfiguration:
    """Names as in the tables ENCODERS, INTERACTIONS and LOSSES; raises ModelError.

    attributes: names of numeric product columns that the item side reads. A model that has neither
    text nor attributes knows the items of its training only.
    """

    encoder: str = "attention"
    interaction: str = "dot"
    loss: str = "sampled-softmax"
    dimension: int = 64  # of item vectors and shopper states
    history_length: int = 50  # events that count, the most recent ones
    text_dimension: int = 0  # of the text vectors; 0: none are read
    attributes: tuple[str, ...] = ()
    blocks: int = 1  # of self-attention
    heads: int = 1
    hidden: int = 64  # units of the MLP

    def __post_init__(self) -> None:
        for name in ("dimension", "history_length", "blocks", "heads", "hidden"):
            if getattr(self, name) < 1:
                raise ModelError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if self.text_dimension < 0:
            raise ModelError(f"text_dimension must be 0 or more, not {self.text_dimension}")
        if self.dimension % self.heads:
            raise ModelError(f"dimension {self.dimension} does not divide by {self.heads} heads")

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `from_json` reads them."""
        return asdict(self) | {"attributes": list(self.attributes)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ModelConfiguration":
        """Raises ModelError for a name or a value that is none of a configuration."""
        known = {field.name: type(field.default) for field in fields(cls)}
        if unknown := sorted(values.keys() - known.keys()):
            raise ModelError(f"no part of a model's configuration: {', '.join(unknown)}")
        plain = {**values, "attributes": tuple(values.get("attributes", ()))}
        for name, value in plain.items():
            if type(value) is not known[name]:
                raise ModelError(f"{name} must be of type {known[name].__name__}, not {value!r}")
        return cls(**plain)
