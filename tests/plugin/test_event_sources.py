import pytest

from endcap.event_sources import (
    EventSettings,
    identify_by,
    read_engine,
    read_files,
    read_interactions,
)
from endcap.exceptions import ConfigurationError
from endcap.identity import Identity
from endcap_indexer.catalogue import BadRows

DAY = 86_400


@pytest.fixture
def events(tmp_path):
    def write(name, *lines):
        path = tmp_path / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write


def read(*files, **options):
    return read_interactions(read_files(files, pytest.fail), pytest.fail, **options)


def test_a_bad_event_is_named_by_file_and_line(tmp_path):
    path = tmp_path / "a:b.csv"
    path.write_text("user,item,action\nada,p1,view\nada,,view\nbob,p2,stare\n")
    bad_rows = BadRows()
    assert len(read_interactions(read_files([path], bad_rows), bad_rows)) == 1
    assert [(bad.file, bad.line, bad.field) for bad in bad_rows.first] == [
        (str(path), 3, "item"),
        (str(path), 4, "action"),
    ]


def test_queries_may_lie_in_a_file_of_their_own(events):
    clicks = events(
        "events.jsonl",
        '{"client_id": "c", "action_name": "click", "query_id": "q", "timestamp": 1,'
        ' "event_attributes": {"object": {"object_id": "p1"}}}',
    )
    queries = events("queries.jsonl", '{"query_id": "q", "user_query": "red sofa"}')
    for files in ((clicks, queries), (queries, clicks)):
        assert read(*files).query_texts == ("red sofa",)


def test_settings_are_what_the_events_are_read_by(events):
    path = events(
        "events.csv",
        "user,item,action,time",
        "u,a,rent,0",
        f"u,b,view,{DAY}",
        *(f"bot,i{number},view,{number}" for number in range(4)),
    )
    found = read(path, settings=EventSettings({"rent": 4.0}, half_life=1, bots_per_hour=3))
    assert (found.weights.tolist(), found.n_users) == ([2.0, 1.0], 1)
    assert found.report == {"bots": 1, "events of bots": 4}
    apart = read(path, settings=EventSettings({"rent": 4.0}, session_gap=30))
    assert apart.n_users == 3


def test_the_engine_s_own_events_are_those_of_its_profiles(client, store):
    for item, query in (("p001", "red sofa"), ("p002", None)):
        client.record(item=item, user="ada", action="click", query=query)
    client.record(item="p003", session="s1")
    shop_s_own = {
        "client_id": "bob", "action_name": "purchase", "query_id": "q",
        "timestamp": "2026-11-23T09:00:00Z",
        "event_attributes": {"object": {"object_id": "p004"}},
    }  # fmt: skip
    client.index(index="ubi_events", body=shop_s_own)
    client.index(index="ubi_queries", body={"query_id": "q", "user_query": "navy lamp"})
    client.indices.refresh(index="ubi_events,ubi_queries")
    identity = Identity(store)
    found = read_interactions(read_engine(client), pytest.fail, identify=identify_by(identity))
    items = [id.decode() for id in found.item_ids[found.items].tolist()]
    keys = [key.decode() for key in found.user_keys[found.users].tolist()]
    ada, bob = (identity.shopper(user, None) for user in ("ada", "bob"))
    assert sorted(zip(keys, items, strict=True)) == sorted(
        [(ada, "p001"), (ada, "p002"), (identity.shopper(None, "s1"), "p003"), (bob, "p004")]
    )
    assert sorted(found.query_texts) == ["navy lamp", "red sofa"]


def test_an_engine_without_events_is_said(client):
    with pytest.raises(ConfigurationError, match="the engine has no ubi_events"):
        list(read_engine(client))
