import re

import pytest

HIT = re.compile(r"^ *\d+ (?P<title>.+)  (?P<id>\S+)  (?P<score>\d\.\d\d)$", re.MULTILINE)
PART = re.compile(r"(\w+) (\d\.\d\d)")


def hits(said: str) -> list[str]:
    return [match["id"] for match in HIT.finditer(said)]


def test_hits_have_title_id_and_score_and_the_score_is_the_sum_of_its_parts(shop):
    said = shop("search", "red sofa").stdout
    found = list(HIT.finditer(said))
    assert len(found) == 10
    assert found[0]["title"] == "red sofa"
    for match in found:
        below = said[match.end() :].splitlines()[1]
        parts = dict(PART.findall(below))
        assert {"lexical", "text"} >= parts.keys() - {"popularity"}
        assert sum(map(float, parts.values())) == pytest.approx(float(match["score"]), abs=0.02)
    assert re.search(r"^\d+ products$", said, re.MULTILINE)


def test_plain_is_the_engines_own_order_without_reasons(shop, reader):
    said = shop("search", "couch", "--plain", "--size", "3").stdout
    body = {"query": reader.text_query("couch", index="products"), "size": 3}
    plain = reader.search(body, "products", endcap=False)
    assert hits(said) == [hit["_id"] for hit in plain["hits"]["hits"]]
    assert "lexical" not in said


def test_what_is_recorded_counts_in_the_next_search(shop):
    before = hits(shop("search", "lamp", "--user", "ada", "--size", "24").stdout)
    chosen = before[-1]
    said = shop("record", chosen, "--user", "ada", "--action", "purchase").stdout
    assert said == f"purchase of {chosen} is kept\n"
    after = shop("search", "lamp", "--user", "ada", "--size", "24").stdout
    assert "history" in after
    assert hits(after).index(chosen) < before.index(chosen)
    assert hits(shop("search", "lamp", "--size", "24").stdout) == before


def test_a_title_that_looks_like_markup_is_written_as_it_is(run, write_rows):
    titles = ["Sofa [/b] [red]", "sofa :heart: two", "sofa \\"]
    write_rows("odd.jsonl", [{"id": f"[{n}]", "title": title} for n, title in enumerate(titles)])
    run("reindex", "odd.jsonl", "--store", "data")
    said = run("search", "sofa", "--store", "data").stdout
    assert {match["title"] for match in HIT.finditer(said)} == set(titles)
    assert set(hits(said)) == {"[0]", "[1]", "[2]"}


def test_the_title_is_the_catalogues_own_field(run, folder, write_rows):
    with (folder / "endcap.toml").open("a") as file:
        file.write('[catalogue]\nid = "sku"\ntitle = "label"\n')
    write_rows("labels.jsonl", [{"name": "wrong", "label": "red sofa", "sku": "s1"}])
    run("reindex", "labels.jsonl", "--store", "data")
    (hit,) = HIT.finditer(run("search", "sofa", "--store", "data").stdout)
    assert (hit["title"], hit["id"]) == ("red sofa", "s1")


def test_what_was_left_out_is_said(shop, store, write_rows):
    write_rows("events.jsonl", [{"user": "u", "item": item} for item in ("p000", "p001")])
    shop("train", "events.jsonl", "--no-model")
    for file in (store / "artefacts/products/cooccurrence-000001").glob("*.safetensors"):
        file.write_bytes(b"")
    said = shop("search", "sofa").stdout
    assert re.search(r"^but .*cooccurrence-000001 is left out: ", said, re.MULTILINE)


def test_an_index_whose_encoder_is_gone_is_searched_by_words(shop, store):
    (store / "encoders").rename(store / "elsewhere")
    said = shop("search", "sofa").stdout
    assert "lexical 1" in said
    assert "text" not in said.partition("but ")[0]
    assert "copy its folder there, or reindex" in said


def test_the_settings_of_endcap_toml_are_the_searches(shop, folder):
    with (folder / "endcap.toml").open("a") as file:
        file.write('[search]\nrecall = "lexical"\n')
    found = hits(shop("search", "couch", "--size", "72").stdout)
    assert len(found) == 12  # the couches, and none of the sofas


def test_a_budget_does_not_cut_short_what_a_person_looks_at(shop, folder):
    with (folder / "endcap.toml").open("a") as file:
        file.write("[search]\nbudget_ms = 0.001\n")
    said = shop("search", "red sofa").stdout
    assert "lexical" in said
    assert "being opened" not in said
