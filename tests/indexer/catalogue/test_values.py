import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap_indexer.catalogue import values
from endcap_indexer.catalogue.values import WrongValue

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)
READERS = [
    values.read_id,
    values.read_title,
    values.read_text,
    values.read_keyword,
    values.read_category,
    values.read_number,
    values.read_positive,
    values.read_boolean,
    values.read_date,
    values.read_object,
    values.read_vector,
]


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (values.read_id, "B00-1", "B00-1"),
        (values.read_id, " 7 ", "7"),
        (values.read_id, 7, "7"),
        (values.read_id, "é" * 256, "é" * 256),
        (values.read_title, "<b>Tea</b> &amp; cups", "Tea & cups"),
        (values.read_title, 1984, "1984"),
        (values.read_text, "a<br>b", "a b"),
        (values.read_text, 17, "17"),
        (values.read_text, ["a&amp;b", ["c ", None], 1.5], ["a&b", ["c"], "1.5"]),
        (values.read_keyword, "Tea &amp; Co", "Tea & Co"),
        (values.read_keyword, [12, "a"], ["12", "a"]),
        (values.read_category, "Home > Tea &amp; Coffee >  Cups", ["Home", "Tea & Coffee", "Cups"]),
        (values.read_category, "Cups", "Cups"),
        (values.read_category, [["Home", "Cups "], ["Gifts"]], [["Home", "Cups"], ["Gifts"]]),
        (values.read_number, 3, 3),
        (values.read_number, -2.5, -2.5),
        (values.read_number, "12.99", 12.99),
        (values.read_positive, 0, 0),
        (values.read_positive, "1e3", 1000.0),
        (values.read_boolean, False, False),
        (values.read_boolean, "True", True),
        (values.read_date, "2024-02-29", "2024-02-29"),
        (values.read_date, "2024-05-31T09:30:00Z", "2024-05-31T09:30:00Z"),
        (values.read_date, "2024-05-31T09:30:00.125+02:00", "2024-05-31T09:30:00.125+02:00"),
        (values.read_date, 1717147800000, 1717147800000),
        (values.read_object, {"a": [1]}, {"a": [1]}),
    ],
)
def test_a_right_value(read, value, expected):
    found = read(value)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        (values.read_id, "  ", "is empty; every product needs an id"),
        (values.read_id, True, "True is no id; write text or a whole number"),
        (values.read_id, 7.0, "7.0 is no id"),
        (values.read_id, ["7"], "['7'] is no id"),
        (values.read_id, "é" * 257, "is longer than 512 bytes"),
        (values.read_title, "<br>&nbsp;", "is empty; every product needs a title"),
        (values.read_title, ["Tea"], "['Tea'] is no title; write text"),
        (values.read_title, False, "False is no title"),
        (values.read_text, {"en": "Tea"}, "is an object; name the field under catalogue.objects"),
        (values.read_text, True, "True is no text"),
        (values.read_text, ["a", {"b": "c"}], "is an object"),
        (values.read_keyword, "x" * 8192, "is longer than 8191 characters"),
        (values.read_keyword, ["a", "x" * 8192], "is longer than 8191 characters"),
        (values.read_number, "EUR 3", "'EUR 3' is no number; write one such as 12.99"),
        (values.read_number, True, "True is no number"),
        (values.read_number, [3], "[3] is no number"),
        (values.read_number, math.nan, "nan is not finite; leave the field out"),
        (values.read_number, "inf", "inf is not finite"),
        (values.read_number, "NaN", "nan is not finite"),
        (values.read_positive, -1, "-1 is negative; write 0 or more"),
        (values.read_positive, "-0.5", "-0.5 is negative"),
        (values.read_boolean, "yes", "'yes' is no boolean; write true or false"),
        (values.read_boolean, 1, "1 is no boolean"),
        (values.read_date, "31.05.2024", "'31.05.2024' is no date; write one such as 2024-05-31"),
        (values.read_date, "2023-02-29", "'2023-02-29' is no day of the calendar"),
        (values.read_date, "2024-05-31 09:30", "is no date"),
        (values.read_date, True, "True is no date"),
        (values.read_object, "red", "'red' is no object; name the field under catalogue.text"),
        (values.read_vector, [], "[] is no vector; write a list of numbers"),
        (values.read_vector, "1,2", "'1,2' is no vector"),
        (values.read_vector, [1.0, True], "is no vector"),
        (values.read_vector, [0, 0.0], "is zero everywhere"),
        (values.read_vector, [1.0, math.nan], "has a number that is not finite"),
        (values.read_vector, [1.0, math.inf], "has a number that is not finite"),
        (values.read_number, "9" * 100 + "x", "'" + "9" * 36 + "… is no number"),
    ],
)
def test_a_wrong_value_says_what_to_write(read, value, said):
    with pytest.raises(WrongValue) as raised:
        read(value)
    assert said in str(raised.value)


@pytest.mark.parametrize("read", READERS)
@given(value=JSON)
def test_any_value_is_read_or_is_a_wrong_value(read, value):
    try:
        read(value)
    except WrongValue as wrong:
        assert str(wrong)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1).filter(any))
def test_a_vector_has_unit_length_whatever_its_scale(numbers):
    vector = values.read_vector(numbers)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector.astype(np.float64)) == pytest.approx(1, abs=1e-6)


def test_a_vector_keeps_its_direction():
    assert values.read_vector([3, 4]).tolist() == pytest.approx([0.6, 0.8])


def test_words_are_the_text_among_free_attributes():
    attributes = {
        "t_type": "Original &amp; new",
        "n_pack": 6.0,
        "b_new": True,
        "colours": ["red", "blue"],
        "size": {"label": "large", "cm": 12},
        "none": None,
    }
    assert values.words_of(attributes) == "Original & new red blue large"


def test_flatten_walks_lists_and_objects_in_order():
    assert list(values.flatten([["a", ["b"]], {"x": "c", "y": [1, None]}])) == ["a", "b", "c", 1]
