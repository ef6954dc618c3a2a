"""Highlighting: which words of a hit the query has found, as the unified highlighter shows them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from .analysis import Token, tokens
from .arguments import not_flag, parsing_error, read_object
from .clauses import Clause, Phrase
from .documents import StoredDocument
from .errors import RequestError, malformed, unsupported
from .fields import Field
from .passages import Match, Passage, choose_passages, cut_passages, mark
from .ranking import Hit
from .snapshots import Snapshot

OPTIONS = {"pre_tags", "post_tags", "number_of_fragments", "fragment_size", "require_field_match",
           "type", "order"}  # fmt: skip
ELSEWHERE = {"boundary_chars", "boundary_max_scan", "boundary_scanner", "boundary_scanner_locale",
             "encoder", "force_source", "fragmenter", "fragment_offset", "highlight_filter",
             "highlight_query", "matched_fields", "max_analyzer_offset", "no_match_size", "options",
             "phrase_limit", "tags_schema"}  # fmt: skip


@dataclass(frozen=True)
class Style:
    before: str
    after: str
    fragments: int  # 0: the whole field
    length: int  # of a fragment in characters, about
    own_terms: bool  # only what the query looks for in this very field


def add_highlights(
    snapshot: Snapshot,
    body: dict[str, Any],
    clause: Clause,
    hits: Sequence[Hit],
    documents: dict[int, StoredDocument],
    rendered: list[dict[str, Any]],
) -> None:
    """Puts ``highlight`` into the hits that have something to show."""
    styles = read_highlight(snapshot, body)
    for hit, one in zip(hits, rendered, strict=True):
        values = snapshot.mapping.values(documents[hit.seq_no].source)
        shown = {}
        for field, style in styles:
            phrases = [
                phrase
                for phrase in clause.phrases
                if phrase.field == field.name or not style.own_terms
            ]
            texts = [str(value) for value in values.get(field.name, [])]
            if fragments := highlight(field, texts, phrases, style):
                shown[field.name] = fragments
        if shown:
            one["highlight"] = shown


def read_highlight(snapshot: Snapshot, body: dict[str, Any]) -> list[tuple[Field, Style]]:
    """The fields to highlight, wildcards expanded; options of a field go before common ones."""
    common = {key: value for key, value in body.items() if key != "fields"}
    _check_tags(common)
    _read_style(common)
    wanted = body.get("fields", {})
    listed = wanted if isinstance(wanted, list) else [wanted]
    styles = []
    for pattern, own in (pair for one in listed for pair in read_object("highlight", one).items()):
        try:
            _check_tags(read_object("highlight", own))
        except RequestError as error:
            raise malformed("[highlight] failed to parse field [fields]", error) from None
        style = _read_style({**common, **own})
        styles += [
            (field, style)
            for name, field in snapshot.mapping.fields.items()
            if field.type in ("text", "keyword")
            and (name == pattern or ("*" in pattern and fnmatchcase(name, pattern)))
        ]
    return styles


def highlight(
    field: Field, texts: Sequence[str], phrases: Sequence[Phrase], style: Style
) -> list[str]:
    """The fragments of a field's values, tagged; empty where nothing matches."""
    found: list[tuple[int, str, Passage]] = []
    total = sum(map(len, texts)) + max(0, len(texts) - 1)
    offset = 0
    for text in texts:
        matches = find_matches(list(_tokens(field, text)), phrases)
        if matches and not style.fragments:
            passages = [Passage(0, len(text), tuple(matches))]
        else:
            passages = cut_passages(text, matches, style.length)
        found += [(offset, text, passage) for passage in passages]
        offset += len(text) + 1
    shifted = [_shift(passage, offset) for offset, _, passage in found]
    kept = set(choose_passages(shifted, style.fragments or len(found), total))
    return [
        mark(text, passage, style.before, style.after)
        for (_, text, passage), moved in zip(found, shifted, strict=True)
        if moved in kept
    ]


def find_matches(analyzed: Sequence[Token], phrases: Sequence[Phrase]) -> list[Match]:
    """The tokens that belong to a phrase, in order; the terms of a phrase each match alone."""
    places: dict[str, list[int]] = {}
    for position, token in enumerate(analyzed):
        places.setdefault(token.term, []).append(position)
    matched: dict[int, Match] = {}
    for phrase in phrases:
        first = phrase.terms[0][1]
        for start in places.get(first, ()):
            positions = [start + at - phrase.terms[0][0] for at, _ in phrase.terms]
            if _has(analyzed, positions, phrase):
                for position in positions:
                    token = analyzed[position]
                    matched[position] = Match(token.start, token.end, token.term)
    return [matched[position] for position in sorted(matched)]


def _has(analyzed: Sequence[Token], positions: list[int], phrase: Phrase) -> bool:
    return positions[-1] < len(analyzed) and all(
        analyzed[position].term == term
        for position, (_, term) in zip(positions, phrase.terms, strict=True)
    )


def _tokens(field: Field, text: str) -> Iterator[Token]:
    if field.type == "keyword":
        return iter((Token(text, 0, len(text)),))
    return tokens(field.analyzer, text)


def _shift(passage: Passage, offset: int) -> Passage:
    matches = (
        match._replace(start=match.start + offset, end=match.end + offset)
        for match in passage.matches
    )
    return Passage(passage.start + offset, passage.end + offset, tuple(matches))


def _check_tags(options: dict[str, Any]) -> None:
    if "pre_tags" in options and "post_tags" not in options:
        raise parsing_error("pre_tags are set but post_tags are not set")
    for key in ("pre_tags", "post_tags"):
        tags = options.get(key, "")
        listed = tags if isinstance(tags, list) else [tags]
        if not listed or not all(isinstance(tag, str) for tag in listed):
            raise parsing_error(f"[highlight] [{key}] is no tag: [{tags}]")


def _read_style(options: dict[str, Any]) -> Style:
    for key in options.keys() - OPTIONS:
        if key in ELSEWHERE:
            raise unsupported(f"highlight.{key}")
        raise malformed(f"[highlight] unknown field [{key}]")
    if options.get("type", "unified") != "unified":
        raise unsupported(f"highlight.type {options['type']}")
    if options.get("order", "none") != "none":
        raise unsupported(f"highlight.order {options['order']}")
    before, after = options.get("pre_tags", ["<em>"]), options.get("post_tags", ["</em>"])
    return Style(
        before if isinstance(before, str) else before[0],
        after if isinstance(after, str) else after[0],
        _integer(options, "number_of_fragments", 5),
        _integer(options, "fragment_size", 100),
        bool(options.get("require_field_match", True)),
    )


def _integer(options: dict[str, Any], key: str, default: int) -> int:
    value: Any = not_flag(options.get(key, default))
    if not isinstance(value, int) or value < 0:
        raise parsing_error(f"[highlight] [{key}] is no number: [{value}]")
    return value
