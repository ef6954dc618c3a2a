"""The user-item model: one item side, and a choice of encoders, interactions and losses."""

from endcap_reranker.models.calibration import ColdCalibration
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.encoders import ENCODERS
from endcap_reranker.models.matching import INTERACTIONS
from endcap_reranker.models.model import UserItemModel

__all__ = ["ENCODERS", "INTERACTIONS", "ColdCalibration", "ModelConfiguration", "UserItemModel"]
