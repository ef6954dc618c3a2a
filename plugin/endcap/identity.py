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


class Identity:
    """Turns the ids of shoppers and sessions into HMAC-SHA256 hashes (RFC 2104), in hexadecimal.

    The key is `ENDCAP_USER_KEY`, or one that is made on the first run and kept in the store with
    mode 600.
    """

    def __init__(self, store: Path) -> None:
        self._key = _read_key(Path(store))

    def shopper(self, user: str | None, session: str | None) -> str:
        """The hash of a user, or of an anonymous session where there is no user."""
        kind, name = ("user", user) if user is not None else ("session", session)
        if not name:
            raise ConfigurationError("a shopper needs user= or session=, and neither may be empty")
        return hmac.new(self._key, f"{kind}:{name}".encode(), hashlib.sha256).hexdigest()


def _read_key(store: Path) -> bytes:
    if given := os.environ.get(VARIABLE):
        return given.encode()
    path = store / KEY_FILE
    if not path.exists():
        made = path.with_name(f".{KEY_FILE}.{secrets.token_hex(4)}")
        files.write_file(made, secrets.token_hex(32).encode(), mode=0o600)
        try:
            os.link(made, path)  # the first of several processes wins, the others read its key
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_bytes()
