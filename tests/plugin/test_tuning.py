import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap.exceptions import ArtefactError
from endcap.tuning import COLUMNS, LEGS, Tuning

WEIGHT = st.floats(min_value=0, allow_infinity=False)


def numbers(names, **sizes):
    return st.dictionaries(names, WEIGHT, **sizes)


@given(
    st.builds(
        Tuning,
        boosts=numbers(st.text()),
        floor=st.floats(-1, 1),
        fusion=numbers(st.sampled_from(LEGS), min_size=1),
        weights=numbers(st.sampled_from(COLUMNS), min_size=1),
    )
)
def test_a_tuning_comes_back_as_it_was(tuning):
    assert Tuning.from_json(tuning.to_json()) == tuning


def test_what_is_not_said_is_as_by_default():
    assert Tuning.from_json(b"{}") == Tuning()
    assert Tuning.from_json(b'{"floor": 0.5}') == Tuning(floor=0.5)


def test_the_default_is_a_tuning_that_can_be_read():
    assert Tuning().weights.keys() == set(COLUMNS)
    assert Tuning.from_json(Tuning().to_json()) == Tuning()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "a tuning has boosts, floor, fusion, weights and nothing else"),
        ({"flour": 1}, "a tuning has boosts, floor, fusion, weights and nothing else"),
        ({"weights": {"lexcal": 1}}, "weights.lexcal is unknown; it takes lexical, text, history"),
        ({"fusion": {"history": 1}}, "fusion.history is unknown; it takes lexical, text$"),
        ({"weights": {"lexical": -0.1}}, "weights.lexical is -0.1; it takes a number from 0"),
        ({"weights": {"lexical": "1"}}, "weights.lexical is '1'; it takes a number from 0"),
        ({"weights": {"lexical": True}}, "weights.lexical is True; it takes a number from 0"),
        ({"weights": {"lexical": None}}, "weights.lexical is None; it takes a number from 0"),
        ({"weights": {"text": float("nan")}}, "weights.text is nan; it takes a number from 0"),
        ({"boosts": {"title": float("inf")}}, "boosts.title is inf; it takes a number from 0"),
        ({"boosts": {"title": -1}}, "boosts.title is -1; it takes a number from 0"),
        ({"boosts": ["title"]}, "boosts is .* it takes numbers by name"),
        ({"weights": {}}, "weights is {}; it takes numbers by name"),
        ({"fusion": None}, "fusion is None; it takes numbers by name"),
        ({"floor": 1.01}, "floor is 1.01; it takes a cosine, -1 to 1"),
        ({"floor": -2}, "floor is -2; it takes a cosine, -1 to 1"),
        ({"floor": float("nan")}, "floor is nan; it takes a cosine, -1 to 1"),
        ({"floor": "0.4"}, "floor is '0.4'; it takes a cosine, -1 to 1"),
        ({"floor": True}, "floor is True; it takes a cosine, -1 to 1"),
    ],
)
def test_what_cannot_be_used_is_named(given, message):
    with pytest.raises(ArtefactError, match=message):
        Tuning.from_json(json.dumps(given).encode())


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_what_is_no_json_is_refused(content):
    with pytest.raises(ArtefactError, match="not JSON"):
        Tuning.from_json(content)
