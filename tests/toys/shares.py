"""How much of a test is run: a share, or with ENDCAP_FAULTS=full all of it."""

import os

FULL = os.environ.get("ENDCAP_FAULTS") == "full"


def share(some: int, *, of: int) -> int:
    return of if FULL else some
