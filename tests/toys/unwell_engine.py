"""An engine of which some requests are refused, or not answered at all."""

import json
import threading
import time
from collections.abc import Callable

from opensearchpy.exceptions import ConnectionTimeout

HANG = "hang"
HANG_S = 0.5  # until the client gives up
HEADERS = {"content-type": "application/json"}
Fault = int | str | None  # a status, HANG, or nothing


class UnwellEngine:
    """Stands between a client and its engine.

    fault: what happens to a request, by its URL and its body, or by a line of an `_msearch`.
    hang_s: how long what hangs does so, unless it is released. asked, asked_at: the URLs, and when
    in `time.monotonic` seconds.
    """

    def __init__(self, client) -> None:
        connection = client.transport.get_connection()
        self._connection, self._plain = connection, connection.perform_request
        connection.perform_request = self.perform_request
        self.fault: Callable[[str, str], Fault] = lambda url, body: None
        self.asked: list[str] = []
        self.asked_at: list[float] = []
        self.hang_s = HANG_S
        self.released = threading.Event()

    def recover(self) -> None:
        """Nothing stands between them any more."""
        self.released.set()
        self._connection.perform_request = self._plain

    def perform_request(
        self, method, url, params=None, body=None, timeout=None, ignore=(), headers=None
    ):
        self.asked.append(url)
        self.asked_at.append(time.monotonic())
        text = body.decode() if isinstance(body, bytes) else body or ""
        given = (method, url, params, body, timeout, ignore, headers)
        whole = self.fault(url, text) if not url.endswith("_msearch") else self.fault(url, "")
        lines = text.splitlines()[1::2] if url.endswith("_msearch") else []
        each = [self.fault("a line", line) for line in lines]
        if HANG in (whole, *each):
            self.released.wait(self.hang_s)
            raise ConnectionTimeout("TIMEOUT", "the engine does not answer", TimeoutError())
        if whole is not None:
            return self._refuse(whole, ignore)
        status, answered, data = self._plain(*given)
        if not any(each):
            return status, answered, data
        answer = json.loads(data)
        for place, refused in enumerate(each):
            if refused is not None:
                answer["responses"][place] = refusal(refused)
        return status, HEADERS, json.dumps(answer)

    def _refuse(self, status, ignore):
        text = json.dumps(refusal(status))
        if status in ignore:
            return status, HEADERS, text
        self._connection._raise_error(status, text, HEADERS["content-type"])


def refusal(status: int) -> dict:
    cause = {"type": "unwell_exception", "reason": "a fault injected"}
    return {"error": {"root_cause": [cause], **cause}, "status": status}


def near(url: str, body: str) -> bool:
    """Whether it is the vector leg's search: the caller's query only scores."""
    return '"should"' in body


def profile(url: str, body: str) -> bool:
    return url.startswith("/endcap_profiles/")


def together(url: str, body: str) -> bool:
    return url.endswith("_msearch")
