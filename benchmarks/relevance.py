"""How relevant hits are, on judged queries: NDCG@10, Recall@100 and the rest, system by system.

Out-of-fold (split oof): every query is answered by the configuration that was tuned on the other
four fifths. Where the judgments have a split `test`, one tuned on the other splits alone is
measured on test and on all. The baseline, lexical, has boosts tuned for itself.
"""

import one_thread  # isort: skip  # noqa: F401 - before numpy
import argparse

from options import parser, run
from rich.console import Console
from shop import INDEX, open_shop

from endcap.evaluation import Judgments, Tuner
from endcap.evaluation.comparison import Row, Runs
from endcap.evaluation.tune import tunings

TEST = "test"
SYSTEMS = ("lexical", "vector", "fused", "reranked")


def measure(options: argparse.Namespace, console: Console) -> list[Row]:
    shop = open_shop(options.data, options.store, options.model, console)
    judgments = Judgments.read(shop.folder.require("judgments"))
    left_out = len(judgments) - len(judgments.usable)
    console.print(f"{len(judgments)} judged queries, {left_out} without a relevant product")

    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)

    with shop.open() as client:
        tuner = Tuner(client, INDEX, judgments, say=say)
        return tuner.out_of_fold(SYSTEMS) + by_split(tuner)


def by_split(tuner: Tuner) -> list[Row]:
    """Tuned on every split but test; no rows where that leaves nothing on either side."""
    usable = tuner.judgments
    others = set(usable.splits.values()) - {TEST, ""}
    test, training = usable.of_split(TEST), usable.of_split(*others)
    if not len(test) or not len(training):
        return []
    runs = Runs()
    runs.search(tuner.searcher, usable, tunings(tuner.tune(training), SYSTEMS))
    return runs.rows(test, TEST) + runs.rows(usable, "all")


def main(arguments: list[str] | None = None) -> None:
    run(parser(__doc__).parse_args(arguments), measure)


if __name__ == "__main__":
    main()
