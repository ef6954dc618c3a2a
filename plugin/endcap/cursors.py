"""The cursor of a page: what the next page must pin, so that pages agree even when the shopper
clicks in between.
"""

import base64
import binascii
import json
from typing import NamedTuple

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
        try:
            generation, model, profile = json.loads(
                base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            )
        except (ValueError, TypeError, binascii.Error) as error:
            raise RequestError(
                "ext.endcap.cursor is not one of ours;"
                " send back what the first page's ext.endcap.cursor held"
            ) from error
        return cls(generation, model, profile)
