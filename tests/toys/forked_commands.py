"""Commands of endcap, each in a process of its own that may fail or die at any moment.

The processes are forked from one that has imported everything, so what they do begins at once.
"""

import errno
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Self

from failing_disk import FailingDisk

from endcap_indexer import files

KILLED = -signal.SIGKILL
DIED = 99  # the exit code of a process that ended in the middle of an operation
TRACEBACK = 70  # of one that raised what no command may raise
MODES = ("no space", "dead", "died")
SERVER = """
import runpy, sys
sys.path[:] = sys.argv[2:]
runpy.run_path(sys.argv[1], run_name="__main__")
"""


class Ended(NamedTuple):
    """How a command ended. operations: of its disk; None where it was killed before it told."""

    code: int
    operations: int | None
    said: str


class ForkedCommands:
    """`with ForkedCommands() as commands: commands.run(["reindex", …], kill_after=0.3)`.

    fail_at: at which operation of its disk it fails, counted from 1, and how: "no space" once,
    "dead" at every later one too, so that nothing can be tidied up, or "died", the process itself.
    file_bytes: how large a file may grow.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._server = subprocess.Popen(
            [sys.executable, "-c", SERVER, __file__, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *error: object) -> None:
        self._server.communicate()

    def run(
        self,
        arguments: list[str],
        *,
        kill_after: float | None = None,
        fail_at: int | None = None,
        mode: str = "no space",
        file_bytes: int | None = None,
    ) -> Ended:
        order = {
            "arguments": arguments,
            "kill_after": kill_after,
            "fail_at": fail_at,
            "mode": mode,
            "file_bytes": file_bytes,
        }
        with self._lock:
            self._server.stdin.write(json.dumps(order) + "\n")
            self._server.stdin.flush()
            return Ended(*json.loads(self._server.stdout.readline()))


def serve() -> None:
    """Run what is ordered on stdin, a line each; the answer is how it ended."""
    import faiss  # noqa: F401 - imported here, so that no child has to
    import onnxruntime  # noqa: F401
    import tantivy  # noqa: F401

    from endcap import cli  # noqa: F401
    from endcap_indexer import embedded  # noqa: F401

    for line in sys.stdin:
        sys.stdout.write(json.dumps(fork(json.loads(line))) + "\n")
        sys.stdout.flush()


def fork(order: dict[str, Any]) -> tuple[int, int | None, str]:
    """A child that does what is ordered; how it ended.

    What it says comes by a pipe: its files may not be allowed to grow.
    """
    (told, telling), (heard, saying) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            perform(order, telling, saying)
        finally:
            os._exit(TRACEBACK)
    os.close(telling)
    os.close(saying)
    with os.fdopen(told) as count, os.fdopen(heard, errors="replace") as said:
        hearing = ThreadPoolExecutor(1)
        words = hearing.submit(said.read)
        if order["kill_after"] is not None:
            kill(child, order["kill_after"])
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        hearing.shutdown()
        counted = count.read()
        return code, int(counted) if counted else None, words.result()


def kill(child: int, after: float) -> None:
    """Unless it has ended before: then its number is kept for it, so nobody else is hit."""
    process = os.pidfd_open(child)
    select.select([process], [], [], after)
    os.close(process)
    os.kill(child, signal.SIGKILL)


def perform(order: dict[str, Any], telling: int, saying: int) -> None:
    """In the child: the command, then its exit code."""
    from endcap.cli import app
    from endcap_indexer.generations import embeddings

    os.dup2(saying, sys.stdout.fileno())
    os.dup2(saying, sys.stderr.fileno())
    os.environ["COLUMNS"] = "500"
    embeddings.SAVE_SECONDS = 0.0  # so that an interrupted build has something to go on with
    if order["file_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["file_bytes"],) * 2)
    files.DISK = disk = failing_disk(order["fail_at"], order["mode"])
    code = TRACEBACK
    try:
        app(order["arguments"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it is, it is told
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(telling, str(disk.count).encode())
    os._exit(code)


def failing_disk(fail_at: int | None, mode: str) -> FailingDisk:
    if mode == "died":
        return FailingDisk(fail_at, error=lambda _: os._exit(DIED))
    number = errno.ENOSPC if mode == "no space" else errno.EIO
    return FailingDisk(
        fail_at, dead=mode == "dead", error=lambda _: OSError(number, os.strerror(number))
    )


if __name__ == "__main__":
    serve()
