"""How fast a catalogue is indexed, and in how much memory.

DIR holds products.jsonl.gz. `encode` is the real encoder alone, on a sample. All other stages use
one that costs nothing: `reindex` is the whole build of DIR, `unchanged` the same call again, and
`synthetic-N` the build of N made-up products. Every stage runs in a process of its own, so
`peak_mb` (resident, file mappings included) is its own.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch
from rich.console import Console
from rich.table import Table

from endcap_indexer.catalogue import BadRows, CatalogueFields, read_products, read_rows
from endcap_indexer.embedded import EmbeddedConnection
from endcap_indexer.encoder import DEFAULT_MODEL, open_encoder
from endcap_indexer.exceptions import EncoderError
from endcap_indexer.generations import Catalogue, Reindexed, reindex

STAGES = ("encode", "reindex", "unchanged", "synthetic-20000", "synthetic-200000")
SAMPLE = 384
GUESSING_ROWS = 1000
NO_ENCODER = 3

Row = dict[str, Any]


class FreeEncoder:
    """Unit vectors of 16 true dimensions around 500 centres; no text is read.

    A graph over them takes a half longer to build than one over real products' vectors; over 384
    independent dimensions it would take three times as long.
    """

    name = "free-1"
    dimension = 384

    def __init__(self) -> None:
        self._rng = np.random.default_rng(0)
        self._centres = self._rng.standard_normal((500, 16), np.float32)
        self._basis = self._rng.standard_normal((16, self.dimension), np.float32)

    def encode_products(self, texts: Sequence[str]) -> NDArray[np.float32]:
        points = self._rng.standard_normal((len(texts), 16), np.float32)
        points /= 2
        points += self._centres[self._rng.integers(500, size=len(texts))]
        vectors = points @ self._basis
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    encode_queries = encode_products


def open_catalogue(path: Path) -> Catalogue:
    rows = islice(read_rows(path, on_bad_row=BadRows()), GUESSING_ROWS)
    return Catalogue([path], CatalogueFields.guess([row.values for row in rows]))


def build(catalogue: Catalogue, store: Path) -> Reindexed:
    with OpenSearch(connection_class=EmbeddedConnection, folder=str(store / "engine")) as client:
        return reindex(client, store, "products", catalogue, FreeEncoder())


def measure_encode(data: Path, work: Path, store: Path | None) -> tuple[int, float]:
    try:
        encoder = open_encoder(DEFAULT_MODEL, store or work)
    except EncoderError as error:
        sys.stderr.write(f"encode is left out, there is no encoder: {error}\n")
        sys.exit(NO_ENCODER)
    catalogue = open_catalogue(data)
    products = read_products(catalogue.paths, catalogue.fields, on_bad_row=BadRows())
    every = max(1, catalogue.count_rows() // SAMPLE)
    texts = [product.text for product in islice(products, 0, SAMPLE * every, every)]
    encoder.encode_products(texts[:16])
    started = time.monotonic()
    encoder.encode_products(texts)
    return len(texts), time.monotonic() - started


def measure_reindex(data: Path, work: Path, store: Path | None) -> tuple[int, float]:
    result = build(open_catalogue(data), work)
    return result.products, result.seconds


def measure_unchanged(data: Path, work: Path, store: Path | None) -> tuple[int, float]:
    result = build(open_catalogue(data), work)
    if not result.unchanged:
        raise SystemExit("the stage reindex must come first, in the same folder")
    return result.products, result.seconds


def measure_synthetic(count: int, work: Path) -> tuple[int, float]:
    path = work / "products.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps(product) + "\n" for product in make_products(count))
    result = build(open_catalogue(path), work)
    return result.products, result.seconds


def make_products(count: int) -> Iterator[Row]:
    """Products of 10 title and 40 description words, drawn as words are: few often, most rarely."""
    rng = random.Random(1)
    syllables = ["ba", "co", "di", "fu", "ge", "li", "mo", "na", "pe", "ri", "so", "tu"]
    words = ["".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(20_000)]
    weights = list(np.cumsum(1 / np.arange(1, len(words) + 1)))
    for number in range(count):
        drawn = rng.choices(words, cum_weights=weights, k=50)
        yield {
            "id": f"product-{number}",
            "title": " ".join(drawn[:10]),
            "description": " ".join(drawn[10:]),
            "brand": f"brand {rng.randrange(500)}",
            "category": f"department {rng.randrange(12)} > shelf {rng.randrange(40)}",
            "price": round(rng.lognormvariate(3, 1), 2),
        }


MEASURES: dict[str, Callable[[Path, Path, Path | None], tuple[int, float]]] = {
    "encode": measure_encode,
    "reindex": measure_reindex,
    "unchanged": measure_unchanged,
}


def run_stage(stage: str, data: Path, work: Path, store: Path | None) -> Row:
    if stage in MEASURES:
        products, seconds = MEASURES[stage](data, work, store)
    else:
        products, seconds = measure_synthetic(int(stage.removeprefix("synthetic-")), work)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "stage": stage,
        "products": products,
        "products_per_s": round(products / seconds, 1),
        "peak_mb": round(peak, 1),
    }


def run_in_child(stage: str, arguments: argparse.Namespace, work: Path) -> Row | None:
    """The stage's row; None where it is left out, which it has said itself."""
    command = [sys.executable, __file__, "--data", str(arguments.data), "--stage", stage]
    command += ["--work", str(work)]
    command += ["--store", str(arguments.store)] if arguments.store else []
    child = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if child.returncode == NO_ENCODER:
        return None
    child.check_returncode()
    row: Row = json.loads(child.stdout)
    return row


def run_stages(arguments: argparse.Namespace) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for stage in STAGES:
            work = Path(folder) / (stage if stage.startswith("synthetic") else "data")
            work.mkdir(exist_ok=True)
            if row := run_in_child(stage, arguments, work):
                rows.append(row)
    return rows


def show(rows: list[Row]) -> None:
    table = Table(title="indexing")
    for heading in ("stage", "products", "products/s", "peak MB"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for row in rows:
        cells = (row["products"], row["products_per_s"], row["peak_mb"])
        table.add_row(row["stage"], *(f"{cell:,.0f}" for cell in cells))
    Console().print(table)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    store = os.environ.get("ENDCAP_STORE")
    parser.add_argument("--data", type=Path, required=True, help="folder with products.jsonl.gz")
    parser.add_argument("--json", type=Path, help="write the rows here too")
    parser.add_argument("--store", type=Path, default=store, help="where the encoder lies")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    if arguments.stage:
        data = arguments.data / "products.jsonl.gz"
        row = run_stage(arguments.stage, data, arguments.work, arguments.store)
        sys.stdout.write(json.dumps(row))
        return
    rows = run_stages(arguments)
    show(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
