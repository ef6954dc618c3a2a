import pytest

from endcap_reranker import BadEvent, Interactions
from endcap_reranker.dialects import UBI_ITEM, Typed, plain

UBI_EVENT = {
    "application": "shop",
    "action_name": "click",
    "client_id": "c",
    "query_id": "q1",
    "timestamp": "2026-11-23T09:00:00.000Z",
    "message": "clicked",
    "event_attributes": {
        "position": {"ordinal": 3},
        "object": {"object_id": "p1", "object_id_field": "ean", "name": "a sofa"},
    },
}
UBI_QUERY = {
    "query_id": "q1",
    "client_id": "c",
    "timestamp": "2026-11-23T08:59:00.000Z",
    "user_query": "red sofa",
    "query": '{"match": {"title": "red sofa"}}',
    "query_response_hit_ids": ["p1", "p2"],
}
RANKING = {
    "event": "ranking",
    "id": "r1",
    "timestamp": "1795424400000",
    "user": "u",
    "session": "s",
    "fields": [{"name": "source", "value": "search"}, {"name": "query", "value": "red sofa"}],
    "items": [{"id": "p1"}, {"id": "p2"}],
}
INTERACTION = {
    "event": "interaction",
    "id": "i1",
    "ranking": "r1",
    "timestamp": "1795424401000",
    "user": "u",
    "session": "s",
    "type": "purchase",
    "item": "p1",
    "fields": [],
}
ITEM = {"event": "item", "id": "x", "timestamp": "1795424400000", "item": "p1", "fields": []}


def read(*rows, **options):
    placed = ((f"events.jsonl:{line}", row) for line, row in enumerate(rows, 1))
    return Interactions.from_rows(placed, **{"on_bad_row": pytest.fail, **options})


def typed_before(interactions):
    return [interactions.query_texts[code] for code in interactions.queries.tolist() if code >= 0]


def test_a_plain_row_stays_what_it_is():
    row = {"user": "u", "item": "i", "action": "click", "query_id": "q", "user_query": "sofa"}
    assert plain(row) is row


def test_a_ubi_event_names_its_product_deep_inside():
    assert plain(UBI_EVENT)[UBI_ITEM] == "p1"
    found = read(UBI_EVENT)
    assert found.item_ids.tolist() == [b"p1"]
    assert found.times.tolist() == [1795424400.0]


@pytest.mark.parametrize("order", [1, -1], ids=["query first", "event first"])
def test_a_ubi_event_has_the_text_of_its_query(order):
    found = read(*[UBI_QUERY, UBI_EVENT][::order])
    assert typed_before(found) == ["red sofa"]
    assert found.report == {}


def test_a_ubi_event_s_own_text_goes_before_its_query_s():
    assert typed_before(read(UBI_QUERY, {**UBI_EVENT, "user_query": "couch"})) == ["couch"]


def test_an_event_whose_query_is_nowhere_is_counted():
    found = read(UBI_EVENT, {**UBI_QUERY, "query_id": "q2"})
    assert typed_before(found) == []
    assert found.report == {"events whose search is unknown": 1}


@pytest.mark.parametrize("attributes", [{}, {"object": None}, {"object": {"name": "a sofa"}}])
def test_a_ubi_event_without_a_product_is_bad(attributes):
    bad = []
    read(UBI_EVENT, {**UBI_EVENT, "event_attributes": attributes}, on_bad_row=bad.append)
    assert [(each.place, each.field) for each in bad] == [("events.jsonl:2", "item")]


def test_a_ubi_table_has_dots_in_its_header():
    flat = {"client_id": "c", "action_name": "click", "timestamp": 1, UBI_ITEM: "p1"}
    assert read(flat).item_ids.tolist() == [b"p1"]


def test_a_user_id_says_more_than_a_client_id():
    keys = read({**UBI_EVENT, "user_id": "u"}, identify=lambda kind, name: f"{kind} {name}")
    assert keys.user_keys.tolist() == [b"user u"]


def test_a_metarank_interaction_has_the_text_of_its_ranking():
    found = read(ITEM, INTERACTION, RANKING)
    assert typed_before(found) == ["red sofa"]
    assert (found.weights.tolist(), found.times.tolist()) == ([3.0], [1795424401.0])
    assert found.report == {"neither an event nor a search": 1}


@pytest.mark.parametrize("fields", [None, [], [{"name": "query", "value": ""}], ["query"], 3])
def test_a_ranking_where_nothing_was_typed(fields):
    assert typed_before(read({**RANKING, "fields": fields}, INTERACTION)) == []


def test_a_ranking_is_what_was_typed():
    assert plain(RANKING) == Typed("r1", "red sofa")


def test_an_interaction_of_an_unknown_type_is_bad_by_its_field():
    bad = []
    read(INTERACTION, {**INTERACTION, "type": "hover"}, on_bad_row=bad.append)
    known = "impression, view, click, watch, add_to_cart, purchase"
    said = f"'hover' has no weight; known are {known}"
    assert bad == [BadEvent("events.jsonl:2", "type", said)]


def test_all_dialects_at_once():
    plain_row = {"user": "u", "item": "p3", "time": "2026-11-23T10:00:00Z", "action": "view"}
    found = read(UBI_QUERY, plain_row, ITEM, INTERACTION, UBI_EVENT, RANKING)
    assert found.item_ids.tolist() == [b"p1", b"p3"]
    assert (len(found), found.n_users) == (3, 2)
