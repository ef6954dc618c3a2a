"""Array types, the check at the border, and the one gather."""

from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.exceptions import ShapeError

Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.int64]
Codes: TypeAlias = NDArray[np.int32]

Scalar = TypeVar("Scalar", bound=np.generic)


def check(name: str, array: Any, dtype: type[np.generic], *shape: int | None) -> None:
    """Raise ShapeError unless `array` has this type and shape; None stands for any length."""
    if not isinstance(array, np.ndarray):
        raise ShapeError(f"{name} must be a numpy array, not {type(array).__name__}")
    fits = len(shape) == array.ndim and all(
        wanted is None or wanted == found for wanted, found in zip(shape, array.shape, strict=True)
    )
    if not fits or array.dtype != dtype:
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise ShapeError(
            f"{name} must be {np.dtype(dtype)} of shape ({wanted}), "
            f"not {array.dtype} of shape {array.shape}"
        )


def at_rows(values: NDArray[Scalar], rows: Rows, missing: float) -> NDArray[Scalar]:
    """`values[rows]`; a row outside of `values`, such as -1, has `missing`."""
    inside = (rows >= 0) & (rows < len(values))
    if inside.all():
        return values[rows]
    gathered = np.full(len(rows), missing, values.dtype)
    gathered[inside] = values[rows[inside]]
    return gathered
