import pytest
from opensearchpy.exceptions import ConnectionError

from endcap.cli import application, searching
from endcap.cli.application import app
from endcap.client import SearchClient
from endcap.exceptions import EndcapError


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", "sofa"), "no engine: pass --store DIR"),
        (
            ("search", "sofa", "--engine", "https://search.shop:9200"),
            "no store: pass --store DIR, set ENDCAP_STORE",
        ),
        (("search", "sofa", "--store", "nowhere"), "nowhere does not exist; run: endcap reindex"),
        (("record", "p1", "--user", "ada", "--store", "nowhere"), "nowhere does not exist"),
        (("train", "events.jsonl", "--store", "store"), "events.jsonl cannot be read"),
        (("evaluate", "none.tsv", "--store", "store"), "none.tsv cannot be read"),
        (("tune", "--store", "store"), "nothing to tune on: pass judgments, --events or both"),
        (("search", "x", "--store", "store", "-i", "other"), "other has no live generation in"),
        (("train", "x.jsonl", "--store", "store", "-i", "other"), "other has no live generation"),
        (("search", "x", "--config", "none.toml"), "none.toml cannot be read: No such file"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(run, store, arguments, said):
    failed = run(*arguments, code=1)
    assert failed.stderr.startswith(f"error {said}")
    assert failed.stderr.count("\n") == 1
    assert "Traceback" not in failed.output


def test_a_search_of_a_folder_that_is_not_there_does_not_make_it(run, folder):
    run("search", "sofa", "--store", "nowhere", code=1)
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize(
    "written",
    ["search = 3", "[search]\nwindow = 0", "[catalogue]\ntitel = 'x'", "store = "],
)
def test_a_wrong_configuration_is_refused_by_name(run, folder, written):
    (folder / "endcap.toml").write_text(written)
    assert run("search", "sofa", code=1).stderr.startswith("error endcap.toml")


def test_what_looks_like_markup_in_an_error_is_not_lost(run, folder):
    (folder / "endcap.toml").write_text("search = 3")
    said = run("search", "sofa", code=1).stderr
    assert said == "error endcap.toml: search is 3; write a table: [search]\n"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device"), "No space left on device"),
        (PermissionError(13, "Permission denied", "data/x"), "data/x: Permission denied"),
        (OSError("pipe"), "pipe"),
        (EndcapError("[query knn] is not supported"), "[query knn] is not supported"),
        (ConnectionError("N/A", "refused", None), "ConnectionError(refused) caused by: "),
    ],
)
def test_every_expected_error_is_one_line(shop, monkeypatch, error, said):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(searching, "live_generation", fail)
    failed = shop("search", "sofa", code=1)
    assert failed.stderr.startswith(f"error {said}")
    assert failed.stderr.count("\n") == 1


def test_an_error_that_nobody_expects_keeps_its_traceback(shop, monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(searching, "live_generation", fail)
    with pytest.raises(AssertionError) as failed:
        shop("search", "sofa")
    assert "ZeroDivisionError" in str(failed.value)


def test_only_a_build_says_that_it_resumes(shop, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(searching, "live_generation", interrupt)
    assert shop("search", "sofa", code=130).stderr == "interrupted\n"


def test_the_client_is_closed_whatever_happens(shop, monkeypatch):
    closed = []
    monkeypatch.setattr(SearchClient, "close", lambda client: closed.append(client))
    shop("search", "sofa")
    shop("search", "sofa", "-i", "other", code=1)
    assert len(closed) == 2


def test_help_names_every_command(run):
    said = run("--help").stdout
    names = {command.callback.__name__ for command in app.registered_commands}
    assert names == {
        "reindex", "generations", "search", "record", "expunge", "train", "models", "promote",
        "rollback", "evaluate", "tune", "demo", "attach", "follow",
    }  # fmt: skip
    assert all(name in said for name in names)


def test_every_command_explains_itself(run):
    for command in application.app.registered_commands:
        said = " ".join(run(command.callback.__name__, "--help").stdout.split())
        assert command.callback.__doc__.split()[0] in said


def test_a_store_that_only_the_environment_names(run, store, monkeypatch):
    monkeypatch.setenv("ENDCAP_STORE", str(store))
    assert "products" in run("search", "sofa").stdout


def test_an_engine_that_only_the_environment_names(run, store, folder, monkeypatch):
    (folder / "endcap.toml").write_text('engine = "elsewhere"\n')
    monkeypatch.setenv("ENDCAP_ENGINE", str(store))
    assert "products" in run("search", "sofa").stdout
    said = run("search", "sofa", "--engine", "nowhere", code=1).stderr
    assert said.startswith("error nowhere does not exist")  # what is typed comes first


def test_an_engine_folder_is_its_own_store(run, store):
    assert "products" in run("search", "sofa", "--engine", store).stdout


def test_endcap_toml_names_engine_and_store(run, store, folder):
    (folder / "shop.toml").write_text('store = "store"\nengine = "store"\n')
    assert "products" in run("search", "sofa", "--config", "shop.toml").stdout
