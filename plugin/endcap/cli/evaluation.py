"""`endcap evaluate` and `endcap tune`."""

import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from endcap.cli.options import ConfigurationFile, Engine, Index, Store, open_client
from endcap.cli.training import read_interactions
from endcap.client import SearchClient
from endcap.configuration import Configuration
from endcap.connections import connect
from endcap.evaluation import Judgments, Tuner, tune_on_events
from endcap.evaluation import evaluate as compare
from endcap.evaluation.tables import print_rows, write_rows
from endcap.exceptions import EvaluationError
from endcap.registry import COOCCURRENCE, TUNING, Registry
from endcap.tuning import Tuning
from endcap_indexer.catalogue import BadRows, CatalogueFields, digest_of
from endcap_indexer.generations import Manifest, generation_folder, list_generations

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
    console = Console()
    client, folder = open_client(engine, store, Configuration.read(config))
    judged = _read_judgments(judgments, split)
    with console.status(f"searching {len(judged)} queries"):
        tuning = _promoted(folder, index)
        rows = compare(client, index, judged, tuning, split=split or "all")
    print_rows(console, rows)
    console.print(_said_of(judged), highlight=False)
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
    console = Console()
    configuration = Configuration.read(config)
    client, folder = open_client(engine, store, configuration)
    tuning: Tuning | None = None
    if judgments is not None:
        judged = _read_judgments(judgments, split)
        tuning = _tune_on_judgments(client, index, judged, folds, json, console)
    if events is not None:
        place = engine or configuration.engine or str(folder)
        tuning = _tune_on_events(client, place, folder, index, events, tuning, console)
    if tuning is None:
        raise EvaluationError("nothing to tune on: pass judgments, --events or both")
    registry = Registry(folder, index)
    name = registry.save_tuning(tuning, _facts(judgments, events, split))
    registry.promote(TUNING, name)
    console.print(f"[bold]{name}[/bold] is promoted: {tuning.to_json().decode()}", highlight=False)


def _tune_on_judgments(
    client: SearchClient,
    index: str,
    judgments: Judgments,
    folds: bool,
    json: Path | None,
    console: Console,
) -> Tuning:
    def say(line: str) -> None:
        console.print(line, highlight=False, soft_wrap=True)

    tuner = Tuner(client, index, judgments, say=say)
    if folds:
        rows = tuner.out_of_fold()
        print_rows(console, rows)
        console.print(
            "out-of-fold: each query is answered by what was chosen on the other folds;"
            " what follows is chosen on all of them",
            highlight=False,
        )
        if json is not None:
            write_rows(json, rows)
    return tuner.tune(tuner.judgments).tuning


def _tune_on_events(
    client: SearchClient,
    place: str,
    store: Path,
    index: str,
    events: Path,
    start: Tuning | None,
    console: Console,
) -> Tuning:
    bad_rows = BadRows()
    interactions = read_interactions(events, bad_rows)
    fields = _fields(client, store, index)

    def open_scratch(scratch: Path) -> SearchClient:
        return connect(place, store=scratch)

    with console.status("tuning on each shopper's last-but-one event"):
        tuned = tune_on_events(open_scratch, store, index, interactions, fields, start)
    fitted = tuned.fitted
    console.print(
        f"{fitted.searches:,} searches made from events, {bad_rows.count:,} bad rows skipped:"
        f" NDCG@10 {fitted.start_ndcg:.4f} before, {fitted.ndcg:.4f} fitted",
        highlight=False,
    )
    if COOCCURRENCE not in Registry(store, index).promoted():
        console.print("[yellow]co-occurrence is not counted yet; run: endcap train EVENTS[/yellow]")
    return tuned.tuning


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


def _promoted(store: Path, index: str) -> Tuning:
    registry = Registry(store, index)
    name = registry.promoted().get(TUNING)
    return Tuning() if name is None else registry.tuning(name)


def _fields(client: SearchClient, store: Path, index: str) -> CatalogueFields:
    live = next((each.name for each in list_generations(client, store, index) if each.live), None)
    if live is None:
        raise EvaluationError(f"{index} has no live generation; run: endcap reindex CATALOGUE")
    return CatalogueFields.from_table(Manifest.read(generation_folder(store, live)).catalogue)


def _facts(judgments: Path | None, events: Path | None, split: str | None) -> dict[str, Any]:
    """What made the artefact."""
    made_of = {"judgments": judgments, "events": events}
    facts: dict[str, Any] = {
        name: {"file": path.name, "digest": digest_of([path])}
        for name, path in made_of.items()
        if path is not None
    }
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return {**facts, "split": split, "created": now}
