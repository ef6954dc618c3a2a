"""A tiny data folder of the layout that the benchmarks take, and an encoder that is quick."""

import gzip
import importlib
import json
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import NamedTuple
from uuid import uuid4

import numpy as np
import pytest
from opensearchpy import OpenSearch
from toy_encoder import write_toy_encoder

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
KINDS = ("sofa", "lamp", "coat")
COLOURS = ("red", "blue", "green", "white")
PRODUCTS = 48
USERS = 40
HISTORY = 6


def write_encoder(folder: Path) -> Path:
    """Each known word has an axis of its own."""
    words = (*KINDS, *COLOURS, "home", "wear")
    return write_toy_encoder(folder, dict(zip(words, np.eye(len(words)), strict=True)))


def products() -> list[dict]:
    """Number n is the n-th of kinds in colours; a category path of two levels."""
    return [
        {
            "id": f"p{n:02}",
            "title": f"{COLOURS[n // 3 % 4]} {KINDS[n % 3]}",
            "categories": [["Home" if n % 3 < 2 else "Wear", KINDS[n % 3]]],
        }
        for n in range(PRODUCTS)
    ]


def histories() -> dict[str, list[str]]:
    """Each user keeps to one colour: six products, the last of which is what is asked for."""
    found = {}
    for user in range(USERS):
        own = [n for n in range(PRODUCTS) if n // 3 % 4 == user % 4]
        found[f"u{user}"] = [f"p{own[(user // 4 + step) % len(own)]:02}" for step in range(HISTORY)]
    return found


def write_table(path: Path, rows: list[tuple]) -> None:
    text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> str:
    return str(write_encoder(tmp_path_factory.mktemp("encoder") / "toy"))


@pytest.fixture
def data(tmp_path) -> Path:
    """Products only; the tests add what else they need."""
    folder = tmp_path / "data"
    folder.mkdir()
    lines = "".join(json.dumps(product) + "\n" for product in products())
    (folder / "products.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    return folder


@pytest.fixture
def judged(data) -> Path:
    """Ten queries of a colour and a kind, with a split."""
    rows = [("split", "query", "product_id", "grade")]
    for number, (colour, kind) in enumerate((c, k) for c in COLOURS for k in KINDS):
        for product in products():
            matches = (colour in product["title"]) + (kind in product["title"])
            if matches:
                grade = 3 if matches == 2 else 0
                rows.append(
                    ("test" if number % 3 else "dev", f"{colour} {kind}", product["id"], grade)
                )
    write_table(data / "judgments.tsv", rows)
    return data


@pytest.fixture
def visited(data) -> Path:
    """Events by position, and a search of each user for the category of the last product."""
    by_id = {product["id"]: product for product in products()}
    events, searches = [("user_id", "position", "product_id")], [("user_id", "query", "product_id")]
    for user, items in histories().items():
        events += [(user, position, item) for position, item in enumerate(items)]
        path = by_id[items[-1]]["categories"][0]
        searches.append((user, " ".join(path).lower(), items[-1]))
    write_table(data / "interactions.tsv.gz", events)
    write_table(data / "search_test.tsv.gz", searches)
    return data


@pytest.fixture
def benchmark(monkeypatch, tmp_path):
    """Imports a benchmark as the interpreter does that runs it: `benchmark("relevance")`."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.chdir(tmp_path)

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


class Server(NamedTuple):
    """prefix: of what benchmarks make on it."""

    address: str
    prefix: str

    def left_behind(self) -> list[str]:
        with OpenSearch(self.address) as client:
            names = [
                *client.indices.get(index=f"{self.prefix}*"),
                *client.search_pipeline.get(ignore=404),
            ]
        return [name for name in names if name.startswith(self.prefix)]


@pytest.fixture
def server(benchmark, opensearch_url, monkeypatch) -> Server:
    """The server of the tests, which benchmarks then use too."""
    monkeypatch.setenv("OPENSEARCH_URL", opensearch_url)
    own, numbers = uuid4().hex, count()
    monkeypatch.setattr(benchmark("served"), "token_hex", lambda length: f"{own}-{next(numbers)}")
    return Server(opensearch_url, f"endcap-benchmark-{own}")


@pytest.fixture
def rows(tmp_path, benchmark, model):
    """Runs a benchmark in this process: `rows("relevance", folder, …)` → what `--json` holds."""

    def run(name: str, folder: Path, *arguments: str) -> list[dict]:
        module = benchmark(name)
        target = tmp_path / "rows.json"
        given = ["--data", str(folder), "--model", model, "--json", str(target), *arguments]
        module.main(given)
        return json.loads(target.read_text())

    return run
