import hashlib
import hmac
import os
import stat
import threading

import pytest

from endcap.exceptions import ConfigurationError
from endcap.identity import KEY_FILE, VARIABLE, Identity

PROCESSES = 8
THREADS = 16


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def test_a_shopper_is_the_keyed_hash_of_kind_and_id(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "secret")
    identity = Identity(tmp_path)
    for kind in ("user", "session"):
        expected = hmac.new(b"secret", f"{kind}:ada".encode(), hashlib.sha256).hexdigest()
        assert identity.shopper(**{"user": None, "session": None, kind: "ada"}) == expected


def test_a_user_and_a_session_of_one_name_are_two_shoppers(tmp_path):
    identity = Identity(tmp_path)
    assert identity.shopper("ada", None) != identity.shopper(None, "ada")
    assert identity.shopper("session:ada", None) != identity.shopper(None, "ada")


def test_where_both_are_given_the_user_counts(tmp_path):
    identity = Identity(tmp_path)
    assert identity.shopper("ada", "s1") == identity.shopper("ada", None)


@pytest.mark.parametrize(
    ("user", "session"), [(None, None), ("", None), (None, ""), ("", "s1"), (7, None), (0, None)]
)
def test_nobody_is_no_shopper(tmp_path, user, session):
    with pytest.raises(ConfigurationError, match="needs user= or session="):
        Identity(tmp_path).shopper(user, session)


def test_the_key_is_made_once_and_is_secret(tmp_path):
    first = Identity(tmp_path / "store").shopper("ada", None)
    path = tmp_path / "store" / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes().splitlines()[0]) == 64
    assert Identity(tmp_path / "store").shopper("ada", None) == first
    assert os.listdir(path.parent) == [KEY_FILE]


def test_every_store_has_a_key_of_its_own(tmp_path):
    """So the same shopper has another hash in each: the key does not come from the id."""
    hashes = {Identity(tmp_path / name).shopper("ada", None) for name in "abc"}
    assert len(hashes) == 3


def test_the_variable_wins_over_the_store(tmp_path, monkeypatch):
    kept = Identity(tmp_path).shopper("ada", None)
    monkeypatch.setenv(VARIABLE, "secret")
    assert Identity(tmp_path).shopper("ada", None) != kept
    monkeypatch.setenv(VARIABLE, "")
    assert Identity(tmp_path).shopper("ada", None) == kept


def test_with_the_variable_the_store_is_not_touched(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "secret")
    Identity(tmp_path / "missing").shopper("ada", None)
    assert not (tmp_path / "missing").exists()


def test_threads_that_begin_at_once_agree(tmp_path):
    start, hashes = threading.Barrier(THREADS), []

    def begin():
        start.wait()
        hashes.append(Identity(tmp_path).shopper("ada", None))

    threads = [threading.Thread(target=begin) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(hashes) == THREADS
    assert len(set(hashes)) == 1
    assert os.listdir(tmp_path) == [KEY_FILE]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_processes_that_begin_at_once_agree(tmp_path):
    """Each waits for the end of one pipe, and writes the hash it finds into another."""
    starting, start = os.pipe()
    answers, answer = os.pipe()
    children = []
    for _ in range(PROCESSES):
        if not (child := os.fork()):
            try:
                os.close(start)
                os.read(starting, 1)
                os.write(answer, Identity(tmp_path).shopper("ada", None).encode())
            finally:
                os._exit(0)
        children.append(child)
    os.close(start)
    for child in children:
        os.waitpid(child, 0)
    hashes = os.read(answers, 10_000).decode()
    for descriptor in (starting, answers, answer):
        os.close(descriptor)
    assert hashes == Identity(tmp_path).shopper("ada", None) * PROCESSES


def test_a_store_that_cannot_be_written_says_what_to_set(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigurationError, match=f"set {VARIABLE}") as raised:
        Identity(tmp_path / "file")
    assert isinstance(raised.value.__cause__, OSError)


def test_a_file_system_without_links_says_what_to_set(tmp_path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("endcap.identity.os.link", refuse)
    with pytest.raises(ConfigurationError, match=f"not permitted.*set {VARIABLE}"):
        Identity(tmp_path)
    assert os.listdir(tmp_path) == []


def test_an_empty_key_hides_nothing_and_is_refused(tmp_path):
    (tmp_path / KEY_FILE).touch()
    with pytest.raises(ConfigurationError, match=f"{KEY_FILE} is empty; restore it"):
        Identity(tmp_path)


@pytest.mark.parametrize("place", [0, 40, 63, 64, 65, 128])
def test_a_flipped_bit_makes_nobody_a_stranger(tmp_path, place):
    """Else each shopper would have another hash, and `forget` would find nothing to remove."""
    path = tmp_path / KEY_FILE
    Identity(tmp_path)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"{KEY_FILE} is damaged.*set {VARIABLE}"):
        Identity(tmp_path)


@pytest.mark.parametrize("key", [b"f" * 64, b"f" * 64 + b"\n", b"s3cret"])
def test_a_key_without_a_checksum_is_used_as_it_is(tmp_path, key):
    """Earlier versions made such, and a shop may write its own."""
    (tmp_path / KEY_FILE).write_bytes(key)
    expected = hmac.new(key, b"user:ada", hashlib.sha256).hexdigest()
    assert Identity(tmp_path).shopper("ada", None) == expected


def test_a_key_that_gets_its_checksum_is_the_same_key(tmp_path):
    """As a made one is without the line below it."""
    made = Identity(tmp_path).shopper("ada", None)
    path = tmp_path / KEY_FILE
    path.write_bytes(path.read_bytes().splitlines()[0])
    assert Identity(tmp_path).shopper("ada", None) == made
