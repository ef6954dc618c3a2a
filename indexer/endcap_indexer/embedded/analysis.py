"""Lucene's `standard` and `english` analysis.

The tokenizer is Unicode's word segmentation (UAX 29) as Lucene's StandardTokenizer implements it:
emoji are tokens, ``:`` joins letters, a token ends after 255 characters. English adds the
possessive filter, Lucene's 33 stop words, which leave holes in the positions, and Porter's stemmer.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any, NamedTuple

import regex

MAX_TOKEN_LENGTH = 255
HOLE = ""  # the term of a position that a stop word has left
STOP_WORDS = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the their then"
    " there these they this to was will with".split()
)


class Token(NamedTuple):
    term: str  # HOLE: a stop word
    start: int  # character offsets into the text
    end: int


def analyze(analyzer: str, text: str) -> list[str]:
    """The term of each position, ``HOLE`` for a stop word; ``analyzer`` is standard or english."""
    return [_FILTERS[analyzer](token) for token in _words(text)]


def tokens(analyzer: str, text: str) -> Iterator[Token]:
    """The terms with their places in the text, stop words included."""
    to_term = _FILTERS[analyzer]
    for found in _pattern(text).finditer(text):
        for start in range(found.start(), found.end(), MAX_TOKEN_LENGTH):
            end = min(start + MAX_TOKEN_LENGTH, found.end())
            yield Token(to_term(text[start:end]), start, end)


def _words(text: str) -> list[str]:
    words: list[str] = _pattern(text).findall(text)
    if not words or len(max(words, key=len)) <= MAX_TOKEN_LENGTH:
        return words
    return [
        word[start : start + MAX_TOKEN_LENGTH]
        for word in words
        for start in range(0, len(word), MAX_TOKEN_LENGTH)
    ]


def _lower(token: str) -> str:
    """As Java's Character.toLowerCase: one code point becomes one code point."""
    return token.lower() if token.isascii() else "".join(char.lower()[0] for char in token)


@lru_cache(maxsize=1 << 19)
def _english(token: str) -> str:
    term = _lower(_without_possessive(token))
    if term in STOP_WORDS:
        return HOLE
    # Every suffix that Porter's rules take off ends in a letter: half of a shop's words, which are
    # model numbers and sizes, need no stemmer.
    return _stemmer().stem(term, to_lowercase=False) if "a" <= term[-1] <= "z" else term


@cache
def _stemmer() -> Any:
    """Imported at the first English word: nltk takes seconds, most processes never need it."""
    from nltk.stem.porter import PorterStemmer

    return PorterStemmer(mode=PorterStemmer.MARTIN_EXTENSIONS)


def _without_possessive(token: str) -> str:
    ends = len(token) > 1 and token[-1] in "sS" and token[-2] in "'\u2019\uff07"
    return token[:-2] if ends else token


_FILTERS: dict[str, Callable[[str], str]] = {"standard": _lower, "english": _english}


def _ascii_pattern() -> re.Pattern[str]:
    """The same grammar on ASCII alone: twice as fast."""
    number = r"[0-9]+(?:(?:_+|['.,;])[0-9]+)*"
    letters = r"[A-Za-z]+(?:(?:_+|['.:])[A-Za-z]+)*"
    run = f"(?:{number}|{letters})+"
    return re.compile(f"_*{run}(?:_+{run})*_*")


def _unicode_pattern() -> "regex.Pattern[str]":
    """The rules of UAX 29 by their numbers, over classes of the Word_Break property."""

    def spanning(characters: str) -> str:  # WB4: what follows a character and extends it
        return rf"(?:{characters}[\p{{WB=Format}}\p{{WB=Extend}}\p{{WB=ZWJ}}]*+)"

    joiner = spanning(r"\p{WB=ExtendNumLet}")
    katakana = spanning(r"\p{WB=Katakana}")
    digit = spanning(r"[\p{WB=Numeric}\uFF10-\uFF19]")
    letter = spanning(r"[\p{WB=ALetter}\p{WB=Hebrew_Letter}]")
    # ':' left MidLetter in a later Unicode than Lucene's
    mid_letter = spanning(r"[\p{WB=MidLetter}\p{WB=MidNumLet}\p{WB=Single_Quote}:]")
    mid_number = spanning(r"[\p{WB=MidNum}\p{WB=MidNumLet}\p{WB=Single_Quote}]")
    after_hebrew = r"(?<=\p{WB=Hebrew_Letter})"
    quote = spanning(r"\p{WB=Single_Quote}")
    double_quote = spanning(r"\p{WB=Double_Quote}")
    hebrew_quote = f"(?:{after_hebrew}{quote})?"  # WB7a
    inner_quote = rf"{after_hebrew}{double_quote}(?=\p{{WB=Hebrew_Letter}})"  # WB7b, 7c
    numbers = f"{digit}(?:(?:{joiner}*|{mid_number}){digit})*"  # WB8, 11, 12
    letters = f"{letter}(?:(?:{joiner}*|{mid_letter}|{inner_quote}){letter})*{hebrew_quote}"
    core = f"(?:{katakana}(?:{joiner}*{katakana})*|(?:{numbers}|{letters})+)"  # WB5 to 13
    word = f"{joiner}*{core}(?:{joiner}+{core})*{joiner}*"
    south_east_asian = spanning(r"\p{LB=Complex_Context}") + "+"
    ideographs = "|".join(spanning(rf"\p{{Script={script}}}") for script in ("Han", "Hiragana"))
    return regex.compile(f"(?V1){word}|{south_east_asian}|{ideographs}|{_emoji_pattern(spanning)}")


def _emoji_pattern(spanning: Callable[[str], str]) -> str:
    flag = spanning(r"[\U0001F1E6-\U0001F1FF]")
    picture = (
        spanning(r"[[\p{Extended_Pictographic}\p{Emoji}]--[0-9#*\U0001F1E6-\U0001F1FF]]")
        + "(?:"
        + spanning(r"[\U0001F3FB-\U0001F3FF]")
        + ")?"
    )
    sequence = rf"\u200d*{picture}(?:(?<=\u200d){picture})*"
    keycap = r"[0-9#*]\uFE0F?\u20E3"
    return f"{flag}{flag}|{sequence}|{keycap}"


_ASCII = _ascii_pattern()
_UNICODE = _unicode_pattern()


def _pattern(text: str) -> "re.Pattern[str] | regex.Pattern[str]":
    return _ASCII if text.isascii() else _UNICODE
