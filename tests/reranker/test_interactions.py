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
    assert found.duplicates == 2
    assert found.users.tolist() == [0, 0, 1]
    np.testing.assert_array_equal(found.weights, [3, 1, 1])


def test_in_file_order_nothing_is_a_duplicate():
    found = from_rows(row("u", "a"), row("u", "a"))
    assert (len(found), found.duplicates) == (2, 0)


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
    ],
)
def test_what_does_not_fit_is_refused(make_interactions, change, error, message):
    good = make_interactions([(0, 0), (1, 1)], 3)
    with pytest.raises(error, match=message):
        dataclasses.replace(good, **change)
