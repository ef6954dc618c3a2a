"""The cursor of a page: what the next page must pin, so that pages agree even when the shopper
clicks in between.
"""

import base64
import json
from typing import Any, NamedTuple

from endcap.exceptions import RequestError


class Cursor(NamedTuple):
    """Of the search it was answered with: generation, model and the version of the shopper's
    profile.
    """

    generation: str
    model: str | None
    profile: int | None

    def encode(self) -> str:
        """URL-safe text."""
        return base64.urlsafe_b64encode(json.dumps(self).encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Raises `RequestError` for anything that `encode` did not write."""
        match _parse(text):
            case [str(generation), str() | None as model, int() | None as profile]:
                cursor = cls(generation, model, profile)
                counted = profile is None or (not isinstance(profile, bool) and profile >= 0)
                if counted and cursor.encode() == text:
                    return cursor
        raise RequestError(
            "ext.endcap.cursor is not one of ours;"
            " send back what the first page's ext.endcap.cursor held"
        )


def _parse(text: str) -> Any:
    """The JSON that a cursor wraps; None for what wraps none."""
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError):  # binascii.Error is a ValueError
        return None
