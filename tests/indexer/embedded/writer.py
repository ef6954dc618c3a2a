"""Writes to an engine folder until it is done or killed; prints an id once it is acknowledged."""

import itertools
import sys

from opensearchpy import ConflictError, OpenSearch

from endcap_indexer.embedded.connection import EmbeddedConnection

ANY = {"query": {"match_all": {}}}


def write_for_ever(client: OpenSearch, name: str) -> None:
    """Single writes and bulks in turn; a search now and then, so that tantivy commits too."""
    for turn in itertools.count():
        single = f"{name}-{turn}"
        client.index(index="products", id=single, body={"name": single})
        ids = [f"{single}-{number}" for number in range(5)]
        lines = [line for id in ids for line in ({"index": {"_id": id}}, {"name": id})]
        client.bulk(index="products", body=lines)
        sys.stdout.write("".join(f"{id}\n" for id in [single, *ids]))
        sys.stdout.flush()
        if turn % 10 == 5:
            client.indices.refresh(index="products")
            client.search(index="products", body=ANY)


def count_up(client: OpenSearch, name: str, times: int) -> None:
    """Adds one to a shared counter, so many times, beside documents of its own."""
    for turn in range(times):
        client.index(index="products", id=f"{name}-{turn}", body={"name": name})
        while not add_one(client):
            pass


def add_one(client: OpenSearch) -> bool:
    seen = client.get(index="counters", id="shared")
    condition = {"if_seq_no": seen["_seq_no"], "if_primary_term": seen["_primary_term"]}
    body = {"n": seen["_source"]["n"] + 1}
    try:
        client.index(index="counters", id="shared", body=body, params=condition)
    except ConflictError:
        return False
    return True


def main() -> None:
    folder, name, times = sys.argv[1:]
    with OpenSearch(connection_class=EmbeddedConnection, folder=folder) as client:
        if times == "for-ever":
            write_for_ever(client, name)
        else:
            count_up(client, name, int(times))


main()
