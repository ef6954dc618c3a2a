"""How much knowing the shopper is worth: the user's last product, asked for or searched for.

Protocol A: rank all products outside of the history; with --cold, products and users that training
did not know. Protocol B: one search of each user, once
through the public client (candidates `client`) and once among the products of the query's category
(`oracle`). A product that was not found has rank infinity; ties share the middle of their places.
"""

import one_thread  # isort: skip  # noqa: F401 - before numpy
import argparse
import os
from collections.abc import Iterable

import cold
import oracle
import recommendation
import searching
from options import parser, run
from rich.console import Console
from shop import Shop, open_shop

from endcap.evaluation.comparison import Row
from endcap.evaluation.systems import WINDOW
from endcap.exceptions import EvaluationError
from endcap_reranker.training import TrainingConfiguration

EPOCHS = TrainingConfiguration().epochs
PROCESSES = min(2, os.cpu_count() or 1)
SYSTEMS = {"A": recommendation.SYSTEMS, "B": tuple(searching.SYSTEMS)}  # of each protocol
SYSTEMS_OF_CLIENT = ("lexical", "popularity", "nonpersonal", "counted", "personal")


def main(arguments: list[str] | None = None) -> None:
    made = parser(__doc__)
    made.add_argument("--protocol", choices=("A", "B"), required=True)
    made.add_argument("--seeds", type=int, default=1, help="rows of each system")
    made.add_argument(
        "--systems", nargs="+", choices=sorted({*SYSTEMS["A"], *SYSTEMS["B"]}), help="only these"
    )
    made.add_argument("--window", type=int, default=WINDOW, help="of the client, for B")
    made.add_argument("--processes", type=int, default=PROCESSES)
    made.add_argument("--cold", type=float, help="hide this share of products and users, for A")
    made.add_argument("--epochs", type=int, default=EPOCHS, help="of a model at most")
    made.add_argument("--limit", type=int, help="so many users only: to see that it runs")
    run(made.parse_args(arguments), measure)


def measure(options: argparse.Namespace, console: Console) -> list[Row]:
    known = SYSTEMS[options.protocol]
    if wrong := [name for name in options.systems or () if name not in known]:
        raise EvaluationError(
            f"--systems {' '.join(wrong)}: protocol {options.protocol} has {', '.join(known)}"
        )
    shop = open_shop(options.data, options.store, options.model, console)
    if options.limit is not None:
        console.print(f"[yellow]{options.limit} users only: no figure to compare[/yellow]")
    rows = _rows_of_a if options.protocol == "A" else _rows_of_b
    return [_said(row, console) for row in rows(shop, options, console)]


def _rows_of_a(shop: Shop, options: argparse.Namespace, console: Console) -> Iterable[Row]:
    experiment = recommendation.open_experiment(shop, options.epochs, options.limit, console)
    if options.cold is not None:
        return cold.measure(experiment.trainer, experiment.questions, options.cold)
    systems = options.systems or recommendation.SYSTEMS
    return recommendation.measure(experiment, systems, options.seeds)


def _rows_of_b(shop: Shop, options: argparse.Namespace, console: Console) -> Iterable[Row]:
    systems = options.systems or SYSTEMS_OF_CLIENT
    experiment = searching.open_experiment(shop, options.epochs, options.limit, console)
    yield from searching.measure(
        experiment, systems, options.seeds, options.window, options.processes
    )
    systems = [name for name in oracle.SYSTEMS if name in systems]
    yield from oracle.measure(experiment, systems, options.seeds)


def _said(row: Row, console: Console) -> Row:
    """A benchmark of minutes says what it has as it goes."""
    said = "  ".join(f"{name} {value}" for name, value in row.items())
    console.print(said, highlight=False, soft_wrap=True)
    return row


if __name__ == "__main__":
    main()
