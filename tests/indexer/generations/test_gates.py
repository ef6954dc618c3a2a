"""A generation that is not fit to be searched stays unsearched, on both engines."""

from dataclasses import replace

import pytest
from built_shop import BuiltShop, row

from endcap_indexer.exceptions import GateError
from endcap_indexer.generations import Canary, Gates
from endcap_indexer.generations.gates import check_gates


def rows(count: int, edition: str = "first"):
    return [row(number, edition) for number in range(count)]


def state(shop: BuiltShop):
    """The indices that there are, the folders, and what is live."""
    indices = sorted(shop.client.indices.get(index=f"{shop.index}-*"))
    folders = sorted(path.name for path in (shop.store / "generations").glob(f"{shop.index}-*"))
    return indices, folders, shop.documents()


@pytest.fixture
def refused(built):
    """Build of rows that a gate refuses, which changes nothing; what it says."""

    def run(rows, **options):
        before = state(built)
        with pytest.raises(GateError) as error:
            built.build(rows, **options)
        assert state(built) == before
        return str(error.value)

    return run


def test_a_canary_must_find_a_product(built, refused):
    built.build(rows(10))
    said = refused(rows(12), gates=Gates(canaries=("lamp", "unobtainable")))
    assert "the canary 'unobtainable'" in said
    assert built.build(rows(12), gates=Gates(canaries=("lamp",))).products == 12


def test_a_canary_must_find_the_products_that_it_expects(built, refused):
    built.build(rows(10))
    expecting = Canary("lamp 7", ("p7", "p99"))
    said = refused(rows(12), gates=Gates(canaries=(expecting,)))
    assert "has no 'p99' among its first 12 for the canary 'lamp 7'" in said
    assert built.build(rows(12), gates=Gates(canaries=(Canary("lamp 7", ("p7",)),))).products == 12


def test_what_was_embedded_for_a_refused_generation_is_used_again(built, refused):
    built.build(rows(10))
    refused(rows(12), gates=Gates(canaries=("unobtainable",)))
    assert built.build(rows(12)).embedded == 0


def test_a_catalogue_that_shrinks_too_much_is_refused(built, refused):
    built.build(rows(10))
    said = refused(rows(4))
    assert "has 4 products" in said and "has 10" in said and "--least-share 0" in said
    assert built.build(rows(5)).products == 5
    assert built.build(rows(1), gates=Gates(least_share=0.0)).products == 1


def test_products_must_be_found_by_their_own_title(built, refused, monkeypatch):
    """Here the engine finds nothing by them."""
    built.build(rows(10))
    unsearched = [{**each, "title": each["title"].upper(), "brand": "x"} for each in rows(10)]
    monkeypatch.setattr(
        "endcap_indexer.generations.gates.text_query",
        lambda fields, text: {"match": {"weight": 1e9}},
    )
    assert "not found by their own title" in refused(unsearched)


def test_the_engine_must_have_taken_the_mapping(built):
    built.build(rows(10))
    generation, fields = built.generation(), built.fields
    body = built.client.indices.get_mapping(index=generation.name)
    mapping = body[generation.name]["mappings"]
    check_gates(built.client, generation, fields, mapping, None, Gates())
    properties = {**mapping["properties"], "price": {"type": "keyword"}}
    with pytest.raises(GateError, match=r"price\.type is 'double', asked was 'keyword'"):
        asked = {**mapping, "properties": properties}
        check_gates(built.client, generation, fields, asked, None, Gates())


def test_vectors_that_did_not_reach_the_cluster_are_missed(built):
    built.build([*rows(9), {"id": "p9", "title": "lamp"}])
    generation, fields = built.generation(), built.fields
    held = 10 if built.settings.vectors == "opensearch" else 0
    check_gates(built.client, generation, fields, {}, None, Gates(), vectors=held)
    with pytest.raises(GateError, match=rf"11 products were sent with a vector, {held} have one"):
        check_gates(built.client, generation, fields, {}, None, Gates(), vectors=11)


def test_a_title_may_have_more_words_than_a_query(built):
    assert built.build([{"id": "p0", "title": "1024 lamps " * 1500}]).products == 1


def test_a_document_too_many_is_seen(built):
    built.build(rows(10))
    generation = built.generation()
    built.client.index(index=generation.name, id="stray", body={}, refresh=True)
    with pytest.raises(GateError, match="10 products were accepted, the index has 11"):
        check_gates(built.client, generation, built.fields, {}, None, Gates())


def test_titles_that_are_not_searched_are_not_looked_for(built):
    built.fields = replace(built.fields, text={"attributes": 1.0})
    assert built.build(rows(10)).products == 10
