import numpy as np
import tantivy
from hypothesis import given
from hypothesis import strategies as st

from endcap_indexer.embedded.ranking import SAME, Hit, order_ties

ADDRESS = tantivy.DocAddress(0, 0)


def order(pairs: list[tuple[int, float]]) -> list[int]:
    return [hit.seq_no for hit in order_ties([Hit(seq, ADDRESS, score) for seq, score in pairs])]


def test_rounding_errors_are_ties() -> None:
    just_below = 1.0 - SAME / 2
    assert order([(9, 2.0), (5, 1.0), (3, just_below), (4, 0.5)]) == [9, 3, 5, 4]
    assert order([(5, 1.0), (3, 1.0 - 2 * SAME)]) == [5, 3]
    assert order([(5, 0.0), (3, 0.0), (1, -1.0)]) == [3, 5, 1]
    assert order([(5, 1.0)]) == [5]
    assert order([]) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 99), st.integers(0, 3)), max_size=30, unique_by=lambda x: x[0]
    )
)
def test_the_order_is_by_score_then_by_writing(pairs: list[tuple[int, int]]) -> None:
    ranked = sorted(((seq, float(score)) for seq, score in pairs), key=lambda pair: -pair[1])
    expected = sorted(ranked, key=lambda pair: (-pair[1], pair[0]))
    assert order(ranked) == [seq for seq, _ in expected]
    assert np.all(np.diff([score for _, score in expected]) <= 0)
