"""Where tests and benchmarks find a genuine OpenSearch: the first of what there is."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import docker
from docker.errors import DockerException, ImageNotFound
from java_home import MissingJava, find_java
from opensearch_distribution import (
    VERSION,
    MissingDistribution,
    fetch_distribution,
    find_distribution,
)
from opensearch_node import start_node, wait_until_ready

IMAGE = f"opensearchproject/opensearch:{VERSION}"
PORT = "9200/tcp"
SOCKET = "unix:///var/run/docker.sock"  # unless DOCKER_HOST names another address
CONTAINER_SETTINGS = {
    "discovery.type": "single-node",
    "DISABLE_SECURITY_PLUGIN": "true",
    "DISABLE_INSTALL_DEMO_CONFIG": "true",
    "OPENSEARCH_JAVA_OPTS": "-Xms1g -Xmx1g",
}


class MissingServer(Exception):
    """There is none; the message says what was looked for and what to type."""


@contextmanager
def open_server(*, fetch: bool) -> Iterator[str]:
    """The address of OPENSEARCH_URL, else of a cached node, else of a container.

    What was started is stopped at the end. `fetch` downloads a node that is not cached.
    """
    named = os.environ.get("OPENSEARCH_URL")
    if named:
        wait_until_ready(named)
        yield named
        return
    try:
        opened = start_node(fetch_distribution() if fetch else find_distribution(), find_java())
    except (MissingDistribution, MissingJava) as missing:
        opened = start_container(why=missing)
    with opened as address:
        yield address


@contextmanager
def start_container(why: Exception) -> Iterator[str]:
    """Of the official image, where that is on this machine and no node is."""
    scheme, _, path = os.environ.get("DOCKER_HOST", SOCKET).partition("://")
    if scheme == "unix" and not Path(path).exists():  # docker-py would leave its own socket open
        raise MissingServer(f"{why} (or set OPENSEARCH_URL)") from why
    with ExitStack() as ends:
        try:
            client = docker.from_env()
            ends.callback(client.close)
            image = client.images.get(IMAGE)
        except ImageNotFound as missing:
            raise MissingServer(f"{why} (or `docker pull {IMAGE}`)") from missing
        except DockerException as missing:
            raise MissingServer(f"{why} (or set OPENSEARCH_URL)") from missing
        container = client.containers.run(
            image,
            detach=True,
            remove=True,
            environment=CONTAINER_SETTINGS,
            ports={PORT: ("127.0.0.1", None)},
        )
        ends.callback(container.stop)
        container.reload()
        address = f"http://127.0.0.1:{container.ports[PORT][0]['HostPort']}"
        wait_until_ready(address)
        yield address
