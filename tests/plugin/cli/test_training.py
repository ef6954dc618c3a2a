import json

import pytest

from endcap.registry import COOCCURRENCE, Registry
from endcap_indexer.catalogue import digest_of

PAIRS = [("ada", "p000"), ("ada", "p001"), ("bob", "p000"), ("bob", "p001"), ("cy", "p005")]


@pytest.fixture
def events(write_rows):
    rows = [{"user": user, "item": item, "action": "purchase"} for user, item in PAIRS]
    return write_rows("events.jsonl", rows)


def test_events_become_a_promoted_artefact_that_a_search_uses(shop, store, events):
    said = shop("train", "events.jsonl").stdout
    assert said == ("cooccurrence-000001 is promoted: 5 events of 3 shoppers on 3 products\n")
    assert Registry(store, "products").promoted() == {COOCCURRENCE: "cooccurrence-000001"}
    shop("record", "p000", "--user", "eve")
    said = shop("search", "red couch", "--user", "eve").stdout  # p001 goes with p000
    below = said[said.index("p001") :].splitlines()[1]
    assert "cooccurrence" in below


def test_an_artefact_says_what_made_it(shop, store, events):
    shop("train", "events.jsonl")
    folder = store / "artefacts/products/cooccurrence-000001"
    made = json.loads((folder / "manifest.json").read_text())["made_by"]
    assert made.pop("created").endswith("+00:00")
    assert made == {
        "interactions": 5,
        "shoppers": 3,
        "events": {"file": "events.jsonl", "digest": digest_of([events])},
    }


def test_bad_events_are_named_and_skipped(shop, write_rows):
    good = [{"user": user, "item": item} for user, item in PAIRS]
    write_rows("events.jsonl", [*good, {"user": "ada"}, "{", {**good[0], "action": "[hum]"}])
    said = shop("train", "events.jsonl").stdout
    assert "skipped events.jsonl:6: item: missing" in said
    assert "skipped events.jsonl:7: is not JSON" in said
    assert "skipped events.jsonl:8: action: '[hum]' has no weight" in said
    assert said.endswith("5 events of 3 shoppers on 3 products, 3 bad rows\n")


def test_a_file_without_a_good_event_promotes_nothing(shop, store, write_rows):
    write_rows("events.jsonl", ["{"])
    assert "no event: every row was bad" in shop("train", "events.jsonl", code=1).stderr
    assert Registry(store, "products").promoted() == {}
