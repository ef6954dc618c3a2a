"""Where events come from, a file or the engine's own UBI indices, and how they are read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from opensearchpy import OpenSearch
from opensearchpy.helpers import scan

from endcap.exceptions import ConfigurationError
from endcap.identity import Identity
from endcap.profiles import EVENTS
from endcap_indexer.catalogue import BadRow, OnBadRow, Row, read_rows
from endcap_indexer.generations import Generation
from endcap_reranker import ACTION_WEIGHTS, BOTS_PER_HOUR, BadEvent, Identify, Interactions

QUERIES = "ubi_queries"
PAGE = 1000  # events of one answer
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class EventSettings:
    """How events are read.

    weights: of actions, beside the usual ones. half_life: an event so many days before the last
    counts half; None: all count alike. session_gap: minutes without an event that end a session,
    each of which is then a history of its own; None: a shopper's events are one history.
    bots_per_hour: who has more events in an hour is left out; None: nobody is.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    half_life: float | None = None
    session_gap: float | None = None
    bots_per_hour: int | None = BOTS_PER_HOUR


def read_files(files: Sequence[Path], on_bad_row: OnBadRow) -> Iterator[Row]:
    """The rows of event files, in the order given; files of UBI queries may be among them."""
    for file in files:
        yield from read_rows(file, on_bad_row=on_bad_row)


def read_engine(client: OpenSearch, after: str | None = None) -> Iterator[Row]:
    """The rows of the engine's UBI indices; ConfigurationError where it has no events.

    after: only events later than this time, in ISO 8601.
    """
    if not client.indices.exists(index=EVENTS):
        raise ConfigurationError(f"the engine has no {EVENTS}; pass a file of events")
    later = None if after is None else {"query": {"range": {"timestamp": {"gt": after}}}}
    for index, query in ((QUERIES, None), (EVENTS, later)):
        if client.indices.exists(index=index):
            hits = scan(client, query=query, index=index, size=PAGE)
            for line, hit in enumerate(hits, start=1):
                yield Row(index, line, hit["_source"])


def read_interactions(
    rows: Iterable[Row],
    on_bad_row: OnBadRow,
    settings: EventSettings | None = None,
    identify: Identify | None = None,
) -> Interactions:
    """The events in these rows; what is wrong with one is told with its file and line."""
    settings = settings or EventSettings()

    def placed() -> Iterator[tuple[str, Mapping[str, Any]]]:
        for row in rows:
            yield f"{row.file}:{row.line}", row.values

    def on_bad_event(bad: BadEvent) -> None:
        file, _, line = bad.place.rpartition(":")
        on_bad_row(BadRow(file, int(line), bad.field, bad.reason))

    interactions = Interactions.from_rows(
        placed(),
        action_weights={**ACTION_WEIGHTS, **settings.weights},
        identify=identify,
        bots_per_hour=settings.bots_per_hour,
        on_bad_row=on_bad_event,
    )
    if settings.half_life is not None:
        interactions = interactions.decayed(settings.half_life)
    if settings.session_gap is not None:
        interactions = interactions.in_sessions(settings.session_gap * MINUTE)
    return interactions


class Unknown(NamedTuple):
    """What events tell of products that the catalogue does not have."""

    products: int
    events: int


def count_unknown(interactions: Interactions, generation: Generation) -> Unknown:
    """How much of the events is about products that the generation does not have."""
    rows = generation.rows([id.decode() for id in interactions.item_ids.tolist()])
    unknown = rows < 0
    return Unknown(int(unknown.sum()), int(unknown[interactions.items].sum()))


def identify_by(identity: Identity) -> Identify:
    """Shoppers by the hashes under which their profiles are kept."""
    return lambda kind, name: (
        identity.shopper(None, name) if kind == "session" else identity.shopper(name, None)
    )
