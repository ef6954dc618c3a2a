"""One search at a time, on products whose right order is known."""

import pytest

import endcap
from endcap.exceptions import RequestError


def ask(text, **changes):
    return {"query": {"match": {"title": text}}, **changes}


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def titles(answer):
    return [hit["_source"]["title"] for hit in answer["hits"]["hits"]]


def test_a_synonym_is_found_by_its_vector(anywhere):
    plain = anywhere.search(ask("couch", size=100), "products", endcap=False)
    answer = anywhere.search(ask("couch", size=100), "products")
    assert all("couch" in title for title in titles(plain))
    assert any("sofa" in title for title in titles(answer))
    assert not any("lamp" in title for title in titles(answer))
    assert answer["ext"]["endcap"]["applied"] is True


def test_a_query_that_means_nothing_finds_nothing(anywhere):
    answer = anywhere.search(ask("zzz qqq"), "products")
    assert answer["hits"]["hits"] == []
    assert answer["hits"]["total"] == {"value": 0, "relation": "eq"}
    assert answer["hits"]["max_score"] is None


def test_what_happened_is_said(anywhere):
    extension = anywhere.search(ask("red sofa"), "products")["ext"]["endcap"]
    assert extension["generation"].endswith("-000001")
    assert extension["reason"] is None
    assert extension["took_ms"].keys() == {"recall", "rerank", "fetch"}


def test_contributions_sum_to_the_score(anywhere):
    answer = anywhere.search(ask("red sofa", ext={"endcap": {"explain": True}}), "products")
    explanations = answer["ext"]["endcap"]["explanations"]
    assert [each["_id"] for each in explanations] == ids(answer)
    for hit, each in zip(answer["hits"]["hits"], explanations, strict=True):
        assert sum(each["contributions"].values()) == pytest.approx(hit["_score"], rel=1e-5)


def test_an_event_counts_in_the_very_next_search(client):
    body = ask("sofa", size=100)
    before = client.search(body, "products", user="ada")
    birch = [hit["_id"] for hit in before["hits"]["hits"] if hit["_source"]["title"] == "navy sofa"]
    client.record(user="ada", item=birch[0], action="purchase", query="sofa")
    after = client.search(body, "products", user="ada")
    assert sorted(ids(after)) == sorted(ids(before))
    assert titles(after)[0] in ("navy sofa", "blue sofa")
    assert client.search(body, "products", user="bob")["hits"] == before["hits"]


def test_a_history_that_comes_with_the_request(anywhere):
    body = ask("sofa", size=100)
    nobody = anywhere.search(body, "products")
    navy = next(h["_id"] for h in nobody["hits"]["hits"] if h["_source"]["title"] == "navy sofa")
    history = {**body, "ext": {"endcap": {"history": [navy]}}}
    assert titles(anywhere.search(history, "products"))[0] in ("navy sofa", "blue sofa")


def test_a_session_has_a_history_of_its_own(client):
    client.record(session="s1", item="p018", action="view")
    body = ask("sofa", size=100)
    nobody = client.search(body, "products")["hits"]
    assert client.search(body, "products", session="s1")["hits"] != nobody
    assert client.search(body, "products", user="s1")["hits"] == nobody


def test_a_forgotten_shopper_is_a_stranger(client):
    body = ask("sofa", size=100)
    before = client.search(body, "products", user="ada")
    for item in ("p018", "p018", "p042"):
        client.record(user="ada", item=item)
    assert client.search(body, "products", user="ada")["hits"] != before["hits"]
    assert client.forget(user="ada") == 3
    assert client.search(body, "products", user="ada")["hits"] == before["hits"]
    assert client.forget(user="ada") == 0


def test_no_shopper_s_id_is_in_any_file_of_the_store(client, store):
    client.record(user="ada-lovelace-1815", item="p018")
    client.search(ask("sofa"), "products", user="ada-lovelace-1815")
    for file in store.rglob("*"):
        assert not file.is_file() or b"ada-lovelace-1815" not in file.read_bytes()
    assert (store / "user.key").stat().st_mode & 0o777 == 0o600


def test_a_cursor_keeps_pages_together_when_the_shopper_clicks_in_between(client):
    client.record(user="ada", item="p018")
    whole = client.search(ask("sofa", size=60), "products", user="ada")
    first = client.search(ask("sofa", size=5), "products", user="ada")
    cursor = first["ext"]["endcap"]["cursor"]
    for item in ("p042", "p043"):
        client.record(user="ada", item=item, action="purchase")
    rest = ask("sofa", size=55, **{"from": 5}, ext={"endcap": {"cursor": cursor}})
    second = client.search(rest, "products", user="ada")
    assert ids(first) + ids(second) == ids(whole)
    assert second["ext"]["endcap"]["cursor"] == cursor
    assert client.search(ask("sofa", size=60), "products", user="ada")["hits"] != whole["hits"]


def test_a_filter_query_is_ordered_for_a_shopper(client):
    body = {"query": {"bool": {"filter": [{"term": {"kind": "sofa"}}]}}, "size": 50}
    plain = client.search(body, "products")
    assert plain["ext"]["endcap"]["reason"] == "no text and no shopper"
    client.record(user="ada", item="p018")
    personal = client.search(body, "products", user="ada")
    assert sorted(ids(personal)) == sorted(ids(plain))
    assert titles(personal)[0].split()[0] in ("navy", "blue")


def test_source_filters_and_highlights_are_the_caller_s(anywhere):
    body = ask("red sofa", _source=["brand"], highlight={"fields": {"title": {}}}, size=3)
    hit = anywhere.search(body, "products")["hits"]["hits"][0]
    assert hit["_source"].keys() == {"brand"}
    assert hit["highlight"] == {"title": ["<em>red</em> <em>sofa</em>"]}


def test_filter_path_and_totals_as_numbers(anywhere):
    answer = anywhere.search(ask("sofa"), "products", filter_path="hits.hits._id,hits.total")
    assert answer.keys() == {"hits"}
    assert answer["hits"]["hits"][0].keys() == {"_id"}
    number = anywhere.search(ask("sofa"), "products", rest_total_hits_as_int=True)["hits"]["total"]
    assert number == answer["hits"]["total"]["value"]
    assert "total" not in anywhere.search(ask("sofa", track_total_hits=False), "products")["hits"]


def test_a_total_is_counted_as_far_as_asked(anywhere):
    whole = anywhere.search(ask("couch"), "products")["hits"]["total"]["value"]
    lexical = anywhere.search(ask("couch"), "products", endcap=False)["hits"]["total"]["value"]
    assert lexical < whole
    answer = anywhere.search(ask("couch", track_total_hits=whole - 1), "products")
    assert answer["hits"]["total"] == {"value": whole - 1, "relation": "gte"}


def test_rrf_is_the_same_candidates_in_another_order(anywhere):
    convex = anywhere.search(ask("red couch", size=100), "products")
    weights = {"lexical": 0.5, "text": 0.5}
    ours = {"endcap": {"fusion": "rrf", "weights": weights, "explain": True}}
    rrf = anywhere.search(ask("red couch", size=100, ext=ours), "products")
    assert sorted(ids(rrf)) == sorted(ids(convex))
    best = rrf["ext"]["endcap"]["explanations"][0]["columns"]
    assert any(best["lexical"] == pytest.approx(61 / (60 + rank)) for rank in range(1, 80))
    assert [hit["_score"] for hit in rrf["hits"]["hits"]] != [
        hit["_score"] for hit in convex["hits"]["hits"]
    ]


def test_an_index_of_somebody_else_is_searched_as_ever(client):
    client.index(index="notes", body={"title": "red sofa"}, refresh=True)
    answer = client.search(ask("sofa"), "notes")
    assert answer["hits"]["total"]["value"] == 1
    assert "was not built by endcap reindex" in answer["ext"]["endcap"]["reason"]


def test_what_the_plain_client_raises_is_raised(anywhere):
    import opensearchpy

    with pytest.raises(opensearchpy.NotFoundError, match="index_not_found_exception"):
        anywhere.search(ask("sofa"), "nowhere")
    with pytest.raises(opensearchpy.RequestError):
        anywhere.search({"query": {"nonsense": {}}}, "products")
    with pytest.raises(TypeError):
        anywhere.search(ask("sofa"), "products", nonsense=1)


def test_an_option_that_cannot_be_read_is_raised(anywhere):
    with pytest.raises(RequestError, match="ext.endcap.windw is unknown"):
        anywhere.search(ask("sofa", ext={"endcap": {"windw": 3}}), "products")


def test_a_client_without_a_store_is_a_plain_client(built_store, tmp_path, monkeypatch):
    from endcap_indexer.embedded import EmbeddedConnection

    monkeypatch.chdir(tmp_path)
    folder = str(built_store / "engine")
    with endcap.SearchClient(connection_class=EmbeddedConnection, folder=folder) as client:
        answer = client.search(ask("sofa"), "products")
    assert answer["ext"]["endcap"]["reason"].startswith("no store: pass store=")


async def test_the_async_client_gives_the_same_answers(built_store, reader):
    body = ask("red couch", size=20, ext={"endcap": {"explain": True}})
    client = endcap.connect_async(built_store)
    answer = await client.search(body, "products")
    await client.close()
    expected = reader.search(body, "products")
    assert answer["hits"] == expected["hits"]
    explained = answer["ext"]["endcap"]["explanations"]
    assert explained == expected["ext"]["endcap"]["explanations"]


async def test_the_async_client_records_and_forgets(store):
    client = endcap.connect_async(store)
    await client.record(user="ada", item="p018")
    answer = await client.search(ask("sofa"), "products", user="ada")
    assert titles(answer)[0] in ("navy sofa", "blue sofa")
    assert await client.forget(user="ada") == 1
    await client.close()


def test_a_search_is_two_requests(reader, monkeypatch):
    """The legs' searches, and the page."""
    asked = []
    plain = reader.transport.perform_request

    def perform(method, url, **given):
        asked.append(url)
        return plain(method, url, **given)

    everything = {"query": {"match": {"title": "sofa"}}}
    reader.search(everything, "products")
    monkeypatch.setattr(reader.transport, "perform_request", perform)
    answer = reader.search(everything, "products")
    assert answer["ext"]["endcap"]["applied"] is True
    searches = [url for url in asked if url.endswith("search")]
    assert searches == ["/products-000001/_msearch", "/products-000001/_search"]
