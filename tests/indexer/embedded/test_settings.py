import pytest

from endcap_indexer.embedded.errors import RequestError
from endcap_indexer.embedded.settings import (
    change_settings,
    read_seconds,
    read_settings,
    show_settings,
)


@pytest.mark.parametrize(
    "settings",
    [
        {"index": {"number_of_replicas": 1, "refresh_interval": "5s"}},
        {"number_of_replicas": "1", "refresh_interval": "5s"},
        {"index.number_of_replicas": 1, "index": {"refresh_interval": "5s"}},
    ],
)
def test_every_way_to_write_settings_means_the_same(settings):
    assert read_settings(settings) == {"number_of_replicas": "1", "refresh_interval": "5s"}


def test_null_is_the_default():
    assert read_settings({"refresh_interval": None}) == {}


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("-1", -1.0), ("100ms", 0.1), ("2s", 2.0), ("1m", 60.0), ("1h", 3600.0), ("1d", 86400.0)],
)
def test_time_values(value, seconds):
    assert read_seconds(value, "scroll") == seconds


@pytest.mark.parametrize("value", ["5", "s", "5 s", "five", "", "1w"])
def test_bad_time_values(value):
    with pytest.raises(RequestError, match=r"failed to parse setting \[scroll\]") as raised:
        read_seconds(value, "scroll")
    assert raised.value.status == 400


def test_number_of_shards_is_final():
    old = {"number_of_shards": "1", "number_of_replicas": "0"}
    assert change_settings("products", old, {"number_of_shards": "1"}) == old
    with pytest.raises(RequestError, match="final products setting"):
        change_settings("products", old, {"number_of_shards": "2"})


def test_settings_are_shown_nested():
    shown = show_settings({"uuid": "x", "version.created": "1", "version.of": "2"})
    assert shown == {"index": {"uuid": "x", "version": {"created": "1", "of": "2"}}}
