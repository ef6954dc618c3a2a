"""The compose stack, built and run as docs/docker.md says, under a name of its own."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from toy_encoder import write_toy_encoder

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "tests/e2e/compose.yml")
VECTORS = {  # of the demo's words; its shoppers need more than one to choose among
    "rain": (1, 0, 0, 0), "raincoat": (1, 1, 0, 0), "jacket": (0, 1, 0, 0), "coat": (0, 1, 0, 0.1),
    "backpack": (0, 0, 1, 0), "rucksack": (0, 0, 1, 0.1), "bag": (0, 0, 1, 0.3),
    "kids": (0, 0, 0, 1), "children": (0, 0, 0, 1), "toddler": (0, 0, 0.1, 1),
}  # fmt: skip


@dataclass(frozen=True)
class Stack:
    """A project of docker compose; every call answers what was printed."""

    project: str
    environment: dict[str, str]

    @property
    def image(self) -> str:
        return f"endcap:{self.project}"

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.environment['OPENSEARCH_PORT']}"

    def compose(self, *arguments: str, code: int = 0) -> str:
        files = [part for file in FILES for part in ("--file", file)]
        return self.docker("compose", "--project-name", self.project, *files, *arguments, code=code)

    def endcap(self, *arguments: str, service: str = "app", mount: str = "") -> str:
        """Type `endcap` in a container of its own, beside the running OpenSearch."""
        volume = ("--volume", mount) if mount else ()
        run = ("run", "--rm", "--no-deps", "--no-TTY", *volume, service)
        return self.compose(*run, *arguments)

    def container(self, service: str) -> str:
        return self.compose("ps", "--all", "--quiet", service).strip()

    def docker(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            ["docker", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="session")
def encoder() -> Iterator[Path]:
    """A toy encoder within the build's context, which docker must see."""
    (ROOT / ".cache" / "encoders").mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="toy-", dir=ROOT / ".cache" / "encoders"))
    yield write_toy_encoder(folder / "toy", VECTORS)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def stack(encoder: Path) -> Iterator[Stack]:
    """The stack once the application has ended; OpenSearch still runs."""
    _require_docker()
    project = f"endcap-e2e-{secrets.token_hex(4)}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    environment = {
        "ENCODER": str(encoder.relative_to(ROOT)),
        "ENDCAP_TAG": project,
        "OPENSEARCH_PORT": str(port),
        "COMPOSE_ANSI": "never",
    }
    stack = Stack(project, environment)
    try:
        stack.compose("up", "--detach")
        stack.docker("wait", stack.container("app"))
        yield stack
    except AssertionError as error:
        error.add_note(stack.compose("logs", "--tail", "50"))
        raise
    finally:
        stack.compose("down", "--volumes", "--timeout", "5")
        stack.docker("image", "rm", "--force", stack.image)


def _require_docker() -> None:
    """Say why the tests cannot run; where docker is required, that is a failure."""
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        try:
            missing = subprocess.run(command, capture_output=True).returncode != 0
        except FileNotFoundError:
            missing = True
        if missing:
            reason = f"`{' '.join(command)}` fails: start Docker with its compose plugin"
            if os.environ.get("ENDCAP_REQUIRE_DOCKER") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
