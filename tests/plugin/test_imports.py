"""What serving loads, and who may import whom: asked of child processes."""

import json
import subprocess
import sys
from pathlib import Path

HEAVY = ("torch", "transformers", "sentence_transformers", "pandas", "ir_measures", "onnx")
SEARCH = """
import json, sys
import endcap
with endcap.connect(sys.argv[1]) as client:
    answer = client.search({"query": {"match": {"title": "sofa"}}}, "products", user="ada")
    client.record(user="ada", item=answer["hits"]["hits"][0]["_id"])
assert answer["ext"]["endcap"]["applied"], answer["ext"]
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""


def test_a_search_loads_none_of_the_heavy_packages(store):
    run = subprocess.run(
        [sys.executable, "-c", SEARCH, str(store), *HEAVY],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(run.stdout) == []


def test_the_leaves_do_not_know_each_other():
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
