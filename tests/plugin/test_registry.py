import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from failing_disk import FailingDisk
from filelock import FileLock

from endcap import registry as module
from endcap.exceptions import ArtefactError
from endcap.registry import COOCCURRENCE, LOCK, POINTER, TUNING, Registry, model_name
from endcap.tuning import Tuning
from endcap_indexer import files
from endcap_reranker import Cooccurrence, Interactions

FACTS = {"made": "by hand"}
SAVERS = 8


@pytest.fixture
def registry(tmp_path) -> Registry:
    return Registry(tmp_path, "products")


@pytest.fixture
def counted() -> Cooccurrence:
    events = [("u1", "a"), ("u1", "b"), ("u2", "a"), ("u2", "b"), ("u3", "b"), ("u3", "c")]
    rows = [
        (f"events:{line}", {"user": user, "item": item, "time": line})
        for line, (user, item) in enumerate(events)
    ]
    return Cooccurrence.count(Interactions.from_rows(rows, on_bad_row=pytest.fail))


def test_artefacts_are_numbered_by_kind(registry, counted):
    assert registry.save_tuning(Tuning(), FACTS) == "tuning-000001"
    assert registry.facts("tuning", "tuning-000001") == FACTS
    assert registry.save_tuning(Tuning(), FACTS) == "tuning-000002"
    assert registry.save_cooccurrence(counted, FACTS) == "cooccurrence-000001"
    assert registry.save_tuning(Tuning(), FACTS) == "tuning-000003"


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ("tuning-000041", "tuning-000042"),
        ("tuning-999999", "tuning-1000000"),
        ("tuning-1000000", "tuning-1000001"),
        ("tuning-000007.building", "tuning-000008"),
        ("tuning-old", "tuning-000001"),
        ("tuning-000005 (copy)", "tuning-000001"),
    ],
)
def test_the_next_number_is_above_every_other(registry, there, expected):
    (registry.folder / there).mkdir(parents=True)
    assert registry.save_tuning(Tuning(), FACTS) == expected


def test_a_tuning_comes_back_with_what_made_it(registry):
    tuning = Tuning(boosts={"title": 3.0}, floor=0.5)
    name = registry.save_tuning(tuning, FACTS)
    assert registry.tuning(name) == tuning
    manifest = json.loads((registry.folder / name / files.MANIFEST).read_bytes())
    assert (manifest["kind"], manifest["made_by"]) == (TUNING, FACTS)


def test_counts_come_back_memory_mapped(registry, counted):
    found = registry.cooccurrence(registry.save_cooccurrence(counted, FACTS))
    for name, tensor in counted.to_tensors().items():
        np.testing.assert_array_equal(found.to_tensors()[name], tensor)
    assert not found.popularity.flags.owndata


def test_nothing_is_promoted_at_first_and_a_saved_artefact_is_not(registry):
    assert registry.promoted() == {}
    registry.save_tuning(Tuning(), FACTS)
    assert registry.promoted() == {}
    assert model_name({}) is None


def test_promotion_replaces_its_own_kind_only(registry, counted):
    registry.promote(COOCCURRENCE, registry.save_cooccurrence(counted, FACTS))
    for _ in range(2):
        registry.promote(TUNING, registry.save_tuning(Tuning(), FACTS))
    promoted = {COOCCURRENCE: "cooccurrence-000001", TUNING: "tuning-000002"}
    assert registry.promoted() == promoted
    assert model_name(promoted) == "cooccurrence-000001+tuning-000002"
    assert model_name(dict(reversed(promoted.items()))) == model_name(promoted)


def test_the_artefacts_of_two_indices_are_apart(tmp_path):
    mine, other = Registry(tmp_path, "products"), Registry(tmp_path, "books")
    mine.promote(TUNING, mine.save_tuning(Tuning(), FACTS))
    assert other.promoted() == {}


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        (TUNING, "tuning-000002", "has no manifest.json"),
        (TUNING, "cooccurrence-000001", "'cooccurrence-000001' names no tuning"),
        (TUNING, "../products/tuning-000001", "names no tuning; a name is like tuning-000001"),
        (TUNING, "", "'' names no tuning"),
        (COOCCURRENCE, "tuning-000001", "names no cooccurrence"),
        ("model", "model-000001", "'model' is no kind; it takes cooccurrence or tuning"),
    ],
)
def test_what_is_not_there_is_not_promoted(registry, kind, name, message):
    registry.promote(TUNING, registry.save_tuning(Tuning(), FACTS))
    with pytest.raises(ArtefactError, match=message):
        registry.promote(kind, name)
    assert registry.promoted() == {TUNING: "tuning-000001"}


@pytest.mark.parametrize("damage", ["cut", "gone", "flipped"])
def test_a_damaged_artefact_is_named_and_not_promoted(registry, counted, damage):
    name = registry.save_cooccurrence(counted, FACTS)
    path = registry.folder / name / "values.npy"
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        kept = content[:-1]
        path.write_bytes(kept if damage == "cut" else kept + bytes([content[-1] ^ 1]))
    for use in (registry.cooccurrence, lambda name: registry.promote(COOCCURRENCE, name)):
        with pytest.raises(ArtefactError, match=r"values\.npy is .*train or tune again"):
            use(name)
    assert registry.promoted() == {}


def write_tuning(registry, content: bytes, format: int = module.FORMAT) -> str:
    path = registry.folder / "tuning-000001"
    with files.FolderWriter(path, TUNING, format=format) as folder:
        folder.write("tuning.json", content)
        folder.commit({})
    return path.name


@pytest.mark.parametrize("content", [b"{", b'{"flour": 1}', b'{"weights": {"lexcal": 1}}'])
def test_a_tuning_that_cannot_be_read_is_not_promoted(registry, content):
    name = write_tuning(registry, content)
    with pytest.raises(ArtefactError, match=r"tuning-000001: .*; tune again"):
        registry.promote(TUNING, name)


def test_an_artefact_of_another_format_is_refused(registry):
    name = write_tuning(registry, b"{}", format=2)
    with pytest.raises(ArtefactError, match="has format 2, this version reads tuning format 1"):
        registry.tuning(name)


def test_counts_that_lack_a_tensor_are_refused(registry):
    path = registry.folder / "cooccurrence-000001"
    with files.FolderWriter(path, COOCCURRENCE, format=module.FORMAT) as folder:
        folder.save("values.npy", np.zeros(1, np.float32))
        folder.commit({})
    with pytest.raises(ArtefactError, match=r"cooccurrence-000001: .*lacks.*; train again"):
        registry.promote(COOCCURRENCE, path.name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged"),
        (b'{"format": 1, "artef', "is damaged"),
        (b"[]", "is damaged"),
        (b"null", "is damaged"),
        (b'{"format": 1}', "is damaged"),
        (b'{"format": 1, "artefacts": ["tuning-000001"]}', "is damaged"),
        (b'{"artefacts": {}}', "is damaged"),
        (b'{"format": 2, "artefacts": {}}', "has format 2, this version reads 1"),
        (b'{"format": null, "artefacts": {}}', "has format None, this version reads 1"),
    ],
)
def test_a_pointer_that_cannot_be_read_says_what_to_do(registry, content, message):
    name = registry.save_tuning(Tuning(), FACTS)
    (registry.folder / POINTER).write_bytes(content)
    for use in (registry.promoted, lambda: registry.promote(TUNING, name)):
        with pytest.raises(ArtefactError, match=rf"promoted\.json {message}.*; remove it, then"):
            use()
    (registry.folder / POINTER).unlink()
    registry.promote(TUNING, name)
    assert registry.promoted() == {TUNING: name}


@pytest.mark.parametrize("dead", [False, True], ids=["one fault", "dead disk"])
def test_a_fault_at_every_operation_leaves_old_or_new(registry, monkeypatch, dead):
    """Until a save and a promotion need fewer than k operations."""
    registry.promote(TUNING, registry.save_tuning(Tuning(floor=0.0), FACTS))
    for fail_at in range(1, 100):
        old, new = Tuning(floor=(fail_at - 1) / 100), Tuning(floor=fail_at / 100)
        disk = FailingDisk(fail_at, dead=dead)
        monkeypatch.setattr(files, "DISK", disk)
        with suppress(OSError):
            registry.promote(TUNING, registry.save_tuning(new, FACTS))
        monkeypatch.setattr(files, "DISK", files.Disk())
        assert registry.tuning(registry.promoted()[TUNING]) in (old, new)
        registry.promote(TUNING, registry.save_tuning(new, FACTS))
        assert registry.tuning(registry.promoted()[TUNING]) == new
        if disk.count < fail_at:
            break
    assert 10 < fail_at < 99


def at_once(*functions):
    """Runs the functions side by side and raises what one of them raised."""
    start = threading.Barrier(len(functions))

    def run(function):
        start.wait()
        function()

    with ThreadPoolExecutor(len(functions)) as pool:
        list(pool.map(run, functions))


def test_savers_at_once_never_write_one_name(tmp_path):
    names = {}

    def save(number):
        registry = Registry(tmp_path, "products")
        names[number] = registry.save_tuning(Tuning(floor=number / SAVERS), FACTS)

    at_once(*(lambda number=number: save(number) for number in range(SAVERS)))
    assert sorted(names.values()) == [f"tuning-{each + 1:06d}" for each in range(SAVERS)]
    registry = Registry(tmp_path, "products")
    for number, name in names.items():
        assert registry.tuning(name).floor == number / SAVERS


def test_promotions_at_once_are_all_kept(registry, counted):
    names = {
        COOCCURRENCE: registry.save_cooccurrence(counted, FACTS),
        TUNING: registry.save_tuning(Tuning(), FACTS),
    }
    for _ in range(10):
        (registry.folder / POINTER).unlink(missing_ok=True)
        at_once(*(lambda item=item: registry.promote(*item) for item in names.items()))
        assert registry.promoted() == names


def test_a_writer_that_does_not_end_is_waited_for_and_then_said(registry, monkeypatch):
    monkeypatch.setattr(module, "WAIT_S", 0.05)
    registry.folder.mkdir(parents=True)
    with (
        FileLock(registry.folder / LOCK),
        pytest.raises(ArtefactError, match="another process has been writing to .*products"),
    ):
        registry.save_tuning(Tuning(), FACTS)
    assert registry.save_tuning(Tuning(), FACTS) == "tuning-000001"
