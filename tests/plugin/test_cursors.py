import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap.cursors import Cursor
from endcap.exceptions import RequestError

WHOLE = Cursor("products-000017", "cooccurrence-000003+tuning-000004", 12)


def wrap(value) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@given(st.builds(Cursor, st.text(), st.none() | st.text(), st.none() | st.integers(min_value=0)))
def test_a_cursor_comes_back_as_it_was(cursor):
    text = cursor.encode()
    assert Cursor.decode(text) == cursor
    assert set(text) <= set("-_0123456789") | set(map(chr, [*range(65, 91), *range(97, 123)]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=2),
)


@given(st.text() | json_values.map(wrap) | st.binary().map(lambda raw: raw.hex()))
def test_any_text_is_a_cursor_or_refused(text):
    try:
        cursor = Cursor.decode(text)
    except RequestError:
        return
    assert cursor.encode() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "é",
        "AAAA",
        wrap(None),
        wrap({}),
        wrap("abc"),
        wrap(["products-000001", None]),
        wrap(["products-000001", None, 1, 2]),
        wrap([None, None, 1]),
        wrap([1, None, 1]),
        wrap([["products-000001"], None, 1]),
        wrap(["products-000001", 4, 1]),
        wrap(["products-000001", None, "1"]),
        wrap(["products-000001", None, 1.0]),
        wrap(["products-000001", None, True]),
        wrap(["products-000001", None, -1]),
        WHOLE.encode() + "=",
        WHOLE.encode() + "\n",
        "!" + WHOLE.encode(),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    ],
    ids=lambda text: text[:40].encode("unicode_escape").decode(),
)
def test_what_was_not_encoded_is_refused(text):
    with pytest.raises(RequestError, match="ext.endcap.cursor is not one of ours; send back"):
        Cursor.decode(text)
