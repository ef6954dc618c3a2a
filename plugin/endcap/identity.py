"""Who a shopper is to the store: a keyed hash, never the shop's own id."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from endcap.exceptions import ConfigurationError
from endcap_indexer import files

VARIABLE = "ENDCAP_USER_KEY"
KEY_FILE = "user.key"
DIGITS = 64  # of a key that is made; the line below it has as many, of its SHA-256


class Identity:
    """Turns the ids of shoppers and sessions into HMAC-SHA256 hashes (RFC 2104), in hexadecimal.

    The key is `ENDCAP_USER_KEY`, or one that is made on the first run and kept in the store with
    mode 600; raises `ConfigurationError` where it can be neither read nor made, or is damaged.
    """

    def __init__(self, store: Path) -> None:
        self._key = _read_key(Path(store))

    def shopper(self, user: str | None, session: str | None) -> str:
        """The hash of a user, or of an anonymous session where there is no user."""
        kind, name = ("user", user) if user is not None else ("session", session)
        if not isinstance(name, str) or not name:
            raise ConfigurationError(
                f"a shopper needs user= or session=, a text that is not empty; {kind} is {name!r}"
            )
        return hmac.new(self._key, f"{kind}:{name}".encode(), hashlib.sha256).hexdigest()


def _read_key(store: Path) -> bytes:
    if given := os.environ.get(VARIABLE):
        return given.encode()
    path = store / KEY_FILE
    try:
        if not path.exists():
            _make_key(path)
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"the key that hashes shoppers' ids is not to be had: {error}; set {VARIABLE},"
            f" or give {store} a {KEY_FILE} that may be read"
        ) from error
    if not content:
        raise ConfigurationError(f"{path} is empty; restore it, or set {VARIABLE}")
    return _verified(path, content)


def _verified(path: Path, content: bytes) -> bytes:
    """The key in a file that was made here; one of an earlier version, or of the shop's own, is as
    it is.
    """
    if len(content) != 2 * DIGITS + 1:
        return content
    key = content[:DIGITS]
    if content != _with_checksum(key):
        raise ConfigurationError(
            f"{path} is damaged, and with another key every shopper is a stranger; restore it, or"
            f" set {VARIABLE}"
        )
    return key


def _with_checksum(key: bytes) -> bytes:
    return b"%s\n%s" % (key, hashlib.sha256(key).hexdigest().encode())


def _make_key(path: Path) -> None:
    """The first of several processes wins, the others read its key."""
    made = path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
    key = secrets.token_hex(DIGITS // 2).encode()
    files.write_file(made, _with_checksum(key), mode=0o600)
    try:
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        made.unlink()
    files.sync_folder(path.parent)
