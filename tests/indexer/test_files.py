import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from failing_disk import FailingDisk
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from endcap_indexer import files
from endcap_indexer.exceptions import ChecksumError, GenerationError
from endcap_indexer.files import FolderWriter, open_folder, read_manifest, write_file


def write_folder(path: Path, text: bytes = b"hello") -> None:
    with FolderWriter(path, "toy", format=1) as folder:
        folder.write("text", text)
        with folder.array("rows.npy", np.float16, 2) as rows:
            rows.append(np.array([[1, 2], [3, 4]], np.float32))
            rows.append(np.array([[5, 6]], np.float32))
        folder.save("ids.npy", np.array([b"a", b"bc"]))
        folder.commit({"answer": 42})


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "file"
    write_file(path, b"old")
    write_file(path, [b"ne", b"w"])
    assert path.read_bytes() == b"new"
    assert [file.name for file in path.parent.iterdir()] == ["file"]


def test_a_secret_is_created_secret(tmp_path):
    write_file(tmp_path / "key", b"secret", mode=0o600)
    assert stat.S_IMODE(os.stat(tmp_path / "key").st_mode) == 0o600


@pytest.mark.parametrize("fail_at", [1, 2, 3, 4])
def test_a_file_is_old_or_new_whatever_fails(tmp_path, monkeypatch, fail_at):
    path = tmp_path / "file"
    write_file(path, b"old")
    monkeypatch.setattr(files, "DISK", FailingDisk(fail_at))
    with pytest.raises(OSError, match="injected"):
        write_file(path, b"new")
    # write, fsync and rename fail before the swap, the folder's fsync after it
    assert path.read_bytes() == (b"new" if fail_at == 4 else b"old")
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_read_as_it_was_written(tmp_path):
    write_folder(tmp_path / "toy")
    folder = open_folder(tmp_path / "toy", "toy", format=1)
    assert folder.read("text") == b"hello"
    np.testing.assert_array_equal(folder.array("rows.npy"), [[1, 2], [3, 4], [5, 6]])
    assert folder.array("rows.npy").dtype == np.float16
    assert isinstance(folder.array("rows.npy"), np.memmap)
    assert not isinstance(folder.array("rows.npy", mapped=False), np.memmap)
    assert folder.array("ids.npy").tolist() == [b"a", b"bc"]
    assert folder.manifest["answer"] == 42
    assert set(folder.manifest["files"]) == {"text", "rows.npy", "ids.npy"}


def test_an_array_may_be_empty(tmp_path):
    with FolderWriter(tmp_path / "toy", "toy", format=1) as folder:
        with folder.array("rows.npy", np.float16, 3) as rows:
            rows.append(np.zeros((0, 3)))
        folder.commit({})
    assert open_folder(tmp_path / "toy", "toy", format=1).array("rows.npy").shape == (0, 3)


@given(
    chunks=st.lists(
        st.integers(0, 5).flatmap(
            lambda n: arrays.arrays(np.float32, (n, 3), elements=st.floats(width=32))
        ),
        max_size=5,
    )
)
def test_appended_chunks_are_their_concatenation(tmp_path_factory, chunks):
    path = tmp_path_factory.mktemp("chunks") / "toy"
    with FolderWriter(path, "toy", format=1) as folder:
        with folder.array("rows.npy", np.float32, 3) as rows:
            for chunk in chunks:
                rows.append(chunk)
        folder.commit({})
    whole = np.concatenate([np.zeros((0, 3), np.float32), *chunks])
    np.testing.assert_array_equal(open_folder(path, "toy", format=1).array("rows.npy"), whole)


def test_rows_of_another_shape_are_refused(tmp_path):
    with FolderWriter(tmp_path / "toy", "toy", format=1) as folder:
        with pytest.raises(ValueError, match=r"rows of shape \(3,\), expected \(2,\)"):
            with folder.array("rows.npy", np.float16, 2) as rows:
                rows.append(np.zeros((1, 3)))


def test_without_commit_nothing_appears(tmp_path):
    with pytest.raises(KeyError), FolderWriter(tmp_path / "toy", "toy", format=1) as folder:
        folder.write("text", b"hello")
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_leftovers_of_a_dead_build_are_replaced(tmp_path):
    (tmp_path / "toy.building").mkdir()
    (tmp_path / "toy.building" / "junk").write_bytes(b"junk")
    write_folder(tmp_path / "toy")
    assert [path.name for path in tmp_path.iterdir()] == ["toy"]
    assert not (tmp_path / "toy" / "junk").exists()


def test_a_folder_is_never_overwritten(tmp_path):
    write_folder(tmp_path / "toy")
    with pytest.raises(GenerationError, match="toy exists already"):
        write_folder(tmp_path / "toy", b"other")
    assert open_folder(tmp_path / "toy", "toy", format=1).read("text") == b"hello"


def test_a_folder_is_whole_or_absent_whatever_fails(tmp_path, monkeypatch):
    counting = FailingDisk()
    monkeypatch.setattr(files, "DISK", counting)
    write_folder(tmp_path / "counted")
    assert counting.count > 10
    for fail_at in range(1, counting.count + 1):
        path = tmp_path / f"toy{fail_at}"
        monkeypatch.setattr(files, "DISK", FailingDisk(fail_at))
        with pytest.raises(OSError, match="injected"):
            write_folder(path)
        monkeypatch.setattr(files, "DISK", files.Disk())
        if not path.exists():
            write_folder(path)
        assert open_folder(path, "toy", format=1).read("text") == b"hello"


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (damage, r"rows\.npy is damaged: 140 bytes, .* build toy again"),
        (lambda path: path.write_bytes(b""), r"rows\.npy is damaged: 0 bytes, .* build toy again"),
        (Path.unlink, r"rows\.npy is missing; build toy again"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, spoil, message):
    write_folder(tmp_path / "toy")
    spoil(tmp_path / "toy" / "rows.npy")
    with pytest.raises(ChecksumError, match=message):
        open_folder(tmp_path / "toy", "toy", format=1)
    assert read_manifest(tmp_path / "toy", "toy", format=1)["answer"] == 42


def test_what_is_no_such_folder_says_what_to_do(tmp_path):
    write_folder(tmp_path / "toy")
    with pytest.raises(GenerationError, match="no finished toy; build it again"):
        open_folder(tmp_path / "nothing", "toy", format=1)
    with pytest.raises(GenerationError, match="is no encoder"):
        open_folder(tmp_path / "toy", "encoder", format=1)
    with pytest.raises(GenerationError, match="has format 1, this version reads toy format 2"):
        open_folder(tmp_path / "toy", "toy", format=2)
    with pytest.raises(GenerationError, match="names no file 'other'"):
        open_folder(tmp_path / "toy", "toy", format=1).file("other")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"kind": "toy", "format": 1}'])
def test_a_broken_manifest_is_refused(tmp_path, content):
    write_folder(tmp_path / "toy")
    (tmp_path / "toy" / "manifest.json").write_bytes(content)
    with pytest.raises(GenerationError, match="toy"):
        open_folder(tmp_path / "toy", "toy", format=1)


def test_removal_takes_the_manifest_first(tmp_path, monkeypatch):
    write_folder(tmp_path / "toy")
    monkeypatch.setattr(files, "DISK", FailingDisk(2))
    with pytest.raises(OSError, match="injected"):
        files.remove_folder(tmp_path / "toy")
    assert "manifest.json" not in os.listdir(tmp_path / "toy")
    files.remove_folder(tmp_path / "toy")
    assert list(tmp_path.iterdir()) == []


def test_the_manifest_is_readable_json(tmp_path):
    write_folder(tmp_path / "toy")
    manifest = json.loads((tmp_path / "toy" / "manifest.json").read_text())
    assert manifest["files"]["text"]["bytes"] == 5
