"""Text as people read it: HTML tags and entities out, white space folded."""

import html
import re

# Markup whose content is not for readers; an element that is never closed takes the rest with it.
_HIDDEN = re.compile(r"<(script|style)\b[^<>]*>.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.I | re.S)
# Regular expressions, since html.parser raises on `<![x[`.
# A tag starts with a letter right after the bracket: `a < b` and `<3` are text.
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:-]*)[^<>]*>|<[!?][^<>]*>")
_WITHIN_WORDS = frozenset("a abbr b bdi big em font i mark small span strong sub sup u wbr".split())


def clean(text: str) -> str:
    """The text without markup, on one line; `<br>` separates words, `H<sub>2</sub>O` is one."""
    if "<" in text:
        text = _TAG.sub(_space_for, _HIDDEN.sub(" ", text))
    if "&" in text:
        text = html.unescape(text)
    return " ".join(text.split())


def cut(text: str, characters: int) -> str:
    """At most so many characters, ending where a word ends; a single longer word is cut through."""
    if len(text) <= characters:
        return text
    head = text[: characters + 1].rpartition(" ")[0]
    return head.rstrip() or text[:characters]


def _space_for(tag: re.Match[str]) -> str:
    name = tag[1]
    return "" if name and name.lower() in _WITHIN_WORDS else " "
