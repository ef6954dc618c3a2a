"""The toy shop's files in a folder of their own, and `endcap` typed there."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from endcap.cli import app


@pytest.fixture
def folder(tmp_path, monkeypatch, encoder_folder, built_store):
    """The working folder: a catalogue, and an endcap.toml that names the encoder alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENDCAP_STORE", raising=False)
    monkeypatch.delenv("ENDCAP_ENGINE", raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    (tmp_path / "endcap.toml").write_text(f'[encoder]\nmodel = "{encoder_folder}"\n')
    shutil.copy(built_store / "catalogue.jsonl", tmp_path)
    return tmp_path


@pytest.fixture
def run(folder):
    """`run("search", "sofa")` types `endcap search sofa`; `code` is the exit code it must have."""

    def typed(*arguments, code: int = 0):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return result

    return typed


@pytest.fixture
def shop(run, store):
    """`shop("search", "sofa")` types it with the store of the built toy shop."""
    return lambda *arguments, **options: run(*arguments, "--store", store, **options)


@pytest.fixture
def write_rows(folder):
    """Writes JSON lines into the working folder; a text is a line as it is."""

    def write(name: str, rows):
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path = folder / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    return write
