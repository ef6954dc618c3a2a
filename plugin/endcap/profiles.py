"""What a shopper did last: one document per shopper, behind three verbs, `get`, `append` and
`forget`.

A profile is read by realtime GET, so an event counts in the very next search on every replica.
Every event is also kept as a UBI event. Ids arrive here as keyed hashes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from endcap.exceptions import ProfileError
from endcap.steps import Call, Steps

PROFILES = "endcap_profiles"
EVENTS = "ubi_events"
FORMAT = 1
LENGTH = 200  # events of a profile
TRIES = 20
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


@dataclass(frozen=True, slots=True)
class Event:
    """One action of a shopper on a product; `time` is ISO 8601 in UTC."""

    item: str
    action: str
    time: str
    query: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """events: the last ones, oldest first. version: how many there have ever been."""

    events: tuple[Event, ...] = ()
    version: int = 0

    def at(self, version: int) -> "Profile":
        """The profile as it was at an earlier version, as far as its events are still kept."""
        newer = max(0, self.version - version)
        return Profile(self.events[: len(self.events) - newer], min(version, self.version))

    @classmethod
    def of(cls, items: Sequence[str]) -> "Profile":
        """A history that came with the request, oldest first."""
        return cls(tuple(Event(item, "view", "") for item in items[-LENGTH:]))

    def with_event(self, event: Event) -> "Profile":
        return Profile((*self.events, event)[-LENGTH:], self.version + 1)


def get(key: str) -> Steps[Profile]:
    """The shopper's profile, empty for one who is not known."""
    profile, _ = yield from _read(key)
    return profile


def append(key: str, event: Event) -> Steps[Profile]:
    """Add an event to the profile and to the UBI events: one bulk request, retried when another
    writer was first.
    """
    ubi: list[dict[str, Any]] = [{"index": {"_index": EVENTS}}, _ubi_event(key, event)]
    for _ in range(TRIES):
        profile, place = yield from _read(key)
        profile = profile.with_event(event)
        write = [{"index": {"_index": PROFILES, "_id": key, **place}}, _document(profile)]
        if not place:
            write[0] = {"create": {"_index": PROFILES, "_id": key}}
        answer = yield Call("bulk", {"body": [*ubi, *write]})
        results = [next(iter(item.values())) for item in answer["items"]]
        ubi = [] if ubi and results[0]["status"] < 300 else ubi
        if results[-1]["status"] < 300 and not ubi:
            return profile
        for result in results:
            if result["status"] >= 300 and result["status"] != 409:
                raise ProfileError(f"the event was not kept: {result['error']['reason']}")
    raise ProfileError(f"the event was not kept: {TRIES} times another writer was first")


def forget(key: str) -> Steps[int]:
    """Remove the profile and the shopper's events; returns how many events there were."""
    yield Call("delete", {"index": PROFILES, "id": key, "ignore": 404})
    query = {"query": {"term": {"client_id": key}}, "_source": False, "size": 1000}
    removed = 0
    while True:
        yield Call("indices.refresh", {"index": EVENTS, "ignore": 404})
        answer = yield Call("search", {"index": EVENTS, "body": query, "ignore": 404})
        hits = answer.get("hits", {}).get("hits", [])
        if not hits:
            return removed
        deletes = [{"delete": {"_index": EVENTS, "_id": hit["_id"]}} for hit in hits]
        yield Call("bulk", {"body": deletes})
        removed += len(hits)


def ensure_indices() -> Steps[None]:
    """Create the two indices where they are missing; another process may do so at the same time."""
    for name, body in ((PROFILES, PROFILES_BODY), (EVENTS, EVENTS_BODY)):
        if not (yield Call("indices.exists", {"index": name})):
            yield Call("indices.create", {"index": name, "body": body, "ignore": 400})


def _read(key: str) -> Steps[tuple[Profile, dict[str, int]]]:
    """The profile and where it stands: what a conditional write has to name."""
    found = yield Call("get", {"index": PROFILES, "id": key, "ignore": 404})
    if not found.get("found"):
        return Profile(), {}
    source = found["_source"]
    if source.get("format") != FORMAT:
        raise ProfileError(
            f"a profile has format {source.get('format')}, this version reads {FORMAT}"
        )
    events = tuple(Event(**event) for event in source["events"])
    place = {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
    return Profile(events, source["version"]), place


def _document(profile: Profile) -> dict[str, Any]:
    events = [
        {"item": each.item, "action": each.action, "time": each.time} for each in profile.events
    ]
    return {"format": FORMAT, "version": profile.version, "events": events}


def _ubi_event(key: str, event: Event) -> dict[str, Any]:
    """UBI 1.3: the object is a product, by the id of the catalogue."""
    return {
        "action_name": event.action,
        "client_id": key,
        "timestamp": event.time,
        **({"user_query": event.query} if event.query else {}),
        "event_attributes": {"object": {"object_id": event.item, "object_id_field": "_id"}},
    }
