import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap_reranker import BadEvent, Interactions, InteractionsError, ShapeError


def refuse(bad):
    raise AssertionError(bad)


def from_rows(*rows, on_bad_row=refuse, **options):
    placed = ((f"events.tsv:{line}", row) for line, row in enumerate(rows, 2))
    return Interactions.from_rows(placed, on_bad_row=on_bad_row, **options)


def row(user, item, **more):
    return {"user": user, "item": item, **more}


def ids(interactions):
    return [interactions.item_ids[item].decode() for item in interactions.items]


def test_events_are_by_user_and_oldest_first():
    found = from_rows(row("v", "b", time=5), row("u", "c", time=9), row("v", "a", time=1))
    assert found.users.tolist() == [0, 0, 1]
    assert ids(found) == ["a", "b", "c"]
    np.testing.assert_array_equal(found.times, [1, 5, 9])


def test_users_are_numbered_as_they_appear():
    found = from_rows(row("z", "a"), row("a", "b"), row("m", "c"), row("z", "c"))
    assert ids(found) == ["a", "c", "b", "c"]
    assert found.users.tolist() == [0, 0, 1, 2]
    assert found.n_users == 3


def test_no_user_id_is_kept():
    found = from_rows(row("anna@example.com", "a", query="shoes"), row("bert", "b"))
    kept = [getattr(found, field.name) for field in dataclasses.fields(found)]
    assert not any("anna" in repr(value) or "bert" in repr(value) for value in kept)


def test_item_ids_are_sorted_bytes():
    found = from_rows(row("u", "ö"), row("u", "a"), row("u", "zz"))
    assert found.item_ids.tolist() == [b"a", b"zz", "ö".encode()]
    assert ids(found) == ["ö", "a", "zz"]


def test_positions_order_where_there_is_no_time():
    found = from_rows(
        row("u", "b", position=2), row("u", "a", position="10"), row("u", "c", position=0)
    )
    assert ids(found) == ["c", "b", "a"]
    assert found.times is None


def test_the_file_orders_where_there_is_nothing_else():
    found = from_rows(row("u", "c"), row("v", "x"), row("u", "a"), row("u", "b"))
    assert ids(found) == ["c", "a", "b", "x"]
    assert found.times is None


def test_events_of_one_moment_keep_the_order_of_the_file():
    found = from_rows(row("u", "b", time=1), row("u", "a", time=1), row("u", "c", time=0))
    assert ids(found) == ["c", "b", "a"]


def test_duplicates_are_dropped_and_counted():
    found = from_rows(
        row("u", "a", time=1),
        row("u", "a", time=1, action="purchase"),
        row("u", "a", time=2),
        row("v", "a", time=1),
        row("u", "a", time=1),
    )
    assert found.report == {"duplicates": 2}
    assert found.users.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(found.weights, [3, 1, 1])


def test_in_file_order_nothing_is_a_duplicate():
    found = from_rows(row("u", "a"), row("u", "a"))
    assert (len(found), found.report) == (2, {})


def test_actions_have_weights():
    actions = ["view", "click", "watch", "add_to_cart", "purchase"]
    found = from_rows(*(row("u", "a", action=action) for action in actions))
    np.testing.assert_array_equal(found.weights, [1, 1, 1, 2, 3])


def test_other_actions_are_the_callers():
    found = from_rows(row("u", "a", action="rent"), action_weights={"rent": 4.5})
    np.testing.assert_array_equal(found.weights, [4.5])


def test_an_impression_is_no_event():
    found = from_rows(row("u", "a", action="impression"), row("u", "b", action="click"))
    assert ids(found) == ["b"]
    assert found.item_ids.tolist() == [b"b"]


def test_queries_are_kept_once():
    found = from_rows(row("u", "a", query="shoes"), row("u", "b"), row("v", "c", query="shoes"))
    assert found.queries.tolist() == [0, -1, 0]
    assert found.query_texts == ("shoes",)


def test_bad_rows_are_named_and_skipped():
    bad = []
    found = from_rows(
        row("u", "a", time=1),
        row("", "a", time=2),
        row("u", "b", time="noon"),
        row("u", "c"),
        row("u", "d", time=3),
        on_bad_row=bad.append,
    )
    assert ids(found) == ["a", "d"]
    assert [(event.place, event.field) for event in bad] == [
        ("events.tsv:3", "user"),
        ("events.tsv:4", "time"),
        ("events.tsv:5", "time"),
    ]


def test_a_bad_row_may_stop_everything():
    def stop(bad: BadEvent):
        raise SystemExit(f"{bad.place}: {bad.field} {bad.reason}")

    with pytest.raises(SystemExit, match="events.tsv:2: item missing"):
        from_rows({"user": "u"}, on_bad_row=stop)


def test_what_is_left_out_is_counted_by_reason():
    found = from_rows(
        row("u", "a", time=1, action="view"),
        row("u", "a", time=1, action="impression"),
        row("", "a", time=2),
        row(None, "a", time=2),
        row("u", True, time=2),
        row("u", "b", time="noon"),
        row("u", "b", time=2, action="[hum]"),
        on_bad_row=lambda bad: None,
    )
    assert found.report == {
        "action: no weight": 1,
        "actions of weight 0": 1,
        "item: no id": 1,
        "time: no time": 1,
        "user: missing": 2,
    }


def test_an_anonymous_session_stands_in_for_a_user():
    rows = [{"session_id": "s", "item": "a"}, {"session_id": "s", "user_id": "u", "item": "a"}]
    found = from_rows(*rows, identify=lambda kind, name: f"{kind} {name}")
    assert found.user_keys.tolist() == [b"session s", b"user u"]


def test_a_user_and_a_session_of_one_name_are_two():
    assert from_rows({"session": "s", "item": "a"}, row("s", "a")).n_users == 2


def test_a_hash_of_ours_is_not_hashed_again():
    ours = {"application": "endcap", "client_id": "0a1b", "item": "a"}
    found = from_rows(ours, row("u", "a"), identify=lambda kind, name: f"{kind} {name}")
    assert found.user_keys.tolist() == [b"0a1b", b"user u"]


def every(seconds, events, user="bot"):
    return [row(user, f"i{n}", time=seconds * n) for n in range(events)]


def test_who_is_faster_than_anybody_reads_is_no_shopper():
    person = [row("ada", "i0", time=5), row("ada", "i2", time=6)]
    found = from_rows(*every(10, 101), *person, bots_per_hour=100, identify=lambda _, name: name)
    assert ids(found) == ["i0", "i2"]
    assert found.item_ids.tolist() == [b"i0", b"i2"]
    assert (found.n_users, found.user_keys.tolist()) == (1, [b"ada"])
    assert found.users.tolist() == [0, 0]
    assert found.report == {"bots": 1, "events of bots": 101}


@pytest.mark.parametrize(
    ("rows", "limit"),
    [
        (every(10, 100), 100),
        (every(36, 1000), 100),
        (every(10, 101), None),
        ([row("u", "a", time=5)] * 200, 100),
        ([{**each, "time": None} for each in every(10, 200)], 100),
    ],
    ids=["as many", "slowly", "no limit", "one event, logged often", "without times"],
)
def test_who_is_no_bot(rows, limit):
    found = from_rows(*rows, bots_per_hour=limit)
    assert (found.n_users, found.report.get("bots")) == (1, None)


def test_a_file_of_bots_is_no_history():
    with pytest.raises(InteractionsError, match="every user had more than 100 in an hour"):
        from_rows(*every(10, 101), bots_per_hour=100)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=40))
def test_nobody_is_left_who_had_too_many(events):
    """Against counting, for each event, those of the hour before it."""
    rows = [row(f"u{user}", f"i{n}", time=600.0 * hour) for n, (user, hour) in enumerate(events)]
    bots = {
        user
        for user, hour in events
        if sum(u == user and hour - 6 < h <= hour for u, h in events) > 4
    }
    known = {f"u{user}" for user, _ in events if user not in bots}
    if not known:
        return
    found = from_rows(*rows, bots_per_hour=4, identify=lambda _, name: name)
    assert {key.decode() for key in found.user_keys.tolist()} == known


def test_an_older_event_counts_less():
    days = 86_400.0
    whole = from_rows(row("u", "a", time=0), row("u", "b", time=30 * days, action="purchase"))
    np.testing.assert_allclose(whole.decayed(30).weights, [0.5, 3])
    np.testing.assert_array_equal(whole.weights, [1, 3])


def test_a_session_ends_where_nothing_is_done():
    whole = from_rows(
        *(row("u", item, time=time) for item, time in [("a", 0), ("b", 60), ("c", 200)]),
        row("v", "a", time=200),
        identify=lambda _, name: name,
    )
    sessions = whole.in_sessions(100)
    assert sessions.users.tolist() == [0, 0, 1, 2]
    assert (sessions.n_users, sessions.user_keys) == (3, None)
    assert ids(sessions) == ids(whole)


@pytest.mark.parametrize("cut", [lambda i: i.decayed(1), lambda i: i.in_sessions(1)])
def test_without_times_nothing_is_old(cut):
    with pytest.raises(InteractionsError, match="needs events with times"):
        cut(from_rows(row("u", "a")))


@pytest.mark.parametrize("rows", [[], [{"item": "a"}], [row("u", "a", action="impression")]])
def test_no_event_is_an_error(rows):
    with pytest.raises(InteractionsError, match="no event"):
        from_rows(*rows, on_bad_row=lambda bad: None)


def test_histories_of_every_user():
    histories = from_rows(row("u", "a"), row("v", "b"), row("u", "c")).histories()
    assert histories.indptr.tolist() == [0, 2, 3]
    assert histories.items.tolist() == [0, 2, 1]


def test_last_is_the_position_of_the_nth_from_the_end():
    found = from_rows(row("u", "a"), row("u", "b"), row("v", "c"))
    assert found.last(1).tolist() == [1, 2]
    assert found.last(2).tolist() == [0, -1]
    assert found.last(3).tolist() == [-1, -1]


def test_distinct_keeps_the_last_event_of_each_item():
    """A B X X: without the last product, X is in neither history nor counts."""
    whole = from_rows(
        row("u", "a", time=1),
        row("u", "b", time=2),
        row("u", "x", time=3, action="view", query="seen"),
        row("u", "x", time=4, action="purchase", query="bought"),
        row("v", "x", time=5),
    )
    once = whole.distinct()
    assert ids(once) == ["a", "b", "x", "x"]
    assert once.users.tolist() == [0, 0, 0, 1]
    assert once.times.tolist() == [1, 2, 4, 5]
    assert once.weights[2] == whole.weights[3] != whole.weights[2]
    assert once.query_texts[once.queries[2]] == "bought"
    assert ids(once.without_last(1)) == ["a", "b"]
    assert "x" in ids(whole.without_last(1))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=30))
def test_distinct_is_each_item_at_its_last_place(make_interactions, pairs):
    whole = make_interactions(pairs, 7)
    events = list(zip(whole.users.tolist(), whole.items.tolist(), strict=True))
    last = [event for place, event in enumerate(events) if event not in events[place + 1 :]]
    once = whole.distinct()
    assert list(zip(once.users.tolist(), once.items.tolist(), strict=True)) == last
    assert once.n_users == whole.n_users


def test_without_last_keeps_users_and_items():
    whole = from_rows(
        row("u", "a", time=1, query="q"), row("u", "b", time=2), row("v", "c", time=3)
    )
    rest = whole.without_last(1)
    assert ids(rest) == ["a"]
    assert (rest.n_users, rest.query_texts) == (2, ("q",))
    assert rest.histories().indptr.tolist() == [0, 1, 1]
    assert (rest.times.tolist(), rest.queries.tolist()) == ([1], [0])
    assert len(whole) == 3


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), max_size=30), st.integers(0, 4))
def test_without_last_and_last_are_all_there_is(make_interactions, pairs, n):
    whole = make_interactions(pairs, 7)
    rest = whole.without_last(n)
    withheld = [position for k in range(1, n + 1) for position in whole.last(k) if position >= 0]
    kept = np.delete(np.arange(len(whole)), withheld)
    np.testing.assert_array_equal(rest.items, whole.items[kept])
    np.testing.assert_array_equal(rest.users, whole.users[kept])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=30))
def test_the_order_of_files_does_not_matter_where_there_are_positions(pairs):
    rows = [row(f"u{user}", f"i{item}", position=k) for k, (user, item) in enumerate(pairs)]
    first = row("first", "i0", position=-1)
    users = {f"u{user}" for user, _ in pairs}
    numbered = [row(user, "i0", position=-1) for user in sorted(users)]
    forward = from_rows(first, *numbered, *rows)
    backward = from_rows(first, *numbered, *rows[::-1])
    np.testing.assert_array_equal(forward.items, backward.items)
    np.testing.assert_array_equal(forward.users, backward.users)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"users": np.array([1, 0], np.int32)}, InteractionsError, "ascending"),
        ({"users": np.array([0, 2], np.int32)}, InteractionsError, "users must be from 0 to 1"),
        ({"items": np.array([0, -1], np.int32)}, InteractionsError, "items must be from 0 to 2"),
        ({"items": np.array([0, 1], np.int64)}, ShapeError, "items must be int32"),
        ({"weights": np.ones(3, np.float32)}, ShapeError, "weights must be"),
        ({"weights": -np.ones(2, np.float32)}, InteractionsError, "weights must be finite"),
        ({"times": np.ones(2, np.float32)}, ShapeError, "times must be float64"),
        ({"item_ids": np.array([b"b", b"a", b"c"])}, InteractionsError, "item_ids must be unique"),
        ({"item_ids": np.array([b"a", b"a", b"c"])}, InteractionsError, "item_ids must be unique"),
        ({"queries": np.zeros(2, np.int32)}, InteractionsError, "queries must be from -1 to -1"),
        ({"user_keys": np.array([b"k"])}, InteractionsError, "user_keys must be one of each user"),
    ],
)
def test_what_does_not_fit_is_refused(make_interactions, change, error, message):
    good = make_interactions([(0, 0), (1, 1)], 3)
    with pytest.raises(error, match=message):
        dataclasses.replace(good, **change)
