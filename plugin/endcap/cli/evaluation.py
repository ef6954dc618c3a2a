"""`endcap evaluate` and `endcap tune`."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from endcap.cli.options import (
    ConfigurationFile,
    Engine,
    Index,
    Store,
    find_places,
    open_client,
)
from endcap.cli.terminal import open_console, say, say_bad_rows
from endcap.client import SearchClient
from endcap.configuration import Configuration
from endcap.connections import connect
from endcap.evaluation import Judgments, Tuned, Tuner, tune_on_events
from endcap.evaluation import evaluate as compare
from endcap.evaluation.tables import print_rows, write_rows
from endcap.event_sources import read_files, read_interactions
from endcap.exceptions import EvaluationError
from endcap.operations import live_generation, made_of
from endcap.registry import COOCCURRENCE, TUNING, Registry
from endcap.tuning import Tuning
from endcap_indexer.catalogue import BadRows, CatalogueFields, digest_of
from endcap_reranker import Fitted

BASELINE_BOOSTS = "baseline_boosts"  # in the facts of a tuning

JUDGMENTS = typer.Argument(help="Judgments, TSV: split (optional), query, product, grade.")
Split = Annotated[str | None, typer.Option(help="Only the queries of this split.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the rows to this file too.")]


def evaluate(
    judgments: Annotated[Path, JUDGMENTS],
    index: Index = "products",
    split: Split = None,
    json: JsonFile = None,
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Compare lexical, vector, fused and re-ranked on judged queries, with the promoted tuning."""
    console = open_console()
    judged = _read_judgments(judgments, split)
    with open_client(engine, store, _read_unhurried(config)) as (client, folder):
        live_generation(client, folder, index)
        promoted = _promoted(Registry(folder, index))
        with console.status(f"searching {len(judged)} queries"):
            rows = compare(
                client,
                index,
                judged,
                promoted.tuning,
                baseline=promoted.baseline,
                split=split or "all",
            )
    print_rows(console, rows)
    say(console, _said_of(judged))
    if promoted.chosen_on(judgments, split):
        say(
            console,
            "these queries chose the tuning, so the figures flatter it;"
            " `endcap tune` prints the out-of-fold ones",
            label="in-sample",
            style="yellow",
        )
    if json is not None:
        write_rows(json, rows)


def tune(
    judgments: Annotated[Path | None, JUDGMENTS] = None,
    events: Annotated[
        Path | None, typer.Option(help="Fit the weights on these events: .jsonl, .csv or .tsv.")
    ] = None,
    index: Index = "products",
    split: Split = None,
    folds: Annotated[bool, typer.Option(help="Measure the choice out-of-fold too.")] = True,
    json: JsonFile = None,
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Choose boosts, floor and weights, and make searches use them from now on."""
    console = open_console()
    configuration = _read_unhurried(config)
    tuning: Tuning | None = None
    baseline: Tuning | None = None
    with open_client(engine, store, configuration) as (client, folder):
        fields = CatalogueFields.from_table(live_generation(client, folder, index).catalogue)
        if judgments is not None:
            judged = _read_judgments(judgments, split)
            tuner = Tuner(client, index, judged, say=functools.partial(say, console))
            tuning, baseline = _tune_on_judgments(console, tuner, folds, json)
    if events is not None:
        place, _ = find_places(engine, store, configuration)
        open_scratch = functools.partial(_open_scratch, place, configuration)
        bad_rows = BadRows()
        interactions = read_interactions(read_files([events], bad_rows), bad_rows)
        say_bad_rows(console, bad_rows)
        with console.status("tuning on each shopper's last-but-one event"):
            tuned = tune_on_events(open_scratch, folder, index, interactions, fields, tuning)
        _say_fitted(console, tuned.fitted)
        tuning, baseline = tuned.tuning, baseline or tuned.baseline
    if tuning is None or baseline is None:
        raise EvaluationError("nothing to tune on: pass judgments, --events or both")
    registry = Registry(folder, index)
    made = made_of(judgments=judgments, events=events)
    facts = {"split": split, BASELINE_BOOSTS: dict(baseline.boosts), **made}
    name = registry.save_tuning(tuning, facts)
    registry.promote(name)
    say(console, f"is promoted: {tuning.to_json().decode()}", label=name, style="bold")
    if COOCCURRENCE not in registry.promoted():
        say(console, "co-occurrence is not counted yet; run: endcap train EVENTS", label="but")


def _tune_on_judgments(console: Console, tuner: Tuner, folds: bool, json: Path | None) -> Tuned:
    if folds:
        rows = tuner.out_of_fold()
        print_rows(console, rows)
        say(
            console,
            "out-of-fold: each query is answered by what was chosen on the other folds;"
            " what follows is chosen on all of them",
        )
        if json is not None:
            write_rows(json, rows)
    return tuner.tune(tuner.judgments)


def _open_scratch(place: str, configuration: Configuration, scratch: Path) -> SearchClient:
    return connect(place, store=scratch, settings=configuration.search)


def _say_fitted(console: Console, fitted: Fitted) -> None:
    say(
        console,
        f"{fitted.searches:,} searches made from events:"
        f" NDCG@10 {fitted.start_ndcg:.4f} before, {fitted.ndcg:.4f} fitted",
    )


def _read_unhurried(config: Path | None) -> Configuration:
    """endcap.toml without its budget: a late leg would make figures depend on the machine."""
    configuration = Configuration.read(config)
    return replace(configuration, search=replace(configuration.search, budget_ms=None))


def _read_judgments(path: Path, split: str | None) -> Judgments:
    judgments = Judgments.read(path)
    chosen = judgments if split is None else judgments.of_split(split)
    if not len(chosen):
        known = ", ".join(sorted(set(judgments.splits.values()))) or "none"
        raise EvaluationError(f"{path} has no query of the split {split!r}; it has {known}")
    return chosen


def _said_of(judgments: Judgments) -> str:
    without = len(judgments) - len(judgments.usable)
    return (
        f"{len(judgments.usable)} queries; {without} without a relevant product are left out."
        " A product without a grade counts as wrong: read judged@10 beside NDCG@10."
    )


@dataclass(frozen=True)
class _Promoted:
    """A tuning, and what its artefact says of how it was made."""

    tuning: Tuning
    facts: Mapping[str, Any]

    @property
    def baseline(self) -> Tuning | None:
        """The engine alone, by the boosts that were best for it; None where nobody chose any."""
        boosts = self.facts.get(BASELINE_BOOSTS)
        return None if boosts is None else replace(self.tuning, boosts=boosts)

    def chosen_on(self, judgments: Path, split: str | None) -> bool:
        """Whether any of these queries had a say."""
        made_by = self.facts.get("judgments", {}).get("digest")
        splits = {split, self.facts.get("split")}  # None: every query
        return (None in splits or len(splits) == 1) and bool(made_by == digest_of([judgments]))


def _promoted(registry: Registry) -> _Promoted:
    name = registry.promoted().get(TUNING)
    if name is None:
        return _Promoted(Tuning(), {})
    return _Promoted(registry.tuning(name), registry.facts(name))
