import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opensearchpy.serializer import JSONSerializer

from endcap.serializer import FastJSONSerializer

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values)
def test_it_reads_what_opensearch_py_reads(value):
    text = json.dumps(value)
    assert repr(FastJSONSerializer().loads(text)) == repr(JSONSerializer().loads(text))


@pytest.mark.parametrize("text", ["NaN", '"\\ud800"', "[1e999]"])
def test_what_orjson_refuses_is_read_all_the_same(text):
    assert repr(FastJSONSerializer().loads(text)) == repr(JSONSerializer().loads(text))


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**63), -(2**63) - 1, 10**19, 10**300])
def test_no_integer_is_rounded(number):
    for text in (f"[{number}]", f'{{"a":{number}}}', f" {number}", f"{number}"):
        assert repr(FastJSONSerializer().loads(text)) == repr(JSONSerializer().loads(text))


def test_it_writes_what_opensearch_py_writes():
    body = {"query": {"match": {"title": "é"}}, "size": 3}
    assert FastJSONSerializer().dumps(body) == JSONSerializer().dumps(body)
