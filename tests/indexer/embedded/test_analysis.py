"""Tokens as Lucene's StandardTokenizer and English analyzer make them, by their rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.stem.porter import PorterStemmer

from endcap_indexer.embedded.analysis import HOLE, STOP_WORDS, analyze, tokens


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" - !? ", []),
        ("Red SHOES", ["red", "shoes"]),
        ("don't o'clock's", ["don't", "o'clock's"]),
        ("3.5 1,000 10.1.2 3.a a.3", ["3.5", "1,000", "10.1.2", "3", "a", "a", "3"]),
        ("www.example.com", ["www.example.com"]),
        ("a:b 1:2", ["a:b", "1", "2"]),  # a colon joins letters, not digits
        ("_under_ __init__ _ a_1", ["_under_", "__init__", "a_1"]),
        ("wi-fi/usb+c", ["wi", "fi", "usb", "c"]),
        ("i7-9700K 4x4 R2D2", ["i7", "9700k", "4x4", "r2d2"]),
        ("Straße ÉCOLE", ["straße", "école"]),
        ("İstanbul", ["istanbul"]),  # one code point becomes one: the dot is not kept
        ("naïve", ["naïve"]),
        ("cafe\u0301s", ["cafe\u0301s"]),  # a combining accent belongs to its letter
        ("soft\u00adhyphen", ["soft\u00adhyphen"]),
        ("Intel® Core™", ["intel", "®", "core", "™"]),
        ("日本語", ["日", "本", "語"]),
        ("ひらがな", ["ひ", "ら", "が", "な"]),
        ("カタカナ テスト", ["カタカナ", "テスト"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("שלום", ["שלום"]),
        ('צה"ל', ['צה"ל']),
        ("ก็ดี", ["ก็ดี"]),
        ("１２３", ["１２３"]),
        ("👍 👍🏽 👩‍👩‍👧 🇩🇪🇫🇷", ["👍", "👍🏽", "👩‍👩‍👧", "🇩🇪", "🇫🇷"]),
        ("1️⃣ #️⃣", ["1️⃣", "#️⃣"]),
    ],
)
def test_standard(text: str, words: list[str]) -> None:
    assert analyze("standard", text) == words


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("running shoes", ["run", "shoe"]),
        ("The end of the line", [HOLE, "end", HOLE, HOLE, "line"]),
        ("dog's DOG’S dogs' it's", ["dog", "dog", "dog", HOLE]),
        ("caresses ponies ties cats", ["caress", "poni", "ti", "cat"]),
        ("feed agreed plastered motoring", ["feed", "agre", "plaster", "motor"]),
        ("hopping falling hissing fizzed failing", ["hop", "fall", "hiss", "fizz", "fail"]),
        ("happy sky", ["happi", "sky"]),
        ("relational digitizer callousness", ["relat", "digit", "callous"]),
        ("analogical geology", ["analog", "geologi"]),
        ("s's", ["s"]),
    ],
)
def test_english(text: str, terms: list[str]) -> None:
    assert analyze("english", text) == terms


def test_every_stop_word_leaves_a_hole() -> None:
    assert len(STOP_WORDS) == 33
    assert set(analyze("english", " ".join(STOP_WORDS).upper())) == {HOLE}
    assert HOLE not in analyze("standard", " ".join(STOP_WORDS))


def test_a_token_ends_after_255_characters() -> None:
    assert [len(word) for word in analyze("standard", "x" * 600 + " y")] == [255, 255, 90, 1]
    assert [(one.start, one.end) for one in tokens("standard", "é" * 300)] == [(0, 255), (255, 300)]


TEXTS = st.text(
    alphabet=st.one_of(
        st.characters(codec="ascii"),
        st.characters(),
        st.sampled_from("'.:,_\"\u200d\ufe0f\u2019®™é日ひカ한ש\u0301🇩🇪👍"),
    ),
    max_size=60,
)


@given(TEXTS)
def test_tokens_are_where_they_say(text: str) -> None:
    found = list(tokens("standard", text))
    assert [token.term for token in found] == analyze("standard", text)
    assert [token.term for token in tokens("english", text)] == analyze("english", text)
    end = 0
    for token in found:
        assert end <= token.start < token.end <= len(text)
        assert len(token.term) == token.end - token.start
        end = token.end


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=60))
def test_ascii_is_cut_by_the_same_rules(text: str) -> None:
    """A letter that is not ASCII, set apart, takes the other path through the tokenizer."""
    assert analyze("standard", f"{text} é")[:-1] == analyze("standard", text)


@given(TEXTS)
def test_no_term_holds_white_space(text: str) -> None:
    """Terms are joined by spaces when they are indexed."""
    for term in analyze("english", text) + analyze("standard", text):
        assert term.split() in ([term], [])


@given(st.text(min_size=1).filter(lambda word: not "a" <= word[-1] <= "z"))
def test_a_word_that_ends_in_no_letter_has_no_suffix(word):
    """Why the stemmer is spared such words."""
    stemmer = PorterStemmer(mode=PorterStemmer.MARTIN_EXTENSIONS)
    assert stemmer.stem(word, to_lowercase=False) == word
