"""How fast a catalogue is indexed, and in how much memory.

`encode` is the real encoder alone, on a sample. All other stages use one that costs nothing:
`reindex` is the whole build of the data folder's catalogue, `unchanged` the same call again, and
`synthetic-N` the build of N made-up products. Every stage runs in a process of its own, so
`peak_mb` (resident, file mappings included) is its own.
"""

import argparse
import json
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch
from options import parser, run
from rich.console import Console
from shop import CACHE, INDEX, DataFolder

from endcap.cli.terminal import say
from endcap.evaluation.comparison import Row
from endcap.exceptions import EndcapError
from endcap_indexer.catalogue import BadRows, Files, digest_of, read_products
from endcap_indexer.embedded import EmbeddedConnection
from endcap_indexer.encoder import open_encoder
from endcap_indexer.generations import Catalogue, Reindexed, reindex
from endcap_indexer.generations.chunks import CHUNK_PRODUCTS

SIZES = (20_000, 200_000)
SAMPLE = 2 * CHUNK_PRODUCTS

Stage = Callable[[], tuple[int, float]]  # → products, seconds


def measure(options: argparse.Namespace, console: Console) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="endcap-indexing-") as work:
        stages = make_stages(options, Path(work))
        return [in_own_process(name, stage) for name, stage in stages.items()]


def make_stages(options: argparse.Namespace, work: Path) -> dict[str, Stage]:
    """By name, in the order in which they run: the build comes before its repetition."""
    folder = DataFolder(options.data)
    path = folder.require("products")
    store = options.store or CACHE / digest_of([path])[:16]
    catalogue = Catalogue(Files(path), folder.fields())
    stages: dict[str, Stage] = {
        "encode": partial(measure_encode, catalogue, store, options.model),
        "reindex": partial(measure_reindex, catalogue, work / "data"),
        "unchanged": partial(measure_unchanged, catalogue, work / "data"),
    }
    for size in options.sizes:
        stages[f"synthetic-{size}"] = partial(measure_synthetic, size, work / f"synthetic-{size}")
    return stages


def in_own_process(name: str, stage: Stage) -> Row:
    """What one stage has allocated is not the next one's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure_stage, name, stage).result()


def measure_stage(name: str, stage: Stage) -> Row:
    products, seconds = stage()
    rate, peak = round(products / seconds, 1), round(peak_mb(), 1)
    return {"stage": name, "products": products, "products_per_s": rate, "peak_mb": peak}


def peak_mb() -> float:
    """Of this program: `ru_maxrss` is also that of the one from which its process was forked."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kilobytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(kilobytes) / 1024


def measure_encode(catalogue: Catalogue, store: Path, model: str) -> tuple[int, float]:
    """In the chunks of a build: more texts at once would be padded less."""
    encoder = open_encoder(model, store, say=partial(say, Console()))
    products = read_products(catalogue.source, catalogue.fields, on_bad_row=BadRows())
    every = max(1, catalogue.source.count() // SAMPLE)
    texts = [product.text for product in islice(products, 0, SAMPLE * every, every)]
    encoder.encode_products(texts[:16])
    started = time.monotonic()
    for first in range(0, len(texts), CHUNK_PRODUCTS):
        encoder.encode_products(texts[first : first + CHUNK_PRODUCTS])
    return len(texts), time.monotonic() - started


def measure_reindex(catalogue: Catalogue, work: Path) -> tuple[int, float]:
    result = build(catalogue, work)
    return result.products, result.seconds


def measure_unchanged(catalogue: Catalogue, work: Path) -> tuple[int, float]:
    result = build(catalogue, work)
    if not result.unchanged:
        raise EndcapError("the stage reindex must come first, in the same folder")
    return result.products, result.seconds


def measure_synthetic(count: int, work: Path) -> tuple[int, float]:
    work.mkdir()
    path = work / "products.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps(product) + "\n" for product in make_products(count))
    result = build(Catalogue(Files(path), DataFolder(work).fields()), work)
    return result.products, result.seconds


def build(catalogue: Catalogue, store: Path) -> Reindexed:
    with OpenSearch(connection_class=EmbeddedConnection, folder=str(store / "engine")) as client:
        return reindex(client, store, INDEX, catalogue, FreeEncoder())


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


def make_products(count: int) -> Iterator[dict[str, Any]]:
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


def main(arguments: list[str] | None = None) -> None:
    made = parser(__doc__)
    made.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="synthetic products")
    run(made.parse_args(arguments), measure)


if __name__ == "__main__":
    main()
