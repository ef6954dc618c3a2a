import os
import subprocess
import sys

import pytest

from endcap_indexer.exceptions import LeaseError
from endcap_indexer.generations import hold_lease

HOLDER = """
import sys
from pathlib import Path
from endcap_indexer.generations import hold_lease
with hold_lease(Path(sys.argv[1])):
    sys.stdout.write("held\\n")
    sys.stdout.flush()
    sys.stdin.read()
"""


@pytest.fixture
def holder(store):
    """Another process that holds the lease until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(store)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_other_writer_is_named(store, holder):
    with pytest.raises(LeaseError, match=rf"process {holder.pid} on .* is writing .* wait until"):
        with hold_lease(store):
            pass


def test_a_dead_writer_holds_nothing(store, holder):
    holder.kill()
    holder.wait()
    with hold_lease(store):
        pass


def test_the_lease_can_be_taken_again(store):
    for _ in range(2):
        with hold_lease(store):
            with pytest.raises(LeaseError, match=f"process {os.getpid()} on "):
                with hold_lease(store):
                    pass


def test_the_lease_is_given_back_after_an_error(store):
    with pytest.raises(KeyError), hold_lease(store):
        raise KeyError
    with hold_lease(store):
        pass
