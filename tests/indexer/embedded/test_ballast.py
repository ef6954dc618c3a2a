from hypothesis import given
from hypothesis import strategies as st

from endcap_indexer.embedded.ballast import MAX_DOCUMENTS, Ballast, choose_ballast


def test_the_ballast_of_a_field_that_all_documents_have() -> None:
    """7 tokens in 3 documents: only with 3 more documents are 7 more tokens the same average."""
    assert choose_ballast(3, {"a": 7}, {"a": 7 / 3}) == Ballast(3, {"a": 7})


def test_the_ballast_of_a_field_that_some_documents_have() -> None:
    """6 tokens in 2 of 3 documents: an average of 3 over 4 documents needs 12."""
    assert choose_ballast(3, {"a": 6}, {"a": 3.0}) == Ballast(1, {"a": 6})


def test_one_ballast_for_several_fields() -> None:
    ballast = choose_ballast(4, {"a": 9, "b": 5}, {"a": 9 / 4, "b": 5 / 2})
    total = 4 + ballast.documents
    assert (9 + ballast.padding["a"]) / total == 9 / 4
    assert (5 + ballast.padding["b"]) / total == 5 / 2


@given(
    st.integers(1, 5000),
    st.dictionaries(
        st.sampled_from("abcd"), st.tuples(st.integers(1, 5000), st.integers(1, 40)), min_size=1
    ),
)
def test_averages_come_out_within_a_token(
    documents: int, fields: dict[str, tuple[int, int]]
) -> None:
    having = {name: min(documents, count) for name, (count, _) in fields.items()}
    tokens = {
        name: having[name] * length - having[name] // 3 for name, (_, length) in fields.items()
    }
    averages = {name: tokens[name] / having[name] for name in fields}
    ballast = choose_ballast(documents, tokens, averages)
    assert 1 <= ballast.documents <= MAX_DOCUMENTS
    total = documents + ballast.documents
    for name, padding in ballast.padding.items():
        assert padding >= 1
        assert abs(tokens[name] + padding - averages[name] * total) <= 1
