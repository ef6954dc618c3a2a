"""Searches, upserts, rebuilds and rollbacks all at once, on each engine in turn.

Threads of one process search a generated catalogue and change it, each change written to the shop's
own database first and then upserted; another process, an operator's, rebuilds from that database
and goes back, again and again. errors: what was raised, and answers in another order than the
re-ranked one. empty: searches that found nothing. lost: upserts and deletions that were
acknowledged, and in the end are not what the index and the store hold. rss_mb: of the process that
does it, once it is warm and at the end.
"""

import one_thread  # isort: skip  # noqa: F401 - before numpy
import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from options import run
from rich.console import Console
from server import open_server
from soaking import Soak, start_shop

from endcap.cli.terminal import say
from endcap.evaluation.comparison import Row
from endcap_indexer.encoder import DEFAULT_MODEL

ENGINES = ("embedded", "server")
PRODUCTS = 2000
SECONDS = 600.0


def measure(options: argparse.Namespace, console: Console) -> list[Row]:
    rows: list[Row] = []
    for engine in options.engines:
        with tempfile.TemporaryDirectory(prefix="endcap-soak-") as work, place_of(engine) as place:
            shop = start_shop(place, Path(work), options.products, options.model)
            soak = Soak(shop)
            say(console, f"{options.seconds:g} s of everything at once", label=engine)
            rows += ({"what": f"{engine}.{name}", **row} for name, row in soak.run(options.seconds))
            for error in soak.first_errors:
                say(console, error, label=engine, style="red")
            shop.remove()
    return rows


@contextmanager
def place_of(engine: str) -> Iterator[str | None]:
    """A server's address; None for the embedded engine."""
    with nullcontext() if engine == "embedded" else open_server(fetch=True) as address:
        yield address


def main(arguments: list[str] | None = None) -> None:
    made = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    made.add_argument("--seconds", type=float, default=SECONDS, help="on each engine")
    made.add_argument("--products", type=int, default=PRODUCTS, help="of the generated catalogue")
    made.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    made.add_argument("--model", default=DEFAULT_MODEL, help="the encoder: a name or a folder")
    made.add_argument("--json", type=Path, help="write the rows to this file too")
    run(made.parse_args(arguments), measure)


if __name__ == "__main__":
    main()
