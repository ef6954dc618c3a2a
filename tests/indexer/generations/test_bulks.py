"""What a bulk meets on its way, on both engines; the faults are put in before the engine."""

import pytest
from opensearchpy.exceptions import ConnectionError, RequestError, SSLError, TransportError

from endcap_indexer.exceptions import GenerationError
from endcap_indexer.generations import bulks
from endcap_indexer.generations.bulks import index_documents

TYPED = {"mappings": {"properties": {"price": {"type": "double"}}}}
AWAY = [
    ConnectionError("N/A", "reset", Exception("reset")),
    TransportError(503, "unavailable", {}),
    TransportError(502, "bad gateway", {}),
    TransportError(429, "too many requests", {}),
]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(bulks, "FIRST_PAUSE_S", 0)


@pytest.fixture
def toys(either, built_index):
    """An engine's client and a fresh index in it."""
    either.indices.create(index=built_index, body=TYPED)
    return either, built_index


def products(count):
    return [{"_id": f"p{n}", "_source": {"price": n}} for n in range(count)]


def interrupt(client, monkeypatch, *faults):
    """The first bulks meet these faults, one each; the others the engine."""
    left, plain = list(faults), client.bulk

    def bulk(*arguments, **options):
        fault = left.pop(0) if left else None
        if isinstance(fault, Exception):
            raise fault
        answer = plain(*arguments, **options)
        return answer if fault is None else fault(answer)

    monkeypatch.setattr(client, "bulk", bulk)
    return left


def count(client, name):
    client.indices.refresh(index=name)
    return client.count(index=name)["count"]


@pytest.mark.parametrize("fault", AWAY, ids=str)
def test_an_engine_that_is_away_is_asked_again(toys, monkeypatch, fault):
    client, name = toys
    left = interrupt(client, monkeypatch, fault, fault, fault)
    index_documents(client, name, products(5))
    assert (left, count(client, name)) == ([], 5)


def test_an_item_whose_shard_is_away_is_sent_again(toys, monkeypatch):
    """The others of its bulk are not."""
    client, name = toys

    def lose_the_second(answer):
        client.delete(index=name, id="p1")
        error = {"type": "unavailable_shards_exception", "reason": "primary is not active"}
        answer["items"][1]["index"] |= {"status": 503, "error": error}
        return {**answer, "errors": True}

    sent = []

    def watch(answer):
        sent.extend(item["index"]["_id"] for item in answer["items"])
        return answer

    interrupt(client, monkeypatch, lose_the_second, watch)
    index_documents(client, name, products(3))
    assert (sent, count(client, name)) == (["p1"], 3)


def test_an_engine_that_stays_away_is_told(toys, monkeypatch):
    client, name = toys
    fault = TransportError(503, "unavailable", {})
    left = interrupt(client, monkeypatch, *[fault] * (bulks.RETRIES + 1))
    with pytest.raises(TransportError, match="503"):
        index_documents(client, name, products(5))
    assert left == []


@pytest.mark.parametrize(
    "fault", [SSLError("N/A", "certificate", Exception()), RequestError(400, "wrong", {})], ids=str
)
def test_what_does_not_pass_by_itself_is_told_at_once(toys, monkeypatch, fault):
    client, name = toys
    left = interrupt(client, monkeypatch, fault, fault)
    with pytest.raises(type(fault)):
        index_documents(client, name, products(5))
    assert len(left) == 1


def test_all_refused_products_are_counted_and_the_first_are_named(toys):
    client, name = toys
    wrong = [{"_id": f"w{n}", "_source": {"price": f"cheap {n}"}} for n in range(12)]
    with pytest.raises(
        GenerationError,
        match=r"refused 12 products: 'w0': mapper_parsing_exception: .*price.*; 'w9': [^;]*;"
        r" and 2 more; correct them",
    ):
        index_documents(client, name, [*products(3), *wrong])
    assert count(client, name) == 3


def test_one_refused_product_is_named(toys):
    client, name = toys
    wrong = {"_id": "w0", "_source": {"price": "cheap"}}
    with pytest.raises(GenerationError, match=r"refused 1 product: 'w0': \w+: [^;]*; correct"):
        index_documents(client, name, [wrong])


def test_what_is_no_fault_of_a_document_ends_it_at_once(toys, monkeypatch):
    client, name = toys

    def block(answer):
        error = {"type": "cluster_block_exception", "reason": "disk usage exceeded flood-stage"}
        for item in answer["items"]:
            item["index"] |= {"status": 403, "error": error}
        return {**answer, "errors": True}

    monkeypatch.setattr(bulks, "ACTIONS", 2)
    left = interrupt(client, monkeypatch, block, block)
    with pytest.raises(GenerationError, match="takes no documents, 'p0': cluster_block_exception"):
        index_documents(client, name, products(6))
    assert len(left) == 1
