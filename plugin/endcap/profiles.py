"""What a shopper did last: one document per shopper, behind three verbs, `get`, `append` and
`forget`.

A profile is read by realtime GET, so an event counts in the very next search on every replica.
Every event is also kept as a UBI event. Ids arrive here as keyed hashes; that of a shopper who was
forgotten stands in an index of its own until `endcap expunge` has found all its traces. What the
engine refuses as a whole raises opensearch-py's error, what it refuses in part `ProfileError`.
"""

import functools
import logging
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opensearchpy import RequestError

from endcap.exceptions import ProfileError
from endcap.refusals import NOT_NOW, error_of
from endcap.steps import Call, Steps
from endcap_reranker import ACTION_WEIGHTS, OURS

PROFILES = "endcap_profiles"
EVENTS = "ubi_events"
FORGOTTEN = "endcap_forgotten"
NOT_INDEXED = f"no history: {PROFILES} does not exist, so no event was recorded yet"
FORMAT = 1
LENGTH = 200  # events of a profile
TRIES = 100  # after each that fails, another event of the shopper has been kept
BATCH = 1000  # events that are removed at once
MISSING, CONFLICT = 404, 409
ALREADY_EXISTS = "resource_already_exists_exception"
PROFILES_BODY = {"mappings": {"dynamic": False, "properties": {}}}
EVENTS_BODY = {
    "mappings": {
        "dynamic": False,
        "properties": {
            "action_name": {"type": "keyword"},
            "client_id": {"type": "keyword"},
            "timestamp": {"type": "date"},
            "user_query": {"type": "keyword"},
            "event_attributes": {
                "properties": {"object": {"properties": {"object_id": {"type": "keyword"}}}}
            },
        },
    }
}

FORGOTTEN_BODY = PROFILES_BODY

logger = logging.getLogger("endcap")


@dataclass(frozen=True, slots=True)
class Event:
    """One action of a shopper on a product; `time` is ISO 8601 in UTC, `query` what was typed."""

    item: str
    action: str
    time: str
    query: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """events: the last ones, oldest first. version: how many there have ever been. indexed: whether
    there is an index of profiles at all.
    """

    events: tuple[Event, ...] = ()
    version: int = 0
    indexed: bool = True

    def at(self, version: int) -> "Profile":
        """The profile as it was at an earlier version, as far as its events are still kept."""
        newer = max(0, self.version - version)
        kept = max(0, len(self.events) - newer)
        return Profile(self.events[:kept], min(version, self.version))

    @classmethod
    def of(cls, items: Sequence[str]) -> "Profile":
        """A history that came with the request, oldest first."""
        return cls(tuple(Event(item, "view", "") for item in items[-LENGTH:]))

    def with_event(self, event: Event) -> "Profile":
        return Profile((*self.events, event)[-LENGTH:], self.version + 1)


def get(key: str) -> Steps[Profile]:
    """The shopper's profile, empty for one who is not known.

    A search waits for it: what the engine refuses now is not asked again of all its nodes.
    """
    profile, _ = yield from _read(key, *NOT_NOW)
    return profile


def append(key: str, event: Event) -> Steps[Profile]:
    """Add an event to the profile and to the UBI events, in one bulk request.

    It is repeated when another writer of the profile was first; the UBI event has its id from the
    start, so it is kept once. An action of weight 0 (impression) is a UBI event only: what was
    merely shown would soon be all that a profile holds.
    """
    _check(event)
    ubi = [{"create": {"_index": EVENTS, "_id": secrets.token_hex(16)}}, _ubi_event(key, event)]
    if ACTION_WEIGHTS.get(event.action) == 0:
        _require_all(_results((yield Call("bulk", {"body": ubi}))), "kept")
        return (yield from get(key))
    for _ in range(TRIES):
        before, place = yield from _read(key)
        profile = before.with_event(event)
        answer = yield Call("bulk", {"body": [*ubi, place, _document(profile)]})
        _, written = results = _results(answer)
        _require_all((each for each in results if each["status"] != CONFLICT), "kept")
        if written["status"] != CONFLICT:
            return profile
    raise ProfileError(f"the event was not kept: {TRIES} times another writer was first")


def forget(key: str) -> Steps[int]:
    """Remove the profile and the shopper's events; returns how many events there were.

    That the shopper is forgotten is kept first: where the engine fails in between, `endcap expunge`
    still finds whose rows a model holds.
    """
    yield from _ensure(FORGOTTEN, FORGOTTEN_BODY)
    yield Call("index", {"index": FORGOTTEN, "id": key, "body": {"format": FORMAT}})
    yield Call("delete", {"index": PROFILES, "id": key, "ignore": 404})
    removed: set[str] = set()
    while ids := (yield from _event_ids(key)):
        if removed.issuperset(ids):
            raise ProfileError(f"{EVENTS} still finds {len(ids)} events that were removed")
        deletes = [{"delete": {"_index": EVENTS, "_id": id}} for id in ids]
        _require_all(_results((yield Call("bulk", {"body": deletes}))), "removed")
        removed.update(ids)
    return len(removed)


def ensure_indices() -> Steps[None]:
    """Create the two indices where they are missing; another process may do so at the same time."""
    yield from _ensure(PROFILES, PROFILES_BODY)
    yield from _ensure(EVENTS, EVENTS_BODY)


def _ensure(index: str, body: Mapping[str, Any]) -> Steps[None]:
    if (yield Call("indices.exists", {"index": index})):
        return
    try:
        yield Call("indices.create", {"index": index, "body": body})
    except RequestError as error:
        if error.error != ALREADY_EXISTS:
            raise


def _check(event: Event) -> None:
    for name, value in (("item", event.item), ("action", event.action)):
        if not isinstance(value, str) or not value:
            raise ProfileError(f"an event's {name} is {value!r}; it takes a text, in quotes")
    if event.action not in ACTION_WEIGHTS:
        _say_once(event.action)


@functools.lru_cache(maxsize=1000)
def _say_once(action: str) -> None:
    """UBI leaves the names of actions free, so one of the shop's own is kept; so is a typo."""
    known = ", ".join(ACTION_WEIGHTS)
    logger.warning("action %r is kept, and counts as a view: it is none of %s", action, known)


def _read(key: str, *answered: int) -> Steps[tuple[Profile, dict[str, Any]]]:
    """The profile, and the line of a bulk request that writes where it stands, and only there.

    answered: the statuses that opensearch-py answers instead of trying again.
    """
    found = yield Call("get", {"index": PROFILES, "id": key, "ignore": (MISSING, *answered)})
    place = {"_index": PROFILES, "_id": key}
    if found.get("status") in answered:
        raise error_of(found)
    if not found.get("found"):
        return Profile(indexed="error" not in found), {"create": place}
    stands = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
    return _profile(found["_source"]), {"index": {**place, **stands}}


def _profile(document: Mapping[str, Any]) -> Profile:
    if document.get("format") != FORMAT:
        raise ProfileError(
            f"a profile has format {document.get('format')!r}, this version reads {FORMAT};"
            " use one version everywhere, or forget the shopper"
        )
    try:
        events = tuple(Event(**event) for event in document["events"])
        return Profile(events, int(document["version"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ProfileError(f"a profile is damaged ({error!r}); forget the shopper") from error


def _document(profile: Profile) -> dict[str, Any]:
    events = [
        {"item": each.item, "action": each.action, "time": each.time}
        | ({"query": each.query} if each.query else {})
        for each in profile.events
    ]
    return {"format": FORMAT, "version": profile.version, "events": events}


def _event_ids(key: str) -> Steps[list[str]]:
    """The ids of at most `BATCH` of the shopper's UBI events."""
    yield Call("indices.refresh", {"index": EVENTS, "ignore": 404})
    query = {"query": {"term": {"client_id": key}}, "_source": False, "size": BATCH}
    answer = yield Call("search", {"index": EVENTS, "body": query, "ignore": 404})
    if answer.get("_shards", {}).get("failed"):
        raise ProfileError(f"a part of {EVENTS} was not searched; forget the shopper again")
    return [hit["_id"] for hit in answer.get("hits", {}).get("hits", [])]


def _results(bulk: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [next(iter(item.values())) for item in bulk["items"]]


def _require_all(results: Iterable[Mapping[str, Any]], done: str) -> None:
    """Raise for what a bulk request did not do; that it was not there to be removed is no error."""
    refused = [each for each in results if "error" in each]
    if refused:
        first = refused[0]
        raise ProfileError(
            f"{len(refused)} of the shopper's events not {done} in {first['_index']}:"
            f" {first['error']['reason']}"
        )


def _ubi_event(key: str, event: Event) -> dict[str, Any]:
    """UBI 1.3: the object is a product, by the id of the catalogue, and the client a hash."""
    return {
        "application": OURS,
        "action_name": event.action,
        "client_id": key,
        "timestamp": event.time,
        **({"user_query": event.query} if event.query else {}),
        "event_attributes": {"object": {"object_id": event.item, "object_id_field": "_id"}},
    }
