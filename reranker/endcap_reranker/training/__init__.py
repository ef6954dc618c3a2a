"""From events to a user-item model. Needs the extra `train`: torch is imported where it is used."""

from endcap_reranker.training.checkpoints import Checkpoint
from endcap_reranker.training.configuration import TrainingConfiguration
from endcap_reranker.training.growth import joint_item_ids
from endcap_reranker.training.losses import LOSSES
from endcap_reranker.training.run import Progress
from endcap_reranker.training.training import Trained, continue_training, train

__all__ = [
    "LOSSES",
    "Checkpoint",
    "Progress",
    "Trained",
    "TrainingConfiguration",
    "continue_training",
    "joint_item_ids",
    "train",
]
