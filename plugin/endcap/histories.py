"""The history leg: who is asking, what they did last, and what is chosen together with that.

A product that goes with the shopper's history can lie far behind the window. The leg asks the
engine which of these the caller's own query finds, so it adds candidates but never a hit or a
total. Where nothing was typed, it is the user-item model that says what may suit.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from endcap import profiles
from endcap.bodies import Reading
from endcap.neighbours import user_leg
from endcap.opening import Snapshot
from endcap.profiles import Profile
from endcap.recall import Scored, ask_rows
from endcap.requests import SearchRequest
from endcap.steps import Computation, Steps
from endcap_reranker import ACTION_WEIGHTS, Shopper

RECENT = 50  # events of the profile that the columns look at
Identify = Callable[[], str]  # the keyed hash of who is asking


@dataclass(frozen=True, slots=True)
class HistoryLeg:
    """version: of the profile. shopper: None without a history. found: what goes with it. suited:
    by the user-item model, which then orders the page. note: why there may be no history.
    """

    version: int
    shopper: Shopper | None
    found: Scored
    suited: bool = False
    note: str | None = None


def history_leg(
    request: SearchRequest,
    snapshot: Snapshot,
    reading: Reading,
    window: int,
    identify: Identify | None,
) -> Steps[HistoryLeg]:
    """The profile as of the request's cursor, and at most `window` products that go with it."""
    key, profile = yield from _profile(request, identify)
    if not profile.events:
        note = None if profile.indexed else profiles.NOT_INDEXED
        return HistoryLeg(profile.version, None, Scored.nothing(), note=note)
    shopper = yield from _shopper(snapshot, key, profile)
    if reading.untaken is not None:
        return HistoryLeg(profile.version, shopper, Scored.nothing())
    model, items = snapshot.user_model, snapshot.item_table
    if not reading.text and model is not None and items is not None:
        state = yield Computation(lambda: model.state(shopper))
        if state is not None:
            found = yield from user_leg(request, snapshot, reading, window, items, state)
            return HistoryLeg(profile.version, shopper, found, suited=True)
    found = yield from _companions(request, snapshot, reading, window, shopper)
    return HistoryLeg(profile.version, shopper, found)


def _companions(
    request: SearchRequest, snapshot: Snapshot, reading: Reading, window: int, shopper: Shopper
) -> Steps[Scored]:
    """What is chosen together with the history, of what the caller's query finds."""
    companions = snapshot.companions
    if companions is None:
        return Scored.nothing()
    rows = yield Computation(lambda: companions.recall(shopper, window))
    if not len(rows):
        return Scored.nothing()
    query = {"bool": {"must": [reading.query], "filter": [snapshot.keys.among(rows)]}}
    return (yield from ask_rows(request, snapshot, query, len(rows)))


def _profile(
    request: SearchRequest, identify: Identify | None
) -> Steps[tuple[str | None, Profile]]:
    """Who is asking, and what was done; a history that comes with the request is nobody's."""
    if request.options.history is not None:
        return None, Profile.of(request.options.history)
    if identify is None:
        return None, Profile()
    key: str = yield Computation(identify)
    profile = yield from profiles.get(key)
    cursor = request.options.cursor
    if cursor is not None and cursor.profile is not None:
        profile = profile.at(cursor.profile)
    return key, profile


def _shopper(snapshot: Snapshot, key: str | None, profile: Profile) -> Steps[Shopper]:
    events = profile.events[-RECENT:][::-1]
    items = [event.item for event in events]
    rows = yield Computation(lambda: snapshot.generation.rows(items))
    weights = [ACTION_WEIGHTS.get(event.action, 1.0) for event in events]
    vectors = yield from snapshot.vectors.fetch(rows)
    known_by = None if key is None else key.encode()
    return Shopper(rows, np.array(weights, dtype=np.float32), vectors, known_by)
