"""The errors of the re-ranker.

RerankerError
├── ShapeError          (ValueError)  an array is of another shape or type than it must be
├── ColumnError         (ValueError)  scorers and the weights of a blend do not fit together
├── InteractionsError   (ValueError)  events that make no history
├── ArtefactError       (ValueError)  tensors that are not what was written
├── ModelError          (ValueError)  choices that make no user-item model
└── FittingError        (ValueError)  searches from which no weights can be fitted
"""


class RerankerError(Exception):
    """Every error of this package."""


class ShapeError(RerankerError, ValueError):
    """An array has another shape or type than its neighbours need; the message names the array."""


class ColumnError(RerankerError, ValueError):
    """A scorer without a weight, two of one name, or a weight that is no weight."""


class InteractionsError(RerankerError, ValueError):
    """Events from which no history can be made."""


class ArtefactError(RerankerError, ValueError):
    """Tensors that lack an array, carry another format, or do not fit together."""


class ModelError(RerankerError, ValueError):
    """A choice that there is not, or choices that do not go together; the message says which."""


class FittingError(RerankerError, ValueError):
    """Searches from which no weights can be fitted."""
