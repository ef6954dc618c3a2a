import subprocess
import sys
from pathlib import Path

import pytest
from opensearchpy import OpenSearch

from endcap_indexer.embedded.connection import EmbeddedConnection

WRITER = Path(__file__).with_name("writer.py")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "engine"


@pytest.fixture
def client(folder):
    with OpenSearch(connection_class=EmbeddedConnection, folder=folder) as client:
        yield client


@pytest.fixture
def start_writer(folder):
    """Starts ``writer.py`` in a process of its own; those still running at the end are killed."""
    started = []

    def start(*arguments):
        command = [sys.executable, str(WRITER), str(folder), *map(str, arguments)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
