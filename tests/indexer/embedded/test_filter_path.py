import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap_indexer.filter_path import filter_response

ANSWER = {
    "took": 3,
    "hits": {
        "total": {"value": 2},
        "hits": [{"_id": "1", "_source": {"title": "a"}}, {"_id": "2", "_source": {"n": 1}}],
    },
}


@pytest.mark.parametrize(
    ("filter_path", "kept"),
    [
        ("took", {"took": 3}),
        ("hits.hits._id", {"hits": {"hits": [{"_id": "1"}, {"_id": "2"}]}}),
        ("hits.hits._source.title", {"hits": {"hits": [{"_source": {"title": "a"}}]}}),
        ("hits.total", {"hits": {"total": {"value": 2}}}),
        ("**.value", {"hits": {"total": {"value": 2}}}),
        ("**._id, took", {"took": 3, "hits": {"hits": [{"_id": "1"}, {"_id": "2"}]}}),
        ("h*.t*", {"hits": {"total": {"value": 2}}}),
        ("hits.**", {"hits": ANSWER["hits"]}),
        ("took.deeper", {}),
        ("-hits", {"took": 3}),
        ("-hits.hits,-took", {"hits": {"total": {"value": 2}}}),
        (
            "-**._source",
            {"took": 3, "hits": {"total": {"value": 2}, "hits": [{"_id": "1"}, {"_id": "2"}]}},
        ),
        ("hits,-hits.hits", {"hits": {"total": {"value": 2}}}),
    ],
)
def test_what_is_kept(filter_path, kept):
    assert filter_response(ANSWER, filter_path) == kept


keys = st.sampled_from(["a", "b", "c"])
values = st.recursive(
    st.integers(),
    lambda inner: st.lists(inner, min_size=1) | st.dictionaries(keys, inner, min_size=1),
)
objects = st.dictionaries(keys, values, min_size=1)


@given(objects)
def test_everything_is_kept_by_two_stars(body):
    assert filter_response(body, "**") == body


@given(objects, keys)
def test_a_key_is_kept_or_excluded(body, key):
    kept = filter_response(body, key)
    rest = filter_response(body, f"-{key}")
    assert {**kept, **rest} == body
    assert kept.keys() <= {key}
    assert key not in rest
