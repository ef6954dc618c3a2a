"""Vectors in the cluster, on the server: the folder without them, and what is read back."""

from types import SimpleNamespace
from uuid import uuid4

import numpy as np
import pytest
from opensearchpy import OpenSearch, RequestError

from endcap_indexer.catalogue import ROW_FIELD, VECTOR_FIELD, CatalogueFields
from endcap_indexer.exceptions import GenerationError
from endcap_indexer.generations import (
    Generation,
    IndexSettings,
    Manifest,
    generation_folder,
    reindex,
)
from endcap_indexer.generations.indices import create_index
from endcap_indexer.vectors import PACKED_VECTOR, knn_field, unpack_vectors

CLUSTER = IndexSettings(vectors="opensearch")


@pytest.fixture
def server(opensearch_url):
    with OpenSearch([opensearch_url], timeout=60) as client:
        yield client


@pytest.fixture
def index(server):
    """A name that nobody else has; what is named after it is deleted."""
    name = f"clustered-{uuid4().hex[:12]}"
    yield name
    server.indices.delete(index=f"{name}*", params={"allow_no_indices": "true"})


@pytest.fixture
def build_there(server, store, index, encoder):
    """Reindex with the toy encoder, the vectors in the cluster unless settings say otherwise."""

    def run(catalogue, encoder=encoder, settings=CLUSTER, **options):
        return reindex(server, store, index, catalogue, encoder, settings, **options)

    return run


@pytest.fixture
def read_vectors(server, index):
    """Ids and float16 vectors of all documents, in the order of their rows."""

    def read(dimension=8):
        body = {
            "size": 1000,
            "sort": [ROW_FIELD],
            "docvalue_fields": [ROW_FIELD],
            "script_fields": PACKED_VECTOR,
        }
        hits = server.search(index=index, body=body)["hits"]["hits"]
        return [hit["_id"] for hit in hits], unpack_vectors(hits, dimension)

    return read


def test_the_documents_hold_the_vectors_and_the_folder_none(
    build_there, write_catalogue, read_vectors, encoder, server, store, index
):
    result = build_there(write_catalogue(30))
    generation = Generation.open(generation_folder(store, result.generation))
    ids, vectors = read_vectors()
    assert ids == generation.ids(np.arange(30)) == [f"p{n}" for n in range(30)]
    expected = encoder.encode_queries([f"lamp {n} first" for n in range(30)])
    np.testing.assert_array_equal(vectors, expected.astype(np.float16))
    assert generation.manifest.vectors == "opensearch"
    assert generation.index.vectors(np.arange(3)).shape == (3, 0)
    mappings = server.indices.get_mapping(index=index)[result.generation]["mappings"]
    assert mappings["_meta"]["endcap"]["vectors"] == "opensearch"
    assert mappings["properties"]["endcap"]["properties"]["vector"]["method"]["engine"] == "lucene"


def test_only_changed_texts_are_embedded(build_there, write_catalogue, encoder, read_vectors):
    catalogue = write_catalogue(30)
    build_there(catalogue)
    assert build_there(catalogue).unchanged
    before = read_vectors()[1]
    encoder.encoded.clear()
    catalogue.source.paths[0].write_text(
        catalogue.source.paths[0].read_text().replace("lamp 7 ", "lantern 7 ")
    )
    told = []
    watcher = SimpleNamespace(advance=lambda *progress: told.append(progress))
    result = build_there(catalogue, progress=watcher)
    assert (result.embedded, result.reused) == (1, 29)
    assert encoder.encoded == ["lantern 7 first"]
    assert told[0] == ("read back", 30, 30)
    after = read_vectors()[1]
    kept = np.arange(30) != 7
    np.testing.assert_array_equal(after[kept], before[kept])
    assert not np.array_equal(after[7], before[7])


def test_vectors_move_into_the_cluster_and_back(build_there, write_catalogue, encoder, store):
    catalogue = write_catalogue(30)
    folder = Generation.open(
        generation_folder(store, build_there(catalogue, settings=IndexSettings()).generation)
    )
    encoder.encoded.clear()
    assert build_there(catalogue).embedded == 0
    back = Generation.open(
        generation_folder(store, build_there(catalogue, settings=IndexSettings()).generation)
    )
    assert encoder.encoded == []
    rows = np.arange(30)
    np.testing.assert_array_equal(back.index.vectors(rows), folder.index.vectors(rows))


def test_what_the_engine_lost_is_embedded_again(
    build_there, write_catalogue, encoder, server, index
):
    catalogue = write_catalogue(30)
    build_there(catalogue)
    server.delete(index=index, id="p3")
    server.index(index=index, id="p4", body={"title": "ours no more"}, refresh=True)
    encoder.encoded.clear()
    assert build_there(catalogue, force=True).embedded == 2
    followed = ["ours no more"]  # what was written to the live one, first of all
    assert sorted(encoder.encoded) == ["lamp 3 first", "lamp 4 first", *followed]


def test_a_partial_update_keeps_the_vector(
    build_there, write_catalogue, read_vectors, server, index
):
    """The shop's own programs change prices."""
    build_there(write_catalogue(3))
    before = read_vectors()[1]
    server.update(index=index, id="p1", body={"doc": {"price": 99}}, refresh=True)
    np.testing.assert_array_equal(read_vectors()[1], before)


def test_a_product_without_a_vector_is_kept(
    build_there, write_catalogue, read_vectors, encoder, monkeypatch
):
    """A text that says nothing to the encoder gets a vector of zeros, which has no direction."""
    monkeypatch.setattr(encoder, "encode_products", lambda texts: np.eye(len(texts), 8, k=-1))
    build_there(write_catalogue(3))
    ids, vectors = read_vectors()
    assert sorted(ids) == ["p0", "p1", "p2"]
    assert np.isnan(vectors).all(axis=1).sum() == 1


def test_the_shop_may_bring_its_vectors(build_there, write_catalogue, read_vectors):
    rows = [
        {"id": "north", "title": "north", "embedding": [0, 1]},
        {"id": "east", "title": "east", "embedding": [1, 0]},
    ]
    build_there(write_catalogue(rows=rows, fields=CatalogueFields(vector="embedding")), None)
    ids, vectors = read_vectors(2)
    assert (ids, vectors.tolist()) == (["north", "east"], [[0, 1], [1, 0]])


def test_every_half_comes_back_as_it_was(server, index):
    """Signs, zeros, the least and the largest exponents."""
    random = np.random.default_rng(0)
    bits = random.integers(0, 0x3C01, (64, 8), dtype=np.uint16)  # 0 to 1
    bits |= random.integers(0, 2, bits.shape, dtype=np.uint16) << 15
    bits[0] = [0, 0x8000, 1, 0x8001, 0x3FF, 0x400, 0x3C00, 0xBC00]
    halves = bits.view(np.float16)
    field = {"endcap": {"properties": {"vector": knn_field(8, "lucene")}}}
    body = {"settings": {"index.knn": True}, "mappings": {"properties": field}}
    server.indices.create(index=index, body=body)
    for number, vector in enumerate(halves.astype(np.float64)):
        server.index(index=index, id=str(number), body={"endcap": {"vector": vector.tolist()}})
    server.indices.refresh(index=index)
    hits = server.search(index=index, body={"size": 64, "script_fields": PACKED_VECTOR})["hits"]
    found = {hit["_id"]: unpack_vectors([hit], 8)[0] for hit in hits["hits"]}
    ordered = np.array([found[str(number)] for number in range(64)])
    np.testing.assert_array_equal(ordered, halves)


def test_shards_and_replicas(build_there, write_catalogue, server, index):
    build_there(write_catalogue(9), settings=IndexSettings("opensearch", shards=2, replicas=1))
    (facts,) = server.indices.get_settings(index=index).values()
    kept = facts["settings"]["index"]
    assert (kept["number_of_shards"], kept["number_of_replicas"]) == ("2", "1")


def test_the_embedded_engine_refuses(client, store, write_catalogue, encoder):
    with pytest.raises(GenerationError, match="not supported by the embedded .* --vectors folder"):
        reindex(client, store, "products", write_catalogue(3), encoder, CLUSTER)
    assert client.indices.get(index="*") == {}


def manifest():
    return Manifest("products-000001", "", "", None, 8, (), (), {}, vectors="opensearch")


def test_a_node_without_the_plugin_refuses_by_name(monkeypatch):
    """A fault injected: the shared node has the plugin."""

    def create(**_):
        info = {"error": {"reason": "unknown setting [index.knn]"}}
        raise RequestError(400, "illegal_argument_exception", info)

    client = SimpleNamespace(indices=SimpleNamespace(create=create))
    with pytest.raises(GenerationError, match=r"unknown setting \[index.knn\].*the k-NN plugin"):
        create_index(client, CatalogueFields(), manifest(), CLUSTER)


@pytest.mark.parametrize("loaded", [True, False])
def test_faiss_is_taken_only_where_its_library_is_loaded(loaded):
    """Else the first vector would end the node."""
    created = []
    nodes = {"nodes": {"a": {"faiss_initialized": loaded}}}
    client = SimpleNamespace(
        plugins=SimpleNamespace(knn=SimpleNamespace(stats=lambda stat: nodes)),
        indices=SimpleNamespace(create=lambda **body: created.append(body)),
    )
    settings = IndexSettings("opensearch", knn_engine="faiss")
    if loaded:
        create_index(client, CatalogueFields(), manifest(), settings)
        assert "'engine': 'faiss'" in str(created)
    else:
        with pytest.raises(GenerationError, match='write knn_engine = "lucene"'):
            create_index(client, CatalogueFields(), manifest(), settings)
        assert created == []


def test_the_server_says_what_it_has_loaded(server):
    nodes = server.plugins.knn.stats(stat="faiss_initialized")["nodes"].values()
    assert all(isinstance(node["faiss_initialized"], bool) for node in nodes)


def test_the_field_is_where_the_script_looks():
    assert VECTOR_FIELD == "endcap.vector"
    assert f"doc['{VECTOR_FIELD}']" in str(PACKED_VECTOR)
