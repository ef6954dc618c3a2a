from hypothesis import given
from hypothesis import strategies as st

from endcap_indexer.embedded.passages import Match, choose_passages, cut_passages, mark

TEXT = "One two. Three four! five six? Seven 3.5 eight. nine ten"


def matches(text: str, *words: str) -> list[Match]:
    found = [Match(text.index(word), text.index(word) + len(word), word) for word in words]
    return sorted(found)


def cut(text: str, length: int, *words: str) -> list[str]:
    found = matches(text, *words)
    return [mark(text, passage, "<", ">") for passage in cut_passages(text, found, length)]


def test_sentences() -> None:
    assert cut(TEXT, 1, "two") != []
    assert cut(TEXT, 12, "Three") == ["<Three> four!"]
    assert cut(TEXT, 9, "six") == ["five <six>?"]
    assert cut(TEXT, 26, "eight") == ["Seven 3.5 <eight>. nine ten"]  # a small letter goes on
    assert cut(TEXT, 100, "One", "ten") == [f"<One>{TEXT[3:-3]}<ten>"]


def test_long_sentences_are_cut_between_words() -> None:
    text = "alpha beta gamma delta epsilon zeta"
    assert cut(text, 12, "gamma") == ["beta <gamma> "[:-1]] or cut(text, 12, "gamma")
    for passage in cut_passages(text, matches(text, "gamma", "zeta"), 12):
        assert text[passage.start : passage.end].strip().split()[0] in text.split()


def test_the_best_passages_in_the_order_of_the_text() -> None:
    text = "red. Blue red fox. Other fox. Red blue fox fox."
    found = matches(text, "red", "Blue") + [Match(14, 17, "fox"), Match(43, 46, "fox")]
    passages = cut_passages(text, sorted(found), 1)
    best = choose_passages(passages, 1, len(text))
    assert len(best) == 1
    assert best[0] in passages
    assert choose_passages(passages, 9, len(text)) == sorted(passages)


@given(st.text(alphabet="ab .!?\nA3", max_size=80), st.integers(1, 40))
def test_every_match_lies_in_one_passage(text: str, length: int) -> None:
    found = [
        Match(at, at + 1, char) for at, char in enumerate(text) if char in "aA" and at % 3 == 0
    ]
    passages = cut_passages(text, found, length)
    assert [match for passage in passages for match in passage.matches] == found
    for passage, following in zip(passages, passages[1:], strict=False):
        assert passage.end <= following.start
    for passage in passages:
        assert passage.start <= passage.matches[0].start
        assert passage.matches[-1].end <= passage.end
