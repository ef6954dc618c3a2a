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
from endcap.registry import COOCCURRENCE, LOCK, MODEL, POINTER, TUNING, Registry, model_name
from endcap.tuning import Tuning
from endcap_indexer import files
from endcap_indexer.tensors import serialise
from endcap_reranker import Cooccurrence, Interactions
from endcap_reranker.models import ModelConfiguration, UserItemModel

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
    assert registry.facts("tuning-000001") == FACTS
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


@pytest.fixture
def model() -> UserItemModel:
    configuration = ModelConfiguration(encoder="gru", dimension=8, text_dimension=3)
    return UserItemModel.untrained(configuration, np.array([b"a", b"b"]))


def test_a_model_comes_back_with_what_tells_of_its_training(registry, model):
    name = registry.save_model(model, FACTS, {"run.json": b"{}"})
    assert name == "model-000001"
    found = registry.model(name)
    assert found.configuration == model.configuration
    for tensor, written in model.to_tensors().items():
        np.testing.assert_array_equal(found.to_tensors()[tensor], written)
    assert not found.parameters["items.id"].flags.owndata
    assert (registry.folder / name / "run.json").read_bytes() == b"{}"
    registry.promote(name)
    assert registry.promoted() == {MODEL: name}


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        (b"{", "model-000001: Expecting property name"),
        (b'{"encoder": "telepathy"}', "there is no encoder 'telepathy'"),
        (b'{"taste": 1}', "no part of a model's configuration: taste"),
        (b'{"encoder": "gru", "dimension": 4}', "model-000001: .*; train again"),
    ],
)
def test_a_model_that_does_not_fit_its_configuration_is_refused(
    registry, model, configuration, message
):
    with files.FolderWriter(
        registry.folder / "model-000001", MODEL, format=module.FORMAT
    ) as folder:
        folder.write(module.TENSORS, serialise(model.to_tensors()))
        folder.write(module.CONFIGURATION, configuration)
        folder.commit({"made_by": {}})
    with pytest.raises(ArtefactError, match=message):
        registry.promote("model-000001")


def test_nothing_is_promoted_at_first_and_a_saved_artefact_is_not(registry):
    assert registry.promoted() == {}
    registry.save_tuning(Tuning(), FACTS)
    assert registry.promoted() == {}
    assert model_name({}) is None


def test_promotion_replaces_its_own_kind_only(registry, counted):
    registry.promote(registry.save_cooccurrence(counted, FACTS))
    for _ in range(2):
        registry.promote(registry.save_tuning(Tuning(), FACTS))
    promoted = {COOCCURRENCE: "cooccurrence-000001", TUNING: "tuning-000002"}
    assert registry.promoted() == promoted
    assert model_name(promoted) == "cooccurrence-000001+tuning-000002"
    assert model_name(dict(reversed(promoted.items()))) == model_name(promoted)


def test_the_artefacts_of_two_indices_are_apart(tmp_path):
    mine, other = Registry(tmp_path, "products"), Registry(tmp_path, "books")
    mine.promote(mine.save_tuning(Tuning(), FACTS))
    assert other.promoted() == {}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tuning-000002", "has no manifest.json"),
        ("../products/tuning-000001", "names no artefact; a name is like cooccurrence-000001"),
        ("", "'' names no artefact"),
        ("recipe-000001", "'recipe-000001' names no artefact"),
    ],
)
def test_what_is_not_there_is_not_promoted(registry, name, message):
    registry.promote(registry.save_tuning(Tuning(), FACTS))
    with pytest.raises(ArtefactError, match=message):
        registry.promote(name)
    assert registry.promoted() == {TUNING: "tuning-000001"}


def test_an_artefact_of_another_kind_is_refused_by_its_name(registry, counted):
    name = registry.save_cooccurrence(counted, FACTS)
    with pytest.raises(ArtefactError, match=f"'{name}' names no tuning; a name is like tuning-"):
        registry.tuning(name)


def metrics(model, **baselines):
    return {"metrics": {"metric": "NDCG@10", "model": model, "baselines": baselines}}


def test_what_is_no_better_than_its_baselines_is_not_promoted(registry):
    registry.promote(registry.save_tuning(Tuning(), metrics(0.3, popularity=0.1)))
    worse = registry.save_tuning(Tuning(), metrics(0.2, popularity=0.2, itemknn=0.25, ease=0.1))
    with pytest.raises(ArtefactError) as refused:
        registry.promote(worse)
    assert str(refused.value) == (
        "tuning-000002 is not promoted: NDCG@10 is 0.2000, and of the same run popularity 0.2000,"
        " itemknn 0.2500; train on more events, or pass --force"
    )
    assert registry.promoted() == {TUNING: "tuning-000001"}


def test_a_forced_promotion_says_so_in_the_record(registry):
    fair, worse = (registry.save_tuning(Tuning(), metrics(m, popularity=0.2)) for m in (0.3, 0.1))
    registry.promote(fair, force=True)
    registry.promote(worse, force=True)
    first, second = registry.pointer().history
    assert (first.name, first.before, first.forced, first.reason) == (fair, None, False, None)
    assert (second.name, second.before, second.forced) == (worse, fair, True)
    assert second.reason == "NDCG@10 is 0.1000, and of the same run popularity 0.2000"


def test_as_good_is_not_better(registry):
    name = registry.save_tuning(Tuning(), metrics(float(0), popularity=0.0))
    with pytest.raises(ArtefactError, match="is not promoted"):
        registry.promote(name)


def test_rolling_back_undoes_promotions_of_its_kind_one_by_one(registry, counted):
    names = [registry.save_tuning(Tuning(floor=n / 10), FACTS) for n in range(2)]
    counts = registry.save_cooccurrence(counted, FACTS)
    for name in (names[0], counts, names[1]):
        registry.promote(name)
    assert registry.roll_back(TUNING) == names[0]
    assert registry.promoted() == {TUNING: names[0], COOCCURRENCE: counts}
    assert registry.roll_back(TUNING) is None
    assert registry.promoted() == {COOCCURRENCE: counts}
    with pytest.raises(ArtefactError, match="no tuning was promoted, so there is nothing to go"):
        registry.roll_back(TUNING)
    with pytest.raises(ArtefactError, match="'recipe' is no kind; it takes cooccurrence"):
        registry.roll_back("recipe")


def test_what_cannot_be_used_any_more_is_not_rolled_back_to(registry):
    names = [registry.save_tuning(Tuning(floor=n / 10), FACTS) for n in range(2)]
    for name in names:
        registry.promote(name)
    files.remove_folder(registry.folder / names[0])
    with pytest.raises(ArtefactError, match="has no manifest.json"):
        registry.roll_back(TUNING)
    assert registry.promoted() == {TUNING: names[1]}


def test_artefacts_are_listed_with_what_made_them(registry, counted):
    registry.save_tuning(Tuning(), FACTS)
    registry.promote(registry.save_tuning(Tuning(), {"made": "later"}))
    registry.save_cooccurrence(counted, FACTS)
    (registry.folder / "tuning-000009.building").mkdir()
    found = registry.artefacts()
    assert [(each.name, each.kind, each.promoted, each.facts) for each in found] == [
        ("cooccurrence-000001", COOCCURRENCE, False, FACTS),
        ("tuning-000001", TUNING, False, FACTS),
        ("tuning-000002", TUNING, True, {"made": "later"}),
    ]
    assert all(each.bytes > 0 for each in found)


def test_an_index_without_artefacts_has_none(registry):
    assert registry.artefacts() == []


@pytest.mark.parametrize("damage", ["cut", "gone", "flipped"])
def test_a_damaged_artefact_is_named_and_not_promoted(registry, counted, damage):
    name = registry.save_cooccurrence(counted, FACTS)
    path = registry.folder / name / module.TENSORS
    content = path.read_bytes()
    path.unlink()
    if damage != "gone":
        kept = content[:-1]
        path.write_bytes(kept if damage == "cut" else kept + bytes([content[-1] ^ 1]))
    for use in (registry.cooccurrence, lambda name: registry.promote(name)):
        with pytest.raises(ArtefactError, match=r"tensors\.safetensors is .*train or tune again"):
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
        registry.promote(name)


def test_an_artefact_of_another_format_is_refused(registry):
    name = write_tuning(registry, b"{}", format=1)
    with pytest.raises(ArtefactError, match="has format 1, this version reads tuning format 2"):
        registry.tuning(name)


def test_counts_that_lack_a_tensor_are_refused(registry):
    path = registry.folder / "cooccurrence-000001"
    with files.FolderWriter(path, COOCCURRENCE, format=module.FORMAT) as folder:
        folder.write(module.TENSORS, serialise({"values": np.zeros(1, np.float32)}))
        folder.commit({})
    with pytest.raises(ArtefactError, match=r"cooccurrence-000001: .*lacks.*; train again"):
        registry.promote(path.name)


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
    for use in (registry.promoted, lambda: registry.promote(name)):
        with pytest.raises(ArtefactError, match=rf"promoted\.json {message}.*; remove it, then"):
            use()
    (registry.folder / POINTER).unlink()
    registry.promote(name)
    assert registry.promoted() == {TUNING: name}


@pytest.mark.parametrize("dead", [False, True], ids=["one fault", "dead disk"])
def test_a_fault_at_every_operation_leaves_old_or_new(registry, monkeypatch, dead):
    """Until a save and a promotion need fewer than k operations."""
    registry.promote(registry.save_tuning(Tuning(floor=0.0), FACTS))
    for fail_at in range(1, 100):
        old, new = Tuning(floor=(fail_at - 1) / 100), Tuning(floor=fail_at / 100)
        disk = FailingDisk(fail_at, dead=dead)
        monkeypatch.setattr(files, "DISK", disk)
        with suppress(OSError):
            registry.promote(registry.save_tuning(new, FACTS))
        monkeypatch.setattr(files, "DISK", files.Disk())
        assert registry.tuning(registry.promoted()[TUNING]) in (old, new)
        registry.promote(registry.save_tuning(new, FACTS))
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
        at_once(*(lambda name=name: registry.promote(name) for name in names.values()))
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
