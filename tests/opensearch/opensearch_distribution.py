"""The genuine server, as files: fetched once by Maven, with its plugins, into a cached folder.

Run it to fetch what is missing: `python tests/opensearch/opensearch_distribution.py`.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock
from java_home import find_java

VERSION = "3.6.0"
PLUGINS = ("opensearch-knn", "neural-search")  # the second extends the first
POM = Path(__file__).with_name("pom.xml")
CACHE = "ENDCAP_OPENSEARCH_CACHE"
UNUSED = ("ingest-geoip", "opensearch-dashboards")


class MissingDistribution(Exception):
    """The server's files are not here; the message says what to type."""


def find_distribution() -> Path:
    """The home of the cached server."""
    home = home_of(cache_folder())
    if not home.is_dir():
        raise MissingDistribution(f"no server in {home.parent}: type `make opensearch`")
    return home


def fetch_distribution() -> Path:
    """The home of the server, fetched unless it is cached; complete once it has its name."""
    folder = cache_folder()
    home = home_of(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "fetch.lock"):
        if not home.is_dir():
            making = folder / "making"
            shutil.rmtree(making, ignore_errors=True)
            download(making)
            install_plugins(home_of(making), making / "plugins")
            home_of(making).rename(home)
            shutil.rmtree(making)
    return home


def cache_folder() -> Path:
    """ENDCAP_OPENSEARCH_CACHE, else .cache/opensearch of the clone.

    Root starts the server as another user: where that one cannot enter the clone, it is /var/tmp.
    """
    named = os.environ.get(CACHE)
    if named:
        return Path(named).absolute()
    clone = Path(__file__).resolve().parents[2]
    if os.geteuid() == 0 and not all(may_enter(folder) for folder in (clone, *clone.parents)):
        return Path("/var/tmp/endcap-opensearch")
    return clone / ".cache" / "opensearch"


def may_enter(folder: Path) -> bool:
    """Whether everybody may."""
    return bool(folder.stat().st_mode & 0o001)


def home_of(folder: Path) -> Path:
    return folder / f"opensearch-{VERSION}"


def download(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingDistribution("no `mvn` on the path: install Maven, which fetches the server")
    run(
        [maven, "--batch-mode", "--quiet", "--file", str(POM)]
        + [f"-Dopensearch={VERSION}", f"-Dout={folder}", "process-resources"]
    )


def install_plugins(home: Path, folder: Path) -> None:
    """Into a server just unpacked, less the modules that nobody here uses."""
    for module in UNUSED:
        shutil.rmtree(home / "modules" / module)
    tool = str(home / "bin" / "opensearch-plugin")
    java = {"OPENSEARCH_JAVA_HOME": str(find_java())}
    for plugin in PLUGINS:
        file = folder / f"{plugin}-{VERSION}.0.zip"
        run([tool, "install", "--batch", file.as_uri()], environment=java)


def run(command: list[str], *, environment: Mapping[str, str] | None = None) -> None:
    """For every user to read; what the command printed is in the error when it fails."""
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        umask=0o022,
    )
    if done.returncode:
        raise MissingDistribution(f"`{' '.join(command)}` failed:\n{done.stdout.strip()}")


if __name__ == "__main__":
    print(fetch_distribution())  # noqa: T201 - the answer of the command
