import functools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import opensearchpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endcap import profiles
from endcap.drivers import Executor, SyncDriver
from endcap.exceptions import ProfileError
from endcap.profiles import EVENTS, FORGOTTEN, LENGTH, PROFILES, Event, Profile
from endcap_indexer.embedded import EmbeddedConnection

ADA, BOB = "a" * 64, "b" * 64
WRITERS, EACH = 8, 6
CREATED = {"status": 201}
CONFLICT = {"status": 409, "error": {"reason": "version conflict"}}
REFUSED = {"status": 429, "error": {"reason": "too many requests"}}


def event(item, action="view", query=None):
    return Event(item, action, "2026-11-23T10:00:00.000Z", query)


def items(profile):
    return [each.item for each in profile.events]


class Engine:
    """The embedded engine behind a driver; `before` is told of every call before it is made."""

    def __init__(self, folder):
        self.client = opensearchpy.OpenSearch(connection_class=EmbeddedConnection, folder=folder)
        self.before: Callable = lambda call: None
        self.run = SyncDriver(self.perform, Executor(1)).run

    def perform(self, call):
        self.before(call)
        target = functools.reduce(getattr, call.method.split("."), self.client)
        return target(**call.arguments)

    def events(self, key):
        """The products of the shopper's UBI events, in any order."""
        self.client.indices.refresh(index=EVENTS)
        body = {"query": {"term": {"client_id": key}}, "size": 10_000}
        hits = self.client.search(index=EVENTS, body=body)["hits"]["hits"]
        return sorted(hit["_source"]["event_attributes"]["object"]["object_id"] for hit in hits)


@pytest.fixture
def engine(tmp_path):
    engine = Engine(tmp_path / "engine")
    engine.run(profiles.ensure_indices())
    yield engine
    engine.client.close()


class Answers:
    """A performer that has its answers by method, the last of which it repeats."""

    def __init__(self, **answers):
        self.answers = {name.replace("__", "."): list(each) for name, each in answers.items()}
        self.calls = []
        self.run = SyncDriver(self.perform, Executor(1)).run

    def perform(self, call):
        self.calls.append(call)
        answers = self.answers[call.method]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def bodies(self, method):
        return [call.arguments["body"] for call in self.calls if call.method == method]


def bulk(*results, action="create"):
    items = [{action: {"_index": "an-index", **result}} for result in results]
    return {"errors": any("error" in result for result in results), "items": items}


def standing(number, *names):
    events = [{"item": name, "action": "view", "time": ""} for name in names]
    source = {"format": 1, "version": len(names), "events": events}
    return {"found": True, "_seq_no": number, "_primary_term": 1, "_source": source}


# A profile


def test_a_profile_keeps_the_last_events_and_counts_all():
    profile = Profile()
    for number in range(LENGTH + 3):
        profile = profile.with_event(event(f"p{number}"))
    assert items(profile) == [f"p{number}" for number in range(3, LENGTH + 3)]
    assert profile.version == LENGTH + 3


@given(st.integers(0, 3 * LENGTH), st.integers(0, 3 * LENGTH))
def test_an_earlier_version_holds_none_of_the_later_events(version, earlier):
    everything = [event(f"p{number}") for number in range(version)]
    profile = Profile(tuple(everything[-LENGTH:]), version)
    found = profile.at(earlier)
    assert list(found.events) == everything[max(0, version - LENGTH) : earlier]
    assert found.version == min(version, earlier)


def test_a_history_is_the_last_views():
    profile = Profile.of([f"p{number}" for number in range(LENGTH + 1)])
    assert items(profile) == [f"p{number}" for number in range(1, LENGTH + 1)]
    assert {each.action for each in profile.events} == {"view"}


# Append and get


def test_who_is_not_known_has_an_empty_profile(engine):
    assert engine.run(profiles.get(ADA)) == Profile()


def test_without_indices_nobody_is_known(tmp_path):
    engine = Engine(tmp_path / "engine")
    assert engine.run(profiles.get(ADA)) == Profile(indexed=False)
    assert engine.run(profiles.forget(ADA)) == 0
    engine.client.close()


def test_what_is_appended_is_read_back_at_once(engine):
    first = event("p1", "click", "red sofa")
    second = event("p2", "purchase")
    engine.run(profiles.append(ADA, first))
    written = engine.run(profiles.append(ADA, second))
    assert written == engine.run(profiles.get(ADA)) == Profile((first, second), 2)
    assert engine.run(profiles.get(BOB)) == Profile()


def test_an_event_is_a_ubi_event_too(engine):
    engine.run(profiles.append(ADA, event("p1", "click", "red sofa")))
    engine.client.indices.refresh(index=EVENTS)
    (hit,) = engine.client.search(index=EVENTS)["hits"]["hits"]
    assert hit["_source"] == {
        "application": "endcap",
        "action_name": "click",
        "client_id": ADA,
        "timestamp": "2026-11-23T10:00:00.000Z",
        "user_query": "red sofa",
        "event_attributes": {"object": {"object_id": "p1", "object_id_field": "_id"}},
    }


def test_the_profile_is_bounded_and_the_ubi_events_are_not(engine, monkeypatch):
    monkeypatch.setattr(profiles, "LENGTH", 3)
    for number in range(5):
        engine.run(profiles.append(ADA, event(f"p{number}")))
    profile = engine.run(profiles.get(ADA))
    assert (items(profile), profile.version) == (["p2", "p3", "p4"], 5)
    assert engine.events(ADA) == ["p0", "p1", "p2", "p3", "p4"]


def test_what_was_merely_shown_is_a_ubi_event_only(engine):
    engine.run(profiles.append(ADA, event("p1")))
    profile = engine.run(profiles.append(ADA, event("p2", "impression")))
    assert profile == engine.run(profiles.get(ADA)) == Profile((event("p1"),), 1)
    assert engine.events(ADA) == ["p1", "p2"]


def test_an_action_of_the_shop_s_own_is_kept_and_said_once(engine, caplog):
    profiles._say_once.cache_clear()
    with caplog.at_level(logging.WARNING, "endcap"):
        for number in range(2):
            engine.run(profiles.append(ADA, event(f"p{number}", "purchse")))
        engine.run(profiles.append(ADA, event("p2", "purchase")))
    (record,) = caplog.records
    assert record.getMessage() == (
        "action 'purchse' is kept, and counts as a view: it is none of impression, view, click,"
        " watch, add_to_cart, purchase"
    )
    actions = [each.action for each in engine.run(profiles.get(ADA)).events]
    assert actions == ["purchse", "purchse", "purchase"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (event(""), "an event's item is ''; it takes a text, in quotes"),
        (event(None), "an event's item is None"),
        (event(7), "an event's item is 7"),
        (event("p1", ""), "an event's action is ''"),
    ],
)
def test_an_event_of_nothing_is_refused(wrong, message):
    engine = Answers()
    with pytest.raises(ProfileError, match=message):
        engine.run(profiles.append(ADA, wrong))
    assert engine.calls == []


# Several writers


@pytest.mark.parametrize("known", [False, True], ids=["first event", "later event"])
def test_who_comes_second_writes_behind_the_first(engine, known):
    """Between reading and writing, another writer is served three times."""
    before = ["p0"] if known else []
    for item in before:
        engine.run(profiles.append(ADA, event(item)))
    others = ["p1", "p2", "p3"]

    def barge_in(call):
        if call.method == "bulk" and others:
            other, engine.before = others.pop(0), lambda call: None
            engine.run(profiles.append(ADA, event(other)))
            engine.before = barge_in

    engine.before = barge_in
    written = engine.run(profiles.append(ADA, event("p4")))
    assert items(written) == [*before, "p1", "p2", "p3", "p4"]
    assert engine.run(profiles.get(ADA)) == written
    assert engine.events(ADA) == [*before, "p1", "p2", "p3", "p4"]


def test_writers_at_once_lose_nothing_and_keep_their_order(engine):
    start = threading.Barrier(WRITERS)

    def write(writer):
        start.wait()
        for number in range(EACH):
            engine.run(profiles.append(ADA, event(f"{writer}.{number}")))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    profile = engine.run(profiles.get(ADA))
    written = [f"{writer}.{number}" for writer in range(WRITERS) for number in range(EACH)]
    assert sorted(items(profile)) == engine.events(ADA) == sorted(written)
    assert profile.version == WRITERS * EACH
    for writer in range(WRITERS):
        own = [item for item in items(profile) if item.startswith(f"{writer}.")]
        assert own == [f"{writer}.{number}" for number in range(EACH)]


def test_a_conflict_is_read_and_written_again_under_one_id():
    engine = Answers(
        get=[{"found": False}, standing(4, "p0"), standing(7, "p0", "p1")],
        bulk=[bulk(CREATED, CONFLICT), bulk(CONFLICT, CONFLICT), bulk(CONFLICT, CREATED)],
    )
    assert items(engine.run(profiles.append(ADA, event("p2")))) == ["p0", "p1", "p2"]
    bodies = engine.bodies("bulk")
    assert len({body[0]["create"]["_id"] for body in bodies}) == 1
    place = {"_index": PROFILES, "_id": ADA}
    assert [body[2] for body in bodies] == [
        {"create": place},
        {"index": {**place, "if_seq_no": 4, "if_primary_term": 1}},
        {"index": {**place, "if_seq_no": 7, "if_primary_term": 1}},
    ]


def test_two_events_never_have_one_id():
    engine = Answers(get=[{"found": False}], bulk=[bulk(CREATED, CREATED)])
    for _ in range(2):
        engine.run(profiles.append(ADA, event("p1")))
    first, second = (body[0]["create"]["_id"] for body in engine.bodies("bulk"))
    assert first != second


def test_endless_conflicts_are_given_up():
    engine = Answers(get=[standing(4, "p0")], bulk=[bulk(CREATED, CONFLICT)])
    with pytest.raises(ProfileError, match="was not kept: 100 times another writer was first"):
        engine.run(profiles.append(ADA, event("p1")))
    assert len(engine.bodies("bulk")) == profiles.TRIES


# What the engine refuses


@pytest.mark.parametrize("results", [(CREATED, REFUSED), (REFUSED, CREATED), (REFUSED, CONFLICT)])
def test_an_event_that_is_refused_in_part_is_said(results):
    engine = Answers(get=[{"found": False}], bulk=[bulk(*results)])
    with pytest.raises(ProfileError, match="1 .* not kept in an-index: too many requests"):
        engine.run(profiles.append(ADA, event("p1")))
    assert len(engine.bodies("bulk")) == 1


def test_an_impression_that_is_refused_is_said():
    engine = Answers(bulk=[bulk(REFUSED)])
    with pytest.raises(ProfileError, match="not kept in an-index: too many requests"):
        engine.run(profiles.append(ADA, event("p1", "impression")))


def test_a_profile_of_another_format_is_neither_read_nor_written(engine):
    body = {"format": 2, "version": 1, "events": []}
    engine.client.index(index=PROFILES, id=ADA, body=body)
    for steps in (profiles.get(ADA), profiles.append(ADA, event("p1"))):
        with pytest.raises(ProfileError, match="has format 2, this version reads 1"):
            engine.run(steps)
    assert engine.client.get(index=PROFILES, id=ADA)["_source"] == body
    engine.run(profiles.forget(ADA))
    assert items(engine.run(profiles.append(ADA, event("p1")))) == ["p1"]


@pytest.mark.parametrize(
    "body",
    [
        {"format": 1},
        {"format": 1, "version": 1, "events": None},
        {"format": 1, "version": None, "events": []},
        {"format": 1, "version": 1, "events": [{"item": "p1"}]},
        {"format": 1, "version": 1, "events": ["p1"]},
    ],
)
def test_a_damaged_profile_is_said(engine, body):
    engine.client.index(index=PROFILES, id=ADA, body=body)
    with pytest.raises(ProfileError, match="a profile is damaged .* forget the shopper"):
        engine.run(profiles.get(ADA))


# Forget


def test_forgetting_removes_everything_of_one_shopper(engine, monkeypatch):
    monkeypatch.setattr(profiles, "BATCH", 3)
    for number in range(8):
        engine.run(profiles.append(ADA, event(f"p{number}")))
    engine.run(profiles.append(BOB, event("p0")))
    assert engine.run(profiles.forget(ADA)) == 8
    assert engine.run(profiles.get(ADA)) == Profile()
    assert engine.events(ADA) == []
    assert items(engine.run(profiles.get(BOB))) == engine.events(BOB) == ["p0"]
    assert engine.run(profiles.forget(ADA)) == 0


def test_that_a_shopper_is_forgotten_is_kept_first(engine):
    """So that it is known whose traces are still to be removed, also where the rest fails."""
    engine.run(profiles.append(ADA, event("p0")))

    def fail(call):
        if call.method == "delete":
            raise opensearchpy.ConnectionError("N/A", "gone", None)

    engine.before = fail
    with pytest.raises(opensearchpy.ConnectionError):
        engine.run(profiles.forget(ADA))
    assert engine.client.exists(index=FORGOTTEN, id=ADA)


def test_who_was_forgotten_begins_anew(engine):
    for number in range(3):
        engine.run(profiles.append(ADA, event(f"p{number}")))
    engine.run(profiles.forget(ADA))
    engine.run(profiles.append(ADA, event("p9")))
    assert engine.run(profiles.get(ADA)) == Profile((event("p9"),), 1)
    assert engine.events(ADA) == ["p9"]


def test_an_event_that_crosses_a_forgetting_begins_anew(engine):
    """It had read the old profile, and must not write it again."""
    engine.run(profiles.append(ADA, event("p0")))

    def forget_first(call):
        if call.method == "bulk":
            engine.before = lambda call: None
            engine.run(profiles.forget(ADA))

    engine.before = forget_first
    engine.run(profiles.append(ADA, event("p1")))
    assert engine.run(profiles.get(ADA)) == Profile((event("p1"),), 1)


def found(*ids, failed=0):
    return {"_shards": {"failed": failed}, "hits": {"hits": [{"_id": id} for id in ids]}}


def forgetting(**answers):
    kept = {"indices__exists": [True], "index": [{}]}
    return Answers(**{**kept, "delete": [{}], "indices__refresh": [{}], **answers})


@pytest.mark.parametrize("result", [REFUSED, CONFLICT], ids=["refused", "conflict"])
def test_a_refused_removal_is_said_and_not_repeated(result):
    removed = {"status": 200, "result": "deleted"}
    engine = forgetting(
        search=[found("1", "2", "3")], bulk=[bulk(removed, result, result, action="delete")]
    )
    reason = result["error"]["reason"]
    with pytest.raises(ProfileError, match=f"2 .* not removed in an-index: {reason}"):
        engine.run(profiles.forget(ADA))
    assert len(engine.bodies("bulk")) == 1


def test_what_another_had_removed_already_is_no_error():
    gone = {"status": 404, "result": "not_found"}
    engine = forgetting(search=[found("1"), found()], bulk=[bulk(gone, action="delete")])
    assert engine.run(profiles.forget(ADA)) == 1


def test_forgetting_ends_where_the_removed_is_found_again():
    removed = {"status": 200, "result": "deleted"}
    engine = forgetting(search=[found("1", "2")], bulk=[bulk(removed, removed, action="delete")])
    with pytest.raises(ProfileError, match="ubi_events still finds 2 events that were removed"):
        engine.run(profiles.forget(ADA))
    assert len(engine.bodies("bulk")) == 1


def test_a_part_that_was_not_searched_is_not_taken_for_empty():
    engine = forgetting(search=[found(failed=1)])
    with pytest.raises(ProfileError, match="a part of ubi_events was not searched"):
        engine.run(profiles.forget(ADA))


def test_what_is_refused_as_a_whole_is_the_engine_s_error():
    forbidden = opensearchpy.AuthorizationException(403, "security_exception", {})
    engine = forgetting(search=[found("1")], bulk=[forbidden])
    with pytest.raises(opensearchpy.AuthorizationException):
        engine.run(profiles.forget(ADA))


# The indices


def test_indices_that_are_there_are_left_alone(engine):
    engine.run(profiles.append(ADA, event("p1")))
    engine.run(profiles.ensure_indices())
    assert items(engine.run(profiles.get(ADA))) == ["p1"]


def test_another_process_may_create_the_indices_first(tmp_path):
    """It does so between the look and the creation."""
    engine = Engine(tmp_path / "engine")
    seen = []

    def create_first(call):
        if call.method == "indices.create":
            seen.append(call.arguments["index"])
            engine.client.indices.create(**call.arguments)

    engine.before = create_first
    engine.run(profiles.ensure_indices())
    assert seen == [PROFILES, EVENTS]
    engine.client.close()


def test_a_refused_mapping_is_not_hidden():
    refused = opensearchpy.RequestError(400, "mapper_parsing_exception", {})
    engine = Answers(indices__exists=[False], indices__create=[refused])
    with pytest.raises(opensearchpy.RequestError, match="mapper_parsing_exception"):
        engine.run(profiles.ensure_indices())
