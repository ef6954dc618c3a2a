"""Commands of endcap, each in a process of its own that may fail or die at any moment.

The processes are forked from one that has imported everything, so what they do begins at once.
"""

import errno
import json
import os
import select
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path
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
    """`with ForkedCommands(folder) as commands: commands.run(["reindex", …], kill_after=0.3)`.

    fail_at: at which operation of its disk it fails, counted from 1, and how: "no space" once,
    "dead" at every later one too, so that nothing can be tidied up, or "died", the process itself.
    """

    def __init__(self, folder: Path) -> None:
        self._said = folder / "said"
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
    ) -> Ended:
        order = {
            "arguments": arguments,
            "kill_after": kill_after,
            "fail_at": fail_at,
            "mode": mode,
            "said": str(self._said),
        }
        with self._lock:
            self._server.stdin.write(json.dumps(order) + "\n")
            self._server.stdin.flush()
            code, operations = json.loads(self._server.stdout.readline())
            return Ended(code, operations, self._said.read_text())


def serve() -> None:
    """Run what is ordered on stdin, a line each; the answer is how it ended."""
    import faiss  # noqa: F401 - imported here, so that no child has to
    import onnxruntime  # noqa: F401
    import tantivy  # noqa: F401

    from endcap import cli  # noqa: F401
    from endcap_indexer import embedded  # noqa: F401

    for line in sys.stdin:
        order = json.loads(line)
        told, telling = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(told)
            perform(order, telling)
        os.close(telling)
        if order["kill_after"] is not None:
            kill(child, order["kill_after"])
        status = os.waitpid(child, 0)[1]
        with os.fdopen(told) as answer:
            count = answer.read()
        ended = [os.waitstatus_to_exitcode(status), int(count) if count else None]
        sys.stdout.write(json.dumps(ended) + "\n")
        sys.stdout.flush()


def kill(child: int, after: float) -> None:
    """Unless it has ended before: then its number is kept for it, so nobody else is hit."""
    process = os.pidfd_open(child)
    select.select([process], [], [], after)
    os.close(process)
    os.kill(child, signal.SIGKILL)


def perform(order: dict[str, Any], telling: int) -> None:
    """In the child: the command, then its exit code; never returns."""
    from endcap.cli import app
    from endcap_indexer.generations import embeddings

    said = os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, sys.stdout.fileno())
    os.dup2(said, sys.stderr.fileno())
    os.environ["COLUMNS"] = "500"
    embeddings.SAVE_SECONDS = 0.0  # so that an interrupted build has something to go on with
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
