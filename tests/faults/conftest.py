"""Faults of the machine and of what is put in, on both engines; figures are told at the end.

A share of everything is run, and all of it with ENDCAP_FAULTS=full.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from edition_shop import EMBEDDED, ENGINES, EditionShop
from forked_commands import ForkedCommands
from shares import FULL

FIGURES: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FIGURES:
        terminalreporter.section("faults: all" if FULL else "faults: a share")
        for line in FIGURES:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def tell() -> Callable[[str], None]:
    """Puts a line into the figures that are told at the end."""
    return FIGURES.append


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A server's address, or a folder."""
    if request.param == EMBEDDED:
        return str(tmp_path / "store")
    return request.getfixturevalue("opensearch_url")


@pytest.fixture
def shop(engine: str, tmp_path: Path) -> Iterator[EditionShop]:
    """A shop that is still empty, by a name that no other test has."""
    shop = EditionShop(engine, tmp_path, f"lamps-{uuid4().hex[:12]}")
    yield shop
    with shop.client() as client:
        client.indices.delete(index=f"{shop.alias}-*", params={"allow_no_indices": "true"})


@pytest.fixture
def client(shop: EditionShop):
    with shop.client(timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def commands() -> Iterator[ForkedCommands]:
    with ForkedCommands() as commands:
        yield commands
