import pytest

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.files import FolderWriter
from endcap_indexer.holds import Hold, unheld


@pytest.fixture
def folder(tmp_path):
    with FolderWriter(tmp_path / "folder", "toy", format=1) as writer:
        writer.commit({})
    return tmp_path / "folder"


def is_free(folder):
    with unheld(folder) as free:
        return free


def test_it_is_held_until_nobody_holds_it(folder):
    assert is_free(folder)
    one, two = Hold(folder), Hold(folder)
    del one
    assert not is_free(folder)
    del two
    assert is_free(folder)


def test_what_is_being_removed_cannot_be_held(folder):
    with unheld(folder) as free:
        assert free
        with pytest.raises(GenerationError, match="is being removed; open the live generation"):
            Hold(folder)
    Hold(folder)


def test_what_is_not_finished_is_held_by_nobody(tmp_path):
    assert is_free(tmp_path / "nowhere")
    with pytest.raises(GenerationError, match="is not there, or not finished"):
        Hold(tmp_path / "nowhere")


def test_a_folder_that_may_not_be_written_can_be_held(folder):
    """And nothing about it changes."""
    manifest = folder / "manifest.json"
    manifest.chmod(0o444)
    folder.chmod(0o555)
    before = manifest.stat()
    hold = Hold(folder)
    after = manifest.stat()
    assert (after.st_mtime_ns, after.st_ctime_ns) == (before.st_mtime_ns, before.st_ctime_ns)
    folder.chmod(0o755)
    del hold


def test_a_file_system_without_locks_is_told_of_and_read(folder, monkeypatch, caplog):
    def flock(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", flock)
    Hold(folder)
    assert "folder may be removed while it is read: [Errno 37] No locks" in caplog.text
    with pytest.raises(OSError, match="No locks"):
        is_free(folder)
