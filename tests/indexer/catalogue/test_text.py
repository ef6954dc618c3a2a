import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap_indexer.catalogue.text import clean, cut


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("plain text", "plain text"),
        ("  two\n\tlines\u00a0here ", "two lines here"),
        ("a<br />b<br>c", "a b c"),
        ("<p>One</p><p>Two</p>", "One Two"),
        ("<ul><li>light</li><li>dry</li></ul>", "light dry"),
        ("H<sub>2</sub>O and <b>bo</b>ld", "H2O and bold"),
        ('<a href="x">link</a>ed', "linked"),
        ("Black &amp; Decker", "Black & Decker"),
        ("caf&eacute; 100&nbsp;%", "café 100 %"),
        ("Intel&#174; Core&#x2122;", "Intel® Core™"),
        ("AT&T R&D", "AT&T R&D"),
        ("a < b and c > d", "a < b and c > d"),
        ("5<6 <3", "5<6 <3"),
        ("&lt;b&gt; is a tag", "<b> is a tag"),
        ("one<!-- not <b>this</b> -->two", "one two"),
        ("one<!-- never closed", "one"),
        ("a<script>var x = '<b>';</script>b", "a b"),
        ("a<STYLE type='text/css'>p {}</style >b", "a b"),
        ("a<script>never closed", "a"),
        ("<!DOCTYPE html><?xml?>text", "text"),
        ("<![x[", "<![x["),
        ("<br", "<br"),
        ("", ""),
    ],
)
def test_clean(raw, expected):
    assert clean(raw) == expected


@given(st.text(alphabet="ab <>/!-&;#3scriptbr", max_size=60) | st.text())
def test_cleaned_text_is_one_line_without_padding(raw):
    cleaned = clean(raw)
    assert cleaned == " ".join(cleaned.split())


@given(st.text().filter(lambda text: not set(text) & set("<&")))
def test_text_without_markup_only_loses_white_space(text):
    assert clean(text).split() == text.split()


@pytest.mark.parametrize(
    "hostile", ["<" * 50_000, "<script" * 8_000, "<!--" * 12_000, "<a " * 16_000, "&" * 50_000]
)
def test_hostile_markup_takes_linear_time(hostile):
    assert len(clean(hostile)) <= len(hostile)  # quadratic time would take minutes


@pytest.mark.parametrize(
    ("text", "characters", "expected"),
    [
        ("short", 5, "short"),
        ("one two three", 7, "one two"),
        ("one two three", 8, "one two"),
        ("one two three", 6, "one"),
        ("incomprehensible", 5, "incom"),
        ("one", 300, "one"),
    ],
)
def test_cut_ends_where_a_word_ends(text, characters, expected):
    assert cut(text, characters) == expected


@given(st.text(alphabet="ab "), st.integers(1, 20))
def test_cut_is_a_prefix_that_is_short_enough(text, characters):
    text = clean(text)
    assert text.startswith(cut(text, characters))
    assert len(cut(text, characters)) <= characters
