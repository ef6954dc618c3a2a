import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap_indexer.encoder import OnnxEncoder, QueryCache


class CountingEncoder:
    """The vector of a text is its length, twice; every encoded text is counted."""

    name, dimension = "counting", 2

    def __init__(self):
        self.texts = []

    def encode_queries(self, texts):
        self.texts += texts
        return np.array([[len(text)] * 2 for text in texts], dtype=np.float32)

    encode_products = encode_queries


def test_a_known_text_is_not_encoded_again():
    cache = QueryCache(encoder := CountingEncoder())
    first, second = cache.encode_query("red"), cache.encode_query("red")
    np.testing.assert_array_equal(first, [3, 3])
    np.testing.assert_array_equal(second, [3, 3])
    assert encoder.texts == ["red"]
    assert cache.counters == (1, 1, 1)


def test_the_text_used_longest_ago_makes_room():
    cache = QueryCache(encoder := CountingEncoder(), capacity=2)
    for text in ("a", "bb", "a", "ccc", "a", "bb"):
        cache.encode_query(text)
    assert encoder.texts == ["a", "bb", "ccc", "bb"]
    assert cache.counters == (2, 4, 2)


def test_vectors_are_read_only_and_their_own():
    cache = QueryCache(CountingEncoder())
    vector = cache.encode_query("red")
    with pytest.raises(ValueError, match="read-only"):
        vector[0] = 1
    assert vector.shape == (2,)
    assert vector.base is None, "a view would keep the whole batch alive"


def test_lookup_computes_nothing():
    cache = QueryCache(encoder := CountingEncoder())
    assert cache.lookup("red") is None
    assert encoder.texts == []
    cache.encode_query("red")
    assert cache.lookup("red") is not None


def test_an_error_is_not_remembered():
    class Failing(CountingEncoder):
        def encode_queries(self, texts):
            if not self.texts:
                self.texts.append("failed")
                raise RuntimeError("once")
            return super().encode_queries(texts)

    cache = QueryCache(Failing())
    with pytest.raises(RuntimeError, match="once"):
        cache.encode_query("red")
    np.testing.assert_array_equal(cache.encode_query("red"), [3, 3])


def test_capacity_must_hold_something():
    with pytest.raises(ValueError, match="capacity is 0"):
        QueryCache(CountingEncoder(), capacity=0)


@given(
    texts=st.lists(st.sampled_from(["", "a", "bb", "ccc", "dddd"])),
    capacity=st.integers(1, 6),
)
def test_it_answers_as_the_encoder_and_counts_every_call(texts, capacity):
    cache = QueryCache(encoder := CountingEncoder(), capacity)
    for text in texts:
        assert cache.encode_query(text)[0] == len(text)
    hits, misses, size = cache.counters
    assert hits + misses == len(texts)
    assert misses == len(encoder.texts)
    assert size == min(capacity, len(set(texts)))


def test_two_threads_may_miss_the_same_text():
    meet = threading.Barrier(2, timeout=10)

    class Meeting(CountingEncoder):
        def encode_queries(self, texts):
            meet.wait()  # both are here at once: neither waits for the other's result
            return super().encode_queries(texts)

    cache = QueryCache(Meeting())
    with ThreadPoolExecutor(2) as pool:
        vectors = list(pool.map(cache.encode_query, ["red", "red"]))
    np.testing.assert_array_equal(vectors, [[3, 3], [3, 3]])
    assert cache.counters == (0, 2, 1)


def test_threads_that_crowd_a_small_cache_get_their_own_vectors():
    cache = QueryCache(CountingEncoder(), capacity=3)
    texts = ["x" * (number % 7) for number in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        vectors = list(pool.map(cache.encode_query, texts))
    assert [vector[0] for vector in vectors] == [len(text) for text in texts]
    hits, misses, size = cache.counters
    assert (hits + misses, size) == (2000, 3)


def test_it_gives_what_the_onnx_encoder_gives(toy):
    encoder = OnnxEncoder(toy(query_prompt="query: "))
    vector = QueryCache(encoder).encode_query("red shoe")
    np.testing.assert_array_equal(vector, encoder.encode_queries(["red shoe"])[0])
