"""`endcap train`: events in, promoted artefacts out."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from endcap.cli.options import ConfigurationFile, Engine, Index, Store, open_client
from endcap.cli.progress import TrainingProgress
from endcap.cli.terminal import (
    open_console,
    say,
    say_bad_rows,
    say_counted,
    say_kept,
    say_left_out,
)
from endcap.client import SearchClient
from endcap.configuration import Configuration
from endcap.event_sources import (
    EventSettings,
    count_unknown,
    identify_by,
    read_engine,
    read_files,
    read_interactions,
)
from endcap.exceptions import ConfigurationError
from endcap.identity import Identity
from endcap.operations import count_interactions, describe, live_generation, made_of
from endcap.profiles import EVENTS
from endcap.registry import Registry
from endcap.training import CONTINUES, Trainer, digest_of_events, require_torch
from endcap_indexer.catalogue import BadRows
from endcap_reranker import BOTS_PER_HOUR, Interactions, InteractionsError
from endcap_reranker.models import ENCODERS, INTERACTIONS, ModelConfiguration
from endcap_reranker.training import LOSSES, TrainingConfiguration
from endcap_reranker.training.network import choose_device
from endcap_reranker.training.training import FEW_EPOCHS

USUAL = ModelConfiguration()
TRAINING = TrainingConfiguration()
# What --continue takes from the promoted model.
ITS_OWN = {
    "model": "--no-model",
    "encoder": "--encoder",
    "interaction": "--interaction",
    "loss": "--loss",
    "dimension": "--dimension",
    "text": "--no-text",
}


def _one_of(table: Mapping[str, object], said: str) -> Any:
    return typer.Option(help=f"{said}: {', '.join(table)}.")


def train(
    context: typer.Context,
    events: Annotated[
        list[Path] | None, typer.Argument(help="Events: .jsonl, .csv or .tsv, also .gz.")
    ] = None,
    index: Index = "products",
    from_engine: Annotated[
        bool, typer.Option("--from-engine", help="Read the engine's own UBI events instead.")
    ] = False,
    weight: Annotated[
        list[str] | None, typer.Option(help="Of an action: rent=2. As often as needed.")
    ] = None,
    half_life: Annotated[
        float | None, typer.Option(min=0.001, help="Days after which an event counts half.")
    ] = None,
    session_gap: Annotated[
        float | None, typer.Option(min=0.001, help="Minutes without an event that end a session.")
    ] = None,
    bots: Annotated[
        int, typer.Option(min=0, help="Events an hour beyond which nobody is a shopper; 0: none.")
    ] = BOTS_PER_HOUR,
    model: Annotated[bool, typer.Option(help="Train the user-item model too; needs torch.")] = True,
    further: Annotated[
        bool, typer.Option("--continue", help="Train the promoted model on, on these new events.")
    ] = False,
    encoder: Annotated[str, _one_of(ENCODERS, "How a history is read")] = USUAL.encoder,
    interaction: Annotated[
        str, _one_of(INTERACTIONS, "How shopper and product meet")
    ] = USUAL.interaction,
    loss: Annotated[str, _one_of(LOSSES, "What is learnt")] = USUAL.loss,
    dimension: Annotated[int, typer.Option(min=1, help="Of the vectors.")] = USUAL.dimension,
    text: Annotated[bool, typer.Option(help="Read the catalogue's text vectors.")] = True,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help=f"At most; else {TRAINING.epochs}, with --continue {FEW_EPOCHS.epochs}.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = TRAINING.seed,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = TRAINING.device,
    store: Store = None,
    engine: Engine = None,
    config: ConfigurationFile = None,
) -> None:
    """Count which products are chosen together, train the user-item model, and make searches use
    both from now on.
    """
    console = open_console()
    if further:
        _require_its_own(context)
    if model:
        require_torch()
        choose_device(device)
    settings = EventSettings(_read_weights(weight or ()), half_life, session_gap, bots or None)
    start = FEW_EPOCHS if further else TRAINING
    training = replace(start, epochs=epochs or start.epochs, seed=seed, device=device)
    with open_client(engine, store, Configuration.read(config)) as (client, folder):
        command = _Command(console, client, folder, index)
        configuration = command.trainer.configure(
            encoder, interaction, loss, dimension=dimension, text=text
        )
        if further:
            command.train_further(events or [], from_engine, settings, training)
            return
        interactions, facts = command.read(events or [], from_engine, settings)
        command.count(interactions, facts)
        if model:
            command.train(interactions, facts, configuration, training)


class _Command:
    """What one `endcap train` works on."""

    def __init__(self, console: Console, client: SearchClient, store: Path, index: str) -> None:
        self._console, self._client, self._store = console, client, store
        self.trainer = Trainer.of(client, store, live_generation(client, store, index))

    def read(
        self,
        events: Sequence[Path],
        from_engine: bool,
        settings: EventSettings,
        after: str | None = None,
    ) -> tuple[Interactions, dict[str, Any]]:
        """The events, and what an artefact says of them; what was left out is said. after: of the
        engine's own only later ones.
        """
        if bool(events) == from_engine:
            raise ConfigurationError("pass files of events, or --from-engine to read the engine's")
        bad_rows = BadRows()
        rows = read_engine(self._client, after) if from_engine else read_files(events, bad_rows)
        identify = identify_by(Identity(self._store))
        with self._console.status("reading events"):
            interactions = read_interactions(rows, bad_rows, settings, identify)
        unknown = count_unknown(interactions, self.trainer.generation)
        say_bad_rows(self._console, bad_rows)
        say_left_out(self._console, interactions, unknown)
        own = {"events": {"index": EVENTS, "digest": digest_of_events(interactions)}}
        source = own if from_engine else made_of(events=events)
        facts = {**source, **describe(interactions, bad_rows), "unknown": unknown._asdict()}
        return interactions, facts

    def count(self, interactions: Interactions, facts: Mapping[str, Any]) -> None:
        with self._console.status("counting"):
            name = count_interactions(self._store, self.trainer.index, interactions, facts)
        say_counted(self._console, name, interactions, facts["bad_rows"])

    def train(
        self,
        interactions: Interactions,
        facts: Mapping[str, Any],
        configuration: ModelConfiguration,
        training: TrainingConfiguration,
    ) -> None:
        try:
            with TrainingProgress(self._console) as progress:
                trained = self.trainer.train(
                    interactions, configuration, training, progress.advance
                )
        except InteractionsError as error:
            say(self._console, f"no model is trained: {error}", label="but", style="yellow")
            return
        say_kept(self._console, self.trainer.keep(trained, facts))

    def train_further(
        self,
        events: Sequence[Path],
        from_engine: bool,
        settings: EventSettings,
        training: TrainingConfiguration,
    ) -> None:
        """On the events of these files, or on what the engine has kept since the model's own."""
        name = self.trainer.promoted()
        after = Registry(self._store, self.trainer.index).facts(name).get("until")
        if from_engine and after is not None:
            say(self._console, f"only events after {after} are read")
        interactions, facts = self.read(events, from_engine, settings, after)
        with TrainingProgress(self._console) as progress:
            trained = self.trainer.train_further(name, interactions, training, progress.advance)
        say_kept(self._console, self.trainer.keep(trained, {**facts, CONTINUES: name}))


def _require_its_own(context: typer.Context) -> None:
    """ConfigurationError for what would be another model."""
    given = [
        option
        for name, option in ITS_OWN.items()
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    ]
    if given:
        raise ConfigurationError(
            f"{', '.join(given)}: --continue trains the promoted model as it is; leave it out, or"
            " train anew without --continue"
        )


def _read_weights(given: Sequence[str]) -> dict[str, float]:
    """`rent=2` → 2.0 by the action; ConfigurationError says what to type."""
    weights = {}
    for each in given:
        action, _, weight = each.partition("=")
        try:
            weights[action] = float(weight)
        except ValueError:
            weights[action] = math.nan
        if not action or not weights[action] >= 0 or math.isinf(weights[action]):
            raise ConfigurationError(f"--weight {each}: it takes an action and a number: rent=2")
    return weights
