"""`endcap evaluate` and `endcap tune`."""

import functools
from collections.abc import Mapping, Sequence
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
    read_unhurried,
)
from endcap.cli.progress import TrainingProgress
from endcap.cli.terminal import open_console, say, say_bad_rows
from endcap.client import SearchClient
from endcap.configuration import Configuration
from endcap.connections import connect
from endcap.evaluation import (
    Judgments,
    Tuned,
    TunedOnEvents,
    Tuner,
    Unaware,
    tune_on_events,
)
from endcap.evaluation import evaluate as compare
from endcap.evaluation.shoppers import OpenClient
from endcap.evaluation.tables import print_rows, write_rows
from endcap.event_sources import identify_by, read_engine, read_files, read_interactions
from endcap.exceptions import ConfigurationError, EvaluationError
from endcap.identity import Identity
from endcap.operations import live_generation, made_of
from endcap.profiles import EVENTS
from endcap.registry import COOCCURRENCE, MODEL, TUNING, Registry
from endcap.training import Trainer, digest_of_events
from endcap.tuning import Tuning
from endcap_indexer.catalogue import BadRows, CatalogueFields, digest_of
from endcap_indexer.generations import Manifest, index_of
from endcap_reranker import Fitted, Interactions

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
    with open_client(engine, store, read_unhurried(config)) as (client, folder):
        live = live_generation(client, folder, index)
        promoted = _promoted(Registry(folder, index_of(live.generation)))
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
        list[Path] | None,
        typer.Option(help="Fit the weights on these events: .jsonl, .csv or .tsv; repeatable."),
    ] = None,
    from_engine: Annotated[
        bool, typer.Option("--from-engine", help="Fit them on the engine's own UBI events.")
    ] = False,
    index: Index = "products",
    split: Split = None,
    model: Annotated[
        bool, typer.Option(help="Fit the weight of the promoted model too; needs torch.")
    ] = True,
    folds: Annotated[bool, typer.Option(help="Measure the choice out-of-fold too.")] = True,
    json: JsonFile = None,
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Choose boosts, floor and weights, and make searches use them from now on."""
    if events and from_engine:
        raise ConfigurationError("--events and --from-engine: pass one of them")
    console = open_console()
    configuration = read_unhurried(config)
    made = made_of(judgments=judgments, events=events)
    tuning: Tuning | None = None
    baseline: Tuning | None = None
    place, _ = find_places(engine, store, configuration)
    with open_client(engine, store, configuration) as (client, folder):
        live = live_generation(client, folder, index)
        shop = _Shop(console, client, folder, index_of(live.generation), live)
        if judgments is not None:
            judged = _read_judgments(judgments, split)
            tuner = Tuner(client, index, judged, say=functools.partial(say, console))
            tuning, baseline = _tune_on_judgments(console, tuner, folds, json)
        if events or from_engine:
            open_scratch = functools.partial(_open_scratch, place, configuration)
            interactions = shop.read(None if from_engine else events or [])
            if from_engine:
                made["events"] = {"index": EVENTS, "digest": digest_of_events(interactions)}
            tuned = shop.tune(open_scratch, interactions, tuning, model)
            tuning, baseline = tuned.tuning, baseline or tuned.baseline
    if tuning is None or baseline is None:
        raise EvaluationError("nothing to tune on: pass judgments, --events or both")
    registry = Registry(folder, index_of(live.generation))
    facts = {"split": split, BASELINE_BOOSTS: dict(baseline.boosts), **made}
    name = registry.save_tuning(tuning, facts)
    registry.promote(name)
    say(console, f"is promoted: {tuning.to_json().decode()}", label=name, style="bold")
    if COOCCURRENCE not in registry.promoted():
        say(console, "co-occurrence is not counted yet; run: endcap train EVENTS", label="but")


@dataclass(frozen=True)
class _Shop:
    """What events are tuned on."""

    console: Console
    client: SearchClient
    store: Path
    index: str
    live: Manifest

    def read(self, events: Sequence[Path] | None) -> Interactions:
        """None: the engine's own."""
        bad_rows = BadRows()
        rows = read_engine(self.client) if events is None else read_files(events, bad_rows)
        identify = identify_by(Identity(self.store))
        interactions = read_interactions(rows, bad_rows, identify=identify)
        say_bad_rows(self.console, bad_rows)
        return interactions

    def tune(
        self,
        open_scratch: OpenClient,
        interactions: Interactions,
        start: Tuning | None,
        model: bool,
    ) -> TunedOnEvents:
        fields = CatalogueFields.from_table(self.live.catalogue)
        unaware = self._train_unaware(interactions) if model else None
        with self.console.status("tuning on each shopper's last-but-one event"):
            tuned = tune_on_events(
                open_scratch, self.store, self.index, interactions, fields, start, unaware=unaware
            )
        _say_fitted(self.console, tuned.fitted)
        return tuned

    def _train_unaware(self, interactions: Interactions) -> Unaware | None:
        """A model like the promoted one that does not know the answers; None where none is."""
        name = Registry(self.store, self.index).promoted().get(MODEL)
        if name is None:
            return None
        trainer = Trainer.of(self.client, self.store, self.live)
        say(self.console, f"training a model like {name} that does not know the answers")
        with TrainingProgress(self.console) as progress:
            trained = trainer.train_unaware(name, interactions, progress.advance)
        return Unaware(trained.model, trainer.facts(trained, {}))


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
