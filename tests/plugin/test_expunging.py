"""Shoppers who were forgotten leave no trace: all bytes of all files are looked at."""

from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from toy_model import toy_model

import endcap
from endcap import expunging
from endcap.exceptions import ProfileError
from endcap.expunging import checkpoints, expunge
from endcap.identity import Identity
from endcap.profiles import EVENTS, FORGOTTEN, PROFILES
from endcap.registry import Registry

ADA, BOB = "ada@example.com", "bob@example.com"


def say(line):
    pass


def files_with(folder, text):
    return [
        str(path.relative_to(folder))
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and text.encode() in path.read_bytes()
    ]


@pytest.fixture
def key_of(store):
    identity = Identity(store)
    return lambda user: identity.shopper(user, None)


def record(client):
    for user in (ADA, BOB):
        for item in ("p000", "p006", "p012"):
            client.record(user=user, item=item, action="click", query="red sofa")


def save_model(store, users, index="products"):
    """Promoted, with a row of each of these hashes."""
    rows = {key.encode(): np.eye(3)[n] for n, key in enumerate(users)}
    model = toy_model({f"p{n:03}": np.eye(3)[n % 3] for n in range(9)}, encoder="user", users=rows)
    registry = Registry(store, index)
    name = registry.save_model(model, {"interactions": 6}, {"run.json": b"{}"})
    registry.promote(name)
    return name


def test_a_shopper_who_was_forgotten_is_in_no_file(client, store, key_of):
    record(client)
    ada, bob = key_of(ADA), key_of(BOB)
    save_model(store, [ada, bob])
    client.search({"query": {"match": {"title": "sofa"}}}, "products", user=ADA)
    client.indices.refresh(index=EVENTS)
    assert any("tensors" in file for file in files_with(store, ada))
    assert client.forget(user=ADA) == 3
    assert files_with(store, ada)
    done = expunge(client, store, say)
    assert done == (1, {"model-000001": "model-000002"})
    assert files_with(store, ada) == []
    assert files_with(store, bob)
    assert client.count(index=EVENTS)["count"] == 3
    assert client.count(index=PROFILES)["count"] == 1


def test_no_raw_id_is_in_any_file(client, store):
    record(client)
    client.forget(user=ADA)
    assert files_with(store, ADA) == files_with(store, BOB) == []


def test_a_model_is_written_anew_and_stays_promoted(client, store, key_of):
    record(client)
    users = [key_of(user) for user in (ADA, BOB)]
    save_model(store, users)
    untouched = save_model(store, users[1:], index="books")
    before = Registry(store, "products").model("model-000001")
    client.forget(user=ADA)
    expunge(client, store, say)
    registry = Registry(store, "products")
    assert registry.promoted() == {"model": "model-000002"}
    assert [each.name for each in registry.pointer().history] == ["model-000002"]
    assert [each.name for each in registry.artefacts()] == ["model-000002"]
    after = registry.model("model-000002")
    assert after.user_keys.tolist() == [users[1].encode()]
    row = before.parameters["encoder.users"][before.user_keys.tolist().index(users[1].encode())]
    np.testing.assert_array_equal(after.parameters["encoder.users"], [row])
    assert registry.facts("model-000002") == {
        "interactions": 6,
        "dropped": {"from": "model-000001", "rows": 1},
    }
    assert (registry.folder / "model-000002" / "run.json").read_bytes() == b"{}"
    assert Registry(store, "books").promoted() == {"model": untouched}


def test_who_comes_back_in_between_keeps_what_is_new(client, store, key_of):
    record(client)
    save_model(store, [key_of(ADA)])
    client.forget(user=ADA)
    client.record(user=ADA, item="p001")
    expunge(client, store, say)
    assert Registry(store, "products").model("model-000002").user_keys.tolist() == []
    assert client.get(index=PROFILES, id=key_of(ADA))["_source"]["version"] == 1


def test_trainings_that_may_go_on_are_given_up(client, store, key_of):
    record(client)
    checkpoints(store).mkdir()
    (checkpoints(store) / "state").write_text(key_of(ADA))
    client.forget(user=ADA)
    expunge(client, store, say)
    assert files_with(store, key_of(ADA)) == []


def test_a_run_that_was_interrupted_is_repeated(client, store, key_of, monkeypatch):
    record(client)
    save_model(store, [key_of(ADA), key_of(BOB)])
    client.forget(user=ADA)
    with monkeypatch.context() as patch:
        patch.setattr(expunging, "_remove_notes", lambda *_: (_ for _ in ()).throw(OSError("off")))
        with pytest.raises(OSError, match="off"):
            expunge(client, store, say)
    assert expunge(client, store, say).shoppers == 1
    assert files_with(store, key_of(ADA)) == []
    assert Registry(store, "products").model("model-000002").user_keys.tolist() == [
        key_of(BOB).encode()
    ]


def test_many_are_expunged_some_at_a_time(client, store, monkeypatch):
    monkeypatch.setattr(expunging, "BATCH", 2)
    for number in range(5):
        client.forget(user=f"u{number}")
    assert expunge(client, store, say) == (5, {})
    assert client.count(index=FORGOTTEN)["count"] == 0


def test_where_nobody_was_forgotten_nothing_happens(client, store):
    assert expunge(client, store, say) == (0, {})


# On a server


@pytest.fixture
def server(opensearch_url, tmp_path, monkeypatch):
    """A client whose three indices are this test's own."""
    suffix = uuid4().hex[:12]
    for name in ("PROFILES", "EVENTS", "FORGOTTEN"):
        for module in (expunging, endcap.profiles):
            monkeypatch.setattr(module, name, f"expunging-{name.lower()}-{suffix}")
    with endcap.connect(opensearch_url, store=tmp_path, timeout=60) as client:
        yield client
        client.indices.delete(index=f"expunging-*-{suffix}")


def data_folder(client):
    """Where the node keeps its files; None where that is not on this machine."""
    (node,) = client.nodes.info(metric="settings")["nodes"].values()
    path = node["settings"]["path"]
    found = path.get("data", [f"{path['home']}/data"])
    folder = Path(found if isinstance(found, str) else found[0])
    return folder if folder.is_dir() else None


def test_a_server_lets_go_of_a_shopper_who_was_forgotten(server, tmp_path):
    record(server)
    ada, bob = (Identity(tmp_path).shopper(user, None) for user in (ADA, BOB))
    save_model(tmp_path, [ada, bob])
    server.indices.refresh(index=expunging.EVENTS)
    server.forget(user=ADA)
    assert expunge(server, tmp_path, say).shoppers == 1
    for index in (expunging.PROFILES, expunging.EVENTS, expunging.FORGOTTEN):
        found = server.search(index=index, body={"size": 100, "query": {"match_all": {}}})
        assert ada not in str(found)
        settings = str(server.indices.get_settings(index=index))
        assert "expunge_deletes_allowed" not in settings and "retention_lease" not in settings
    assert server.count(index=expunging.EVENTS)["count"] == 3
    assert files_with(tmp_path, ada) == []
    if (folder := data_folder(server)) is not None:
        assert files_with(folder, bob)
        assert files_with(folder, ada) == []


def test_a_server_that_does_not_let_go_is_said(server, tmp_path, monkeypatch):
    monkeypatch.setattr(expunging, "HELD_S", 0.0)
    record(server)
    server.forget(user=ADA)
    with pytest.raises(ProfileError, match="still holds deleted documents after 0 s; expunge"):
        expunge(server, tmp_path, say)
    for index in (expunging.PROFILES, expunging.EVENTS):
        assert "retention_lease" not in str(server.indices.get_settings(index=index))


def test_the_command_says_what_it_did(client, store, key_of):
    from typer.testing import CliRunner

    from endcap.cli import app

    record(client)
    save_model(store, [key_of(ADA)])
    client.forget(user=ADA)
    client.close()
    result = CliRunner().invoke(app, ["expunge", "--store", str(store)])
    assert result.output == (
        "model-000002 takes the place of model-000001\n1 forgotten shoppers are gone\n"
    )
    assert files_with(store, key_of(ADA)) == []
