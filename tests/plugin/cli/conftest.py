"""The toy shop's files in a folder of their own, and `endcap` typed there."""

import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from endcap.cli import app

KINDS = 3


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


@pytest.fixture
def rows_of():
    """Events of so many users: each chooses five products of one kind, in any order."""

    def make(users, seed=0):
        random = np.random.default_rng(seed)
        rows = []
        for user in range(users):
            of_kind = [n for n in range(72) if n % 6 // 2 == user % KINDS]
            chosen = random.choice(of_kind, 5, replace=False)
            rows += [{"user": f"u{user}", "item": f"p{n:03}"} for n in chosen]
        return rows

    return make


@pytest.fixture
def many(write_rows, rows_of):
    return write_rows("many.jsonl", rows_of(60))
