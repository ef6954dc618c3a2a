"""Programs that nobody here wrote take our client where they want an `opensearchpy.OpenSearch`."""

from uuid import uuid4

import opensearch_dsl as dsl
import pytest
from os_hybrid_kit import HybridConfig, HybridKit

pytestmark = pytest.mark.parametrize("shop", ["opensearch"], indirect=True)
WORDS = {"sofa": [1.0, 0.0], "couch": [0.9, 0.1], "lamp": [0.0, 1.0]}


@pytest.fixture
def client(shop):
    with shop.client() as client:
        yield client


@pytest.fixture
def name(shop):
    """Of indices and a pipeline that are gone afterwards."""
    name = f"programs-{uuid4().hex[:8]}"
    yield name
    with shop.plain() as client:
        client.indices.delete(index=f"{name}*", params={"allow_no_indices": "true"})
        client.search_pipeline.delete(id=name, params={"ignore": 404})


def test_a_hybrid_store_indexes_swaps_and_searches(client, name):
    """os-hybrid-kit: text and vectors in one index, fused by a search pipeline."""
    config = HybridConfig(index=f"{name}-1", dimension=2, pipeline_name=name, text_field="title")
    kit = HybridKit(config, client=client)
    assert kit.ensure_index() is True
    assert kit.ensure_index() is False
    kit.upsert_pipeline()
    documents = [{"_id": w, "title": w, "embedding": vector} for w, vector in WORDS.items()]
    assert kit.index_documents(documents) == (3, [])
    kit.put_alias(name)
    live = kit.with_index(name)
    assert [hit.id for hit in live.lexical_search("couch").hits] == ["couch"]
    assert [hit.id for hit in live.knn_search([1.0, 0.0], size=2).hits] == ["sofa", "couch"]
    fused = live.hybrid_search("couch", [1.0, 0.0], size=2)
    assert sorted(hit.id for hit in fused.hits) == ["couch", "sofa"]
    assert fused.hits[0].source == {"title": fused.hits[0].id}
    assert HybridKit(config.model_copy(update={"index": f"{name}-2"}), client=client).ensure_index()
    kit.swap_alias(name, f"{name}-2")
    assert kit.get_alias(name).keys() == {f"{name}-2"}
    assert live.lexical_search("couch").total == 0
    assert kit.delete_index() is True


def test_its_lexical_search_of_the_shop_is_re_ranked(client, shop):
    config = HybridConfig(index=shop.alias, dimension=2, text_field="title", vector_field="none")
    brand = {"term": {"brand.keyword": "Alder"}}
    found = HybridKit(config, client=client).lexical_search("couch", size=50, filter_query=brand)
    titles = found.texts("title")
    assert "couch" in titles[0]
    assert any("sofa" in title for title in titles)  # by the vector leg
    assert found.total == len(titles) == 8
    assert {hit.source["brand"] for hit in found.hits} == {"Alder"}
    assert found.raw["ext"]["endcap"]["applied"] is True


class Product(dsl.Document):
    title = dsl.Text()
    brand = dsl.Keyword()
    price = dsl.Float()


def test_a_mapper_of_objects_keeps_finds_and_removes_them(client, name):
    """opensearch-dsl: documents are classes, searches are chains."""
    dsl.connections.add_connection("shop", client)
    Product.init(index=name, using="shop")
    for number, title in enumerate(WORDS):
        product = Product(title=f"red {title}", brand=title, price=number, meta={"id": title})
        assert product.save(index=name, using="shop", refresh=True) == "created"
    product = Product.get("sofa", index=name, using="shop")
    product.update(price=7, index=name, using="shop", refresh=True)
    found = Product.search(index=name, using="shop").query("match", title="red").sort("-price")
    assert [(type(hit), hit.brand) for hit in found] == [
        (Product, "sofa"),
        (Product, "lamp"),
        (Product, "couch"),
    ]
    product.delete(index=name, using="shop", refresh=True)
    assert Product.search(index=name, using="shop").count() == 2
    assert len(list(Product.search(index=name, using="shop").scan())) == 2
    Product.search(index=name, using="shop").query("match_all").params(refresh=True).delete()
    assert Product.search(index=name, using="shop").count() == 0
    dsl.connections.remove_connection("shop")


def test_its_searches_of_the_shop_are_re_ranked(client, shop):
    search = dsl.Search(using=client, index=shop.alias).query("match", title="couch")[:50]
    search.aggs.bucket("brands", "terms", field="brand.keyword")
    response = search.highlight("title").execute()
    assert response.ext.endcap.applied is True
    assert [hit.meta.id for hit in response] == [
        hit["_id"] for hit in client.search(search.to_dict(), shop.alias)["hits"]["hits"]
    ]
    assert any("sofa" in hit.title for hit in response)
    assert response.hits.total.value == sum(
        bucket.doc_count for bucket in response.aggregations.brands.buckets
    )
    lines = dsl.MultiSearch(using=client, index=shop.alias).add(search).add(search.sort("price"))
    first, second = lines.execute()
    assert (first.ext.endcap.applied, second.ext.endcap.applied) == (True, False)

    class Couches(dsl.FacetedSearch):
        using, index, fields = client, shop.alias, ["title"]
        facets = {"brand": dsl.TermsFacet(field="brand.keyword")}

    cedar = Couches("couch", {"brand": ["Cedar"]}).execute()
    assert {hit.brand for hit in cedar} == {"Cedar"}
    assert {brand: selected for brand, _, selected in cedar.facets.brand} == {
        "Alder": False,
        "Birch": False,
        "Cedar": True,
    }
