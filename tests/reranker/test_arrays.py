import numpy as np
import pytest

from endcap_reranker import ShapeError
from endcap_reranker.arrays import at_rows, check


def test_a_row_outside_has_the_missing_value():
    values = np.array([5.0, 6.0], np.float32)
    rows = np.array([1, -1, 0, 2], np.int64)
    np.testing.assert_array_equal(at_rows(values, rows, np.nan), [6, np.nan, 5, np.nan])


def test_rows_inside_are_gathered():
    np.testing.assert_array_equal(at_rows(np.array([5, 6], np.int32), np.array([1, 1]), -1), [6, 6])


def test_no_rows_and_no_values():
    assert len(at_rows(np.empty(0, np.float32), np.empty(0, np.int64), 0.0)) == 0
    np.testing.assert_array_equal(at_rows(np.empty(0, np.int32), np.array([0]), -1), [-1])


def test_the_right_array_passes():
    check("lexical", np.zeros((2, 3), np.float32), np.float32, 2, None)


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros(3, np.float32), r"not float32 of shape \(3,\)"),
        (np.zeros((2, 4), np.float32), r"not float32 of shape \(2, 4\)"),
        (np.zeros((2, 3), np.float16), r"not float16 of shape \(2, 3\)"),
    ],
)
def test_the_wrong_array_is_named(array, found):
    with pytest.raises(ShapeError, match=f"vectors must be .*{found}"):
        check("vectors", array, np.float32, 2, 3)


def test_a_list_is_no_array():
    with pytest.raises(ShapeError, match="rows must be a numpy array, not list"):
        check("rows", [1, 2], np.int64, None)


def test_any_length_is_called_any():
    with pytest.raises(ShapeError, match=r"float32 of shape \(2, any\)"):
        check("vectors", np.zeros(2, np.float32), np.float32, 2, None)
