"""How a model is trained."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from endcap_reranker.exceptions import ModelError


@dataclass(frozen=True)
class TrainingConfiguration:
    """Raises ModelError. The dropouts are those of the published runs of SASRec with a sampled
    softmax on reviews of goods; longer steps with more negatives need a third of the epochs.
    """

    epochs: int = 100  # at most
    patience: int = 3  # epochs without a better validation NDCG@10 that end the training
    learning_rate: float = 3e-3  # of Adam
    weight_decay: float = 0.0
    averaging: float = 0.995  # decay, by step, of the mean of the parameters that is the model
    batch_events: int = 2048  # padded
    dropout: float = 0.2
    id_dropout: float = 0.2
    negatives: int = 1024  # shared by a batch; full softmax takes none
    popularity_exponent: float = 0.5  # negatives are drawn by count^exponent; 0: evenly
    validation_share: float = 0.1  # of the time, where events have times
    validation_users: int = 5_000  # at most
    refit: bool = True  # anew on all events, for as many epochs as the validation found best
    seed: int = 0
    device: str = "auto"  # "cuda" where there is one, else "cpu"

    def __post_init__(self) -> None:
        for name in ("epochs", "patience", "batch_events", "negatives", "validation_users"):
            if getattr(self, name) < 1:
                raise ModelError(f"{name} must be 1 or more, not {getattr(self, name)}")
        for name in ("dropout", "id_dropout", "validation_share", "averaging"):
            if not 0 <= getattr(self, name) < 1:
                raise ModelError(f"{name} must be from 0 to below 1, not {getattr(self, name)}")
        if not self.learning_rate > 0:
            raise ModelError(f"learning_rate must be above 0, not {self.learning_rate}")

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `from_json` reads them."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TrainingConfiguration":
        """Raises ModelError for a name or a value that is none of a configuration."""
        known = {field.name: type(field.default) for field in fields(cls)}
        if unknown := sorted(values.keys() - known.keys()):
            raise ModelError(f"no part of a training's configuration: {', '.join(unknown)}")
        for name, value in values.items():
            if type(value) is not known[name] and not (known[name] is float and type(value) is int):
                raise ModelError(f"{name} must be of type {known[name].__name__}, not {value!r}")
        return cls(**values)
