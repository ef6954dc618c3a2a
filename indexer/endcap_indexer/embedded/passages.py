"""The best passages of a text around its matches, as Lucene's unified highlighter cuts them.

Passages are whole sentences up to a length, or words of one sentence that is longer; the best by a
BM25 of passages are kept, in the order of the text.
"""

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import regex

K1, B, PIVOT = 1.2, 0.75, 87.0  # of Lucene's PassageScorer; lengths are characters
SENTENCE_END = regex.compile(  # a full stop ends none before a small letter or a digit
    r"""\.+["')\]}»”’]*\s+(?![\p{Ll}\p{Nd}\s])|[!?…。]+["')\]}»”’]*\s*|[\n\u2029]+"""
)
WORD = regex.compile(
    r"(?:[\p{L}\p{M}\p{Nd}]|(?<=\p{L})[-_'.’](?=\p{L})|(?<=\p{Nd})[.,](?=\p{Nd}))+|.", regex.DOTALL
)


class Match(NamedTuple):
    start: int
    end: int
    term: str


class Passage(NamedTuple):
    start: int
    end: int
    matches: tuple[Match, ...]


def cut_passages(text: str, matches: Sequence[Match], length: int) -> list[Passage]:
    """Passages of about ``length`` characters that together hold every match, in text order."""
    sentences = _sentence_breaks(text)
    words = [0, *(found.end() for found in WORD.finditer(text))]
    passages: list[Passage] = []
    window = (-1, -1)
    end = 0
    for match in matches:
        if passages and match.start < end:
            last = passages[-1]
            passages[-1] = last._replace(matches=(*last.matches, match))
            continue
        start, end, window = _around(match.start + 1, length, sentences, words, window, end)
        start = max(start, passages[-1].end if passages else 0)
        passages.append(Passage(start, end, (match,)))
    return passages


def choose_passages(passages: Sequence[Passage], most: int, length: int) -> list[Passage]:
    """The ``most`` best passages of a field that is ``length`` characters long, in text order."""
    frequencies = Counter(match.term for passage in passages for match in passage.matches)
    scored = [
        (-_score(passage, frequencies, length), passage.start, passage) for passage in passages
    ]
    best = sorted(scored)[:most]
    return sorted((passage for _, _, passage in best), key=lambda passage: passage.start)


def mark(text: str, passage: Passage, before: str, after: str) -> str:
    """The passage's text with its matches tagged, without the space around it."""
    parts, position = [], passage.start
    for match in passage.matches:
        if match.start < position:
            continue
        parts += [text[position : match.start], before, text[match.start : match.end], after]
        position = match.end
    parts.append(text[position : max(passage.end, position)])
    return "".join(parts).strip()


def _sentence_breaks(text: str) -> list[int]:
    breaks = [0, *(found.end() for found in SENTENCE_END.finditer(text))]
    return breaks if breaks[-1] == len(text) else [*breaks, len(text)]


def _around(
    offset: int,
    length: int,
    sentences: Sequence[int],
    words: Sequence[int],
    window: tuple[int, int],
    last_end: int,
) -> tuple[int, int, tuple[int, int]]:
    """Start and end of the passage before ``offset``, and the run of sentences it lies in."""
    if window[0] < offset < window[1]:
        start, end = last_end, window[1]
    else:
        start = sentences[bisect_left(sentences, offset) - 1]
        position = bisect_right(sentences, offset - 1)
        while position + 1 < len(sentences) and sentences[position + 1] - start <= length:
            position += 1
        end = sentences[position]
        window = (start, end)
    if end - start > length:
        if offset - length > start:
            start = max(start, words[bisect_left(words, offset - length) - 1])
        remaining = max(0, length - (offset - start))
        if offset + remaining < window[1]:
            end = words[bisect_right(words, offset + remaining)]
    return start, end, window


def _score(passage: Passage, frequencies: Counter[str], length: int) -> float:
    documents = 1 + length / PIVOT
    size = passage.end - passage.start
    total = 0.0
    for term, count in Counter(match.term for match in passage.matches).items():
        weight = (K1 + 1) * math.log(1 + (documents + 0.5) / (frequencies[term] + 0.5))
        total += weight * count / (count + K1 * ((1 - B) + B * size / PIVOT))
    return total * (1 + 1 / math.log(PIVOT + passage.start))
