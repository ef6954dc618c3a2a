import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap_indexer.embedded.dates import (
    DEFAULT_FORMAT,
    check_format,
    is_dynamic_date,
    parse_date,
    render_date,
)
from endcap_indexer.embedded.errors import RequestError

NEW_YEAR = 1767225600000  # 2026-01-01T00:00:00Z
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("value", "format", "milliseconds"),
    [
        ("2026", DEFAULT_FORMAT, NEW_YEAR),
        ("2026-01-01", DEFAULT_FORMAT, NEW_YEAR),
        ("2026-01-01T", DEFAULT_FORMAT, NEW_YEAR),
        ("2026-01-01T01", DEFAULT_FORMAT, NEW_YEAR + HOUR),
        ("2026-01-01T00:00:00.5Z", DEFAULT_FORMAT, NEW_YEAR + 500),
        ("2026-01-01T00:00:00.123456789Z", DEFAULT_FORMAT, NEW_YEAR + 123),
        ("2026-01-01T02:00+02:00", DEFAULT_FORMAT, NEW_YEAR),
        ("2025-12-31T19:30:00-0430", DEFAULT_FORMAT, NEW_YEAR),
        ("1969-12-31T23:59:59.999Z", DEFAULT_FORMAT, -1),
        (NEW_YEAR, DEFAULT_FORMAT, NEW_YEAR),
        (str(NEW_YEAR), DEFAULT_FORMAT, NEW_YEAR),
        (-5, DEFAULT_FORMAT, -5),
        (NEW_YEAR // 1000, "epoch_second", NEW_YEAR),
        ("01.01.2026", "dd.MM.yyyy", NEW_YEAR),
        ("2026/01/01 01:00:00", "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd", NEW_YEAR + HOUR),
        ("2026/01/01", "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd", NEW_YEAR),
        ("2026-01-01T00:00:00.000Z", "strict_date_time", NEW_YEAR),
    ],
)
def test_parse(value: str | int, format: str, milliseconds: int) -> None:
    assert parse_date(value, format) == milliseconds


@pytest.mark.parametrize(
    ("value", "format"),
    [
        ("soon", DEFAULT_FORMAT),
        ("2026-1-1", DEFAULT_FORMAT),
        ("2026-13-01", DEFAULT_FORMAT),
        ("2026-02-30", DEFAULT_FORMAT),
        ("", DEFAULT_FORMAT),
        ("2026-01-01", "strict_date_time"),
        ("2026-01-01", "dd.MM.yyyy"),
        ("٢٠٢٦", DEFAULT_FORMAT),
    ],
)
def test_refuse(value: str, format: str) -> None:
    with pytest.raises(ValueError, match="failed to parse date field"):
        parse_date(value, format)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("2026-01-01", NEW_YEAR + 24 * HOUR - 1),
        (
            "2026-01",
            NEW_YEAR + 24 * HOUR - 1,
        ),  # the day is filled with its first, the time with its end
        ("2026-01-01T00", NEW_YEAR + HOUR - 1),
        ("2026-01-01T00:00:00", NEW_YEAR + 999),
        ("2026-01-01T00:00:00.5", NEW_YEAR + 500),
        (str(NEW_YEAR), NEW_YEAR),
    ],
)
def test_round_up(text: str, last: int) -> None:
    found = parse_date(text, DEFAULT_FORMAT, round_up=True)
    assert found == last


@pytest.mark.parametrize(
    ("format", "text"),
    [
        (DEFAULT_FORMAT, "2026-01-01T00:00:00.007Z"),
        ("epoch_millis", str(NEW_YEAR + 7)),
        ("epoch_second", str(NEW_YEAR // 1000)),
        ("yyyy/MM/dd HH:mm:ss.SSS", "2026/01/01 00:00:00.007"),
        ("strict_date", "2026-01-01"),
    ],
)
def test_render(format: str, text: str) -> None:
    assert render_date(NEW_YEAR + 7, format) == text


@given(st.integers(-(10**13), 10**13))
def test_what_is_rendered_is_parsed(milliseconds: int) -> None:
    assert parse_date(render_date(milliseconds, DEFAULT_FORMAT), DEFAULT_FORMAT) == milliseconds


def test_formats_that_are_not_known() -> None:
    for format in ("EEE, dd MMM yyyy", "basic_week_date", "yyyy-MM-dd'T'HH"):
        with pytest.raises(RequestError, match="is not supported by the embedded engine"):
            check_format(format)
    with pytest.raises(RequestError, match="Unknown pattern letter: f"):
        check_format("foo")


@pytest.mark.parametrize("text", ["red", "2026", "a-b", "1/2", "12:30"])
def test_most_text_is_no_date(text: str) -> None:
    assert is_dynamic_date(text) is None
