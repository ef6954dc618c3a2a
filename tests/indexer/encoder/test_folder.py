import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from failing_disk import FailingDisk

from endcap_indexer import files
from endcap_indexer.encoder import OnnxEncoder
from endcap_indexer.encoder.folder import (
    EncoderConfiguration,
    is_encoder,
    read_folder,
    read_json,
    stored_folders,
    write_folder,
)
from endcap_indexer.exceptions import EncoderError

CONFIGURATION = EncoderConfiguration("shop/toy", max_length=8, pooling="mean")


def put(store, folder, configuration=CONFIGURATION, check=OnnxEncoder):
    return write_folder(
        store, folder / "model.onnx", folder / "tokenizer.json", configuration, check=check
    )


def test_a_configuration_is_read_as_it_was_written(tmp_path):
    written = EncoderConfiguration("shop/é", 256, "cls", "query: ", "passage: ", "53aa", False)
    (tmp_path / "config.json").write_bytes(written.to_bytes())
    assert EncoderConfiguration.read(tmp_path) == written


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "not an encoder's of format 1"),
        ({"max_length": "256"}, "field 'max_length' with value '256'"),
        ({"max_length": True}, "field 'max_length' with value True"),
        ({"max_length": 2}, "3 tokens or more"),
        ({"pooling": "max"}, "pooling 'max' is unknown; choose from"),
        ({"speed": 1}, "field 'speed'"),
    ],
)
def test_a_wrong_field_is_named(toy, change, message):
    with pytest.raises(EncoderError, match=message):
        EncoderConfiguration.read(toy(**change))


def test_missing_fields_are_named(tmp_path):
    (tmp_path / "config.json").write_text('{"format": 1, "model": "toy"}')
    with pytest.raises(EncoderError, match="lacks max_length, pooling"):
        EncoderConfiguration.read(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", "\xff"])
def test_what_is_no_json_object_is_named(tmp_path, content):
    (tmp_path / "config.json").write_text(content, encoding="latin-1")
    with pytest.raises(EncoderError, match=r"config\.json"):
        read_json(tmp_path / "config.json")


def test_our_configuration_is_told_from_that_of_transformers(toy, tmp_path):
    assert is_encoder(toy())
    assert not is_encoder(tmp_path)
    (tmp_path / "config.json").write_text('{"max_position_embeddings": 512}')
    assert not is_encoder(tmp_path)


def test_the_store_names_a_folder_by_its_digest_and_checks_it(toy, tmp_path):
    path = put(tmp_path / "store", toy())
    assert path.parent == tmp_path / "store" / "encoders"
    stored = read_folder(path)
    assert stored.digest == path.name
    assert stored.name == f"toy-{path.name}" == OnnxEncoder(tmp_path / "toy").name
    assert {file.name for file in path.iterdir()} == {
        "model.onnx", "tokenizer.json", "config.json", "manifest.json"
    }  # fmt: skip


def test_the_same_encoder_is_stored_once(toy, tmp_path):
    first = put(tmp_path, folder := toy())
    before = (first / "manifest.json").stat()
    assert put(tmp_path, folder) == first
    assert (first / "manifest.json").stat() == before
    assert stored_folders(tmp_path) == [first]


def test_large_models_bring_their_weights_beside_the_graph(toy, tmp_path):
    small = put(tmp_path, folder := toy())
    (folder / "model.onnx_data").write_bytes(b"weights")
    large = put(tmp_path, folder)
    assert large != small
    assert (large / "model.onnx_data").read_bytes() == b"weights"


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json", "config.json"])
def test_a_damaged_file_of_the_store_is_found_on_opening(toy, tmp_path, file):
    path = put(tmp_path, toy())
    content = bytearray((path / file).read_bytes())
    content[len(content) // 2] ^= 1
    if file == "config.json":
        content = bytearray((path / file).read_bytes().replace(b": 8", b": 9"))
    (path / file).write_bytes(content)
    with pytest.raises(EncoderError, match=rf"{file} is damaged.*remove .* prepare the encoder"):
        OnnxEncoder(path)


def test_what_does_not_pass_the_check_stays_out_of_the_store(toy, tmp_path):
    def refuse(path):
        assert {file.name for file in path.iterdir()} == {
            "model.onnx", "tokenizer.json", "config.json"
        }  # fmt: skip
        raise EncoderError("not this one")

    with pytest.raises(EncoderError, match="not this one"):
        put(tmp_path, toy(), check=refuse)
    assert stored_folders(tmp_path) == []
    assert [path.name for path in (tmp_path / "encoders").iterdir()] == [".lock"]


class Crash(BaseException):
    """The process is gone: nothing may catch this."""


def test_a_crash_at_any_moment_leaves_no_encoder_or_a_whole_one(toy, tmp_path, monkeypatch):
    folder, crashes = toy(), 0
    for survived in range(100):
        store = tmp_path / f"store-{survived}"
        with monkeypatch.context() as patch, suppress(Crash):
            patch.setattr(files, "DISK", FailingDisk(survived + 1, dead=True, error=Crash))
            crashes += 1
            put(store, folder)
            crashes -= 1
        for path in stored_folders(store):
            OnnxEncoder(path)
        assert OnnxEncoder(put(store, folder)).dimension == 3, "the next attempt succeeds"
        if crashes == survived:
            break
    assert crashes > 8, "graph, tokenizer, configuration, manifest: each written and synced"


def test_two_preparations_at_once_store_one_encoder(toy, tmp_path):
    folder = toy()
    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(lambda _: put(tmp_path / "store", folder), range(8)))
    assert len(paths) == 1
    assert stored_folders(tmp_path / "store") == list(paths)


def test_the_manifest_says_what_it_holds(toy, tmp_path):
    manifest = json.loads((put(tmp_path, toy()) / "manifest.json").read_text())
    assert (manifest["kind"], manifest["format"], manifest["model"]) == ("encoder", 1, "shop/toy")


def test_whose_the_prompts_are_is_known_but_decides_no_vector():
    prompted = CONFIGURATION.with_prompts(("query: ", ""))
    assert (prompted.prompts, prompted.own_prompts) == (("query: ", ""), False)
    assert CONFIGURATION.with_prompts(("", "")) == CONFIGURATION.with_prompts(None) == CONFIGURATION
    back = prompted.with_prompts(("", ""))
    assert not back.own_prompts
    assert back.digest({}) == CONFIGURATION.digest({})
