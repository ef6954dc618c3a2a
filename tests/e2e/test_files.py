"""The stack's files, held against what else the project says. These tests need no Docker."""

import re
from pathlib import Path

from opensearch_distribution import VERSION

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PAGE = (ROOT / "docs" / "docker.md").read_text()


def test_the_server_is_the_one_that_the_tests_run_on():
    (image,) = re.findall(r"opensearchproject/opensearch:(\S+)", COMPOSE)
    assert image == VERSION
    assert f"OpenSearch {image}" in PAGE


def test_every_variable_and_every_service_is_documented():
    for variable in re.findall(r"\$\{(\w+)", COMPOSE):
        assert f"| `{variable}` |" in PAGE
    services = COMPOSE.partition("\nservices:\n")[2].partition("\nvolumes:\n")[0]
    for service in re.findall(r"^  (\w+):$", services, re.MULTILINE):
        assert f"| `{service}` |" in PAGE


def test_what_the_page_says_of_the_image_is_so():
    (python,) = re.findall(r"^ARG PYTHON=(.+)$", DOCKERFILE, re.MULTILINE)
    assert f"`{python}`" in PAGE
    assert "ARG ENCODER\n" in DOCKERFILE
    assert "--build-arg ENCODER=" in PAGE
    (configured,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert configured.encode("unicode_escape").decode() in DOCKERFILE
