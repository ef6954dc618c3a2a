"""A node of the cached server on a free loopback port, its data in temporary folders."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from java_home import has_module
from opensearchpy import OpenSearch, TransportError

PLAIN_USER = "nobody"  # a node refuses to run as root
START_SECONDS = 600.0  # on a busy machine; one that ends is noticed at once
STOP_SECONDS = 30.0
MEMORY = Path("/dev/shm")  # where syncing costs nothing: an index is made in half the time
MEMORY_BYTES = 2 * 2**30
PREFIX = "endcap-opensearch-"
HEAP = "-Xms1g -Xmx1g -XX:-AlwaysPreTouch"
VECTOR_MODULE = "jdk.incubator.vector"  # a trimmed JDK lacks it
INSIDE_HOME = ("logs/", "HeapDumpPath=")  # options that write where a plain user may not
SETTINGS = """\
network.host: 127.0.0.1
http.port: 0
transport.port: 0
node.portsfile: true
discovery.type: single-node
cluster.default_number_of_replicas: 0
cluster.max_shards_per_node: 10000
cluster.routing.allocation.disk.threshold_enabled: false
bootstrap.system_call_filter: false
path.data: {data}
path.logs: {folder}/logs
"""


class NodeError(Exception):
    """The server did not start; the message ends with its own words."""


class Node:
    """One node, which may die and be started again on the same data, at the same address."""

    def __init__(self, home: Path, java: Path, folder: Path) -> None:
        self._home, self._java, self._folder = home, java, folder
        self.address = ""

    def start(self) -> None:
        """Returns once it is ready."""
        ports = self._folder / "logs" / "http.ports"
        ports.unlink(missing_ok=True)
        with open(self._folder / "output", "w", encoding="utf-8") as output:
            self._process = launch(self._home, self._folder, self._java, output.fileno())
        self.address = wait_for_address(self._process, self._folder)
        settings = self._folder / "config" / "opensearch.yml"
        port = self.address.rpartition(":")[2]
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace("http.port: 0", f"http.port: {port}"), encoding="utf-8")

    def kill(self) -> None:
        """As a power cut does, but for what the operating system still writes."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        stop(self._process)


@contextmanager
def open_node(home: Path, java: Path) -> Iterator[Node]:
    """A node that is ready; it is stopped and its data removed at the end."""
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX) as name,
        tempfile.TemporaryDirectory(prefix=PREFIX, dir=data_parent()) as data,
    ):
        folder = Path(name)
        configure(home, folder, Path(data), java)
        node = Node(home, java, folder)
        try:
            node.start()
            yield node
        finally:
            node.stop()


@contextmanager
def start_node(home: Path, java: Path) -> Iterator[str]:
    """Its address, once it is ready."""
    with open_node(home, java) as node:
        yield node.address


def data_parent() -> Path | None:
    """Memory where there is enough of it, else where temporary folders lie."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_BYTES:
        return MEMORY
    return None


def configure(home: Path, folder: Path, data: Path, java: Path) -> None:
    """Everything the node writes lies in the two folders, which belong to the user it runs as."""
    settings = folder / "config"
    shutil.copytree(home / "config", settings)
    (settings / "opensearch.yml").write_text(
        SETTINGS.format(folder=folder, data=data), encoding="utf-8"
    )
    unwanted = INSIDE_HOME if has_module(java, VECTOR_MODULE) else (*INSIDE_HOME, VECTOR_MODULE)
    options = (settings / "jvm.options").read_text(encoding="utf-8").splitlines()
    kept = [line for line in options if not any(word in line for word in unwanted)]
    (settings / "jvm.options").write_text("\n".join(kept), encoding="utf-8")
    for new in ("logs", "tmp"):
        (folder / new).mkdir()
    if os.geteuid() == 0:
        for path in (data, folder, *folder.rglob("*")):
            shutil.chown(path, PLAIN_USER)


def launch(home: Path, folder: Path, java: Path, output: int) -> subprocess.Popen[bytes]:
    group = pwd.getpwnam(PLAIN_USER).pw_gid
    as_plain_user = {"user": PLAIN_USER, "group": group, "extra_groups": []}
    return subprocess.Popen(
        [str(home / "bin" / "opensearch")],
        env={
            **os.environ,
            "OPENSEARCH_JAVA_HOME": str(java),
            "OPENSEARCH_JAVA_OPTS": HEAP,
            "OPENSEARCH_PATH_CONF": str(folder / "config"),
            "OPENSEARCH_TMPDIR": str(folder / "tmp"),
        },
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # an interrupt is for the tests, which then stop the node
        **(as_plain_user if os.geteuid() == 0 else {}),
    )


def wait_for_address(process: subprocess.Popen[bytes], folder: Path) -> str:
    ports = folder / "logs" / "http.ports"
    deadline = monotonic() + START_SECONDS
    while not (ports.is_file() and ports.read_text(encoding="utf-8").strip()):
        if process.poll() is not None or monotonic() > deadline:
            said = (folder / "output").read_text(encoding="utf-8").splitlines()[-20:]
            raise NodeError("\n".join(("the node did not start:", *said)))
        sleep(0.1)
    address = f"http://{ports.read_text(encoding='utf-8').split()[0]}"
    wait_until_ready(address)
    return address


def wait_until_ready(address: str) -> None:
    """A server that listens may not answer yet."""
    deadline = monotonic() + START_SECONDS
    with OpenSearch(address, max_retries=0) as client:
        while True:
            try:
                client.cluster.health(wait_for_status="yellow")
                return
            except TransportError as error:
                if monotonic() > deadline:
                    raise NodeError(f"{address} is not ready: {error}") from error
            sleep(0.2)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
