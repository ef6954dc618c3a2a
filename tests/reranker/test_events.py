import math
import time

import pytest

from endcap_reranker.events import ACTION_WEIGHTS, BadFieldError, Event, find_clock, read_event

GOOD = {"user": "u", "item": "i", "time": "2026-11-23T09:00:00Z"}
NINE = 1795424400.0  # 2026-11-23T09:00:00Z


def read(row, clock="time"):
    return read_event(row, clock, ACTION_WEIGHTS)


def test_an_event():
    row = {**GOOD, "action": "purchase", "query": "red shoes"}
    assert read(row) == Event("u", "user", "i", 3.0, NINE, "red shoes", "")


@pytest.mark.parametrize("name", ["user", "user_id", "client_id"])
def test_names_of_the_user(name):
    assert read({name: "u", "item": "i"}, "file").user == "u"


@pytest.mark.parametrize("name", ["item", "item_id", "product_id", "object_id"])
def test_names_of_the_item(name):
    assert read({"user": "u", name: "i"}, "file").item == "i"


@pytest.mark.parametrize("name", ["action", "action_name", "event", "type"])
def test_names_of_the_action(name):
    assert read({"user": "u", "item": "i", name: "add_to_cart"}, "file").weight == 2.0


@pytest.mark.parametrize("name", ["query", "user_query"])
def test_names_of_the_query(name):
    assert read({"user": "u", "item": "i", name: "shoes"}, "file").query == "shoes"


def test_an_empty_field_gives_way_to_the_next_name():
    assert read({"user_id": "", "client_id": "c", "item": "i"}, "file").user == "c"


def test_ids_may_be_whole_numbers():
    event = read({"user": 7, "item": 8}, "file")
    assert (event.user, event.item) == ("7", "8")


def test_without_an_action_an_event_counts_one():
    assert read(GOOD).weight == 1.0


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-23T09:00:00Z",
        "2026-11-23T10:00:00+01:00",
        "2026-11-23 09:00:00",
        NINE,
        str(int(NINE)),
        NINE * 1000,
        str(int(NINE * 1000)),
    ],
)
def test_times_are_seconds_since_1970(written):
    assert read({**GOOD, "time": written}).moment == NINE


def test_a_time_without_a_zone_is_utc_everywhere(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        moment = read({**GOOD, "time": "2026-11-23 09:00:00"}).moment
    time.tzset()
    assert moment == NINE


def test_the_clock_is_the_time_before_the_position_before_the_file():
    assert find_clock({"time": 1, "position": 2}) == "time"
    assert find_clock({"timestamp": 0}) == "time"
    assert find_clock({"position": 0}) == "position"
    assert find_clock({"time": "", "user": "u"}) == "file"


def test_the_moment_is_what_the_clock_says():
    row = {**GOOD, "position": "4"}
    assert read(row, "position").moment == 4.0
    assert math.isnan(read(row, "file").moment)


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"user": None}, "user", "missing; expected one of user, user_id, client_id"),
        ({"user": ""}, "user", "missing"),
        ({"item": ["i"]}, "item", r"\['i'\] is not an id"),
        ({"item": True}, "item", "True is not an id"),
        ({"item": 1.5}, "item", "1.5 is not an id; write a string or a whole number"),
        ({"item": "a\0"}, "item", "NUL"),
        ({"item": "\ud83d"}, "item", "half a character"),
        ({"action": "bye"}, "action", "'bye' has no weight; known are impression, view, click"),
        ({"action": ["click"]}, "action", r"\['click'\] has no weight"),
        ({"time": None}, "time", "missing, but the first row has it"),
        ({"time": "yesterday"}, "time", "'yesterday' is not a time; write 2026-11-23T09:00:00Z"),
        ({"time": {}}, "time", "{} is not a time"),
        ({"time": True}, "time", "True is not a number"),
        ({"time": "nan"}, "time", "'nan' is not a number"),
        ({"time": math.inf}, "time", "inf is not a number"),
        ({"time": 10**400}, "time", "is not a time"),
        ({"time": 1e18}, "time", "1e.18 is neither seconds nor milliseconds"),
    ],
)
def test_what_is_wrong_is_said(change, field, reason):
    with pytest.raises(BadFieldError, match=reason) as raised:
        read({**GOOD, **change})
    assert raised.value.field == field


@pytest.mark.parametrize("position", ["first", math.nan])
def test_a_wrong_position_is_said(position):
    with pytest.raises(BadFieldError, match="position: .* is not a number"):
        read({"user": "u", "item": "i", "position": position}, "position")
