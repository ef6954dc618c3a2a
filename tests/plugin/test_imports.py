"""What serving loads, and who may import whom: asked of child processes."""

import json
import subprocess
import sys
from pathlib import Path

from toy_model import toy_model

from endcap.registry import Registry

HEAVY = ("torch", "transformers", "sentence_transformers", "pandas", "ir_measures", "onnx")
SEARCH = """
import json, sys
import endcap
with endcap.connect(sys.argv[1]) as client:
    client.record(user="ada", item="p000")
    body = {"query": {"match": {"title": "sofa"}}, "ext": {"endcap": {"explain": True}}}
    answer = client.search(body, "products", user="ada")
assert answer["ext"]["endcap"]["applied"], answer["ext"]
assert "model" in answer["ext"]["endcap"]["explanations"][0]["columns"]
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""


def test_a_search_with_a_model_loads_none_of_the_heavy_packages(store):
    registry = Registry(store, "products")
    registry.promote(registry.save_model(toy_model({"p000": [1.0, 0.0]}, encoder="attention"), {}))
    run = subprocess.run(
        [sys.executable, "-c", SEARCH, str(store), *HEAVY],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == []


COUNT = """
import json, sys
from typer.testing import CliRunner
from endcap.cli import app
arguments = ["train", sys.argv[2], "--no-model", "--store", sys.argv[1]]
result = CliRunner().invoke(app, arguments)
assert result.exit_code == 0, result.output
print(json.dumps([name for name in sys.argv[3:] if name in sys.modules]))
"""


def test_counting_loads_none_of_the_heavy_packages_either(store, tmp_path):
    events = tmp_path / "events.jsonl"
    events.write_text('{"user": "ada", "item": "p000"}')
    heavy = (*HEAVY, "matplotlib")
    run = subprocess.run(
        [sys.executable, "-c", COUNT, str(store), str(events), *heavy],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == []


def test_the_leaves_do_not_know_each_other():
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
