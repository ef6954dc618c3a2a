import pytest

from endcap_indexer.embedded.arguments import minimum_matches
from endcap_indexer.embedded.errors import RequestError


@pytest.mark.parametrize(
    ("specification", "clauses", "needed"),
    [
        (2, 5, 2),
        ("2", 1, 2),
        (-1, 5, 4),
        (-9, 5, 0),
        ("75%", 5, 3),
        ("75%", 4, 3),
        ("-25%", 5, 4),
        ("-25%", 3, 3),
        ("100%", 3, 3),
        ("0%", 3, 0),
        ("2<75%", 2, 2),
        ("2<75%", 4, 3),
        ("2<-25% 9<-3", 2, 2),
        ("2<-25% 9<-3", 9, 7),
        ("2<-25% 9<-3", 12, 9),
    ],
)
def test_minimum_matches(specification: int | str, clauses: int, needed: int) -> None:
    assert minimum_matches(specification, clauses) == needed


def test_refuse() -> None:
    with pytest.raises(RequestError) as raised:
        minimum_matches("most", 3)
    assert raised.value.type == "search_phase_execution_exception"
