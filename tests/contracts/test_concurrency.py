"""Several writers at once: nothing is lost, and a condition lets one of them win."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from opensearchpy import ConflictError

WRITERS = 4


def test_every_write_gets_a_number_of_its_own(client, index):
    with ThreadPoolExecutor(WRITERS) as threads:
        answers = list(
            threads.map(lambda n: client.index(index=index, id=str(n), body={"n": n}), range(80))
        )
    assert sorted(answer["_seq_no"] for answer in answers) == list(range(80))
    client.indices.refresh(index=index)
    assert client.count(index=index)["count"] == 80


def test_one_creation_wins(client, index):
    client.indices.create(index=index)

    def create(writer):
        try:
            return client.create(index=index, id="1", body={"writer": writer})["result"]
        except ConflictError:
            return "conflict"

    with ThreadPoolExecutor(WRITERS) as threads:
        results = list(threads.map(create, range(WRITERS)))
    assert sorted(results) == ["conflict"] * (WRITERS - 1) + ["created"]


def test_conditional_increments_lose_nothing(client, index):
    client.index(index=index, id="1", body={"n": 0})

    def increment(_):
        while True:
            seen = client.get(index=index, id="1")
            condition = {"if_seq_no": seen["_seq_no"], "if_primary_term": seen["_primary_term"]}
            try:
                return client.index(
                    index=index, id="1", body={"n": seen["_source"]["n"] + 1}, **condition
                )
            except ConflictError:
                continue

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(increment, range(40)))
    assert client.get(index=index, id="1")["_source"] == {"n": 40}


def test_partial_updates_with_retries_lose_nothing(client, index):
    client.index(index=index, id="1", body={})
    with ThreadPoolExecutor(WRITERS) as threads:
        list(
            threads.map(
                lambda n: client.update(
                    index=index,
                    id="1",
                    body={"doc": {f"f{n}": n}},
                    params={"retry_on_conflict": 50},
                ),
                range(40),
            )
        )
    assert client.get(index=index, id="1")["_source"] == {f"f{n}": n for n in range(40)}


def test_an_alias_always_stands_for_one_index(client, name):
    first, second, alias = name("one"), name("two"), name("alias")
    for each in (first, second):
        client.index(index=each, id="1", body={}, params={"refresh": "true"})
    client.indices.put_alias(index=first, name=alias)

    def look(_):
        return len(client.indices.get_alias(name=alias))

    def swap(n):
        old, new = (first, second) if n % 2 == 0 else (second, first)
        actions = [
            {"remove": {"index": old, "alias": alias}},
            {"add": {"index": new, "alias": alias}},
        ]
        client.indices.update_aliases(body={"actions": actions})

    with ThreadPoolExecutor(WRITERS) as threads:
        looks = threads.map(look, range(100))
        for n in range(20):
            swap(n)
        assert set(looks) == {1}


async def test_requests_of_an_async_client_run_side_by_side(async_client, index):
    await async_client.index(index=index, id="1", body={"n": 0})
    turns = 0

    async def count_turns():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    lines = [line for n in range(2000) for line in ({"index": {"_id": str(n)}}, {"n": n})]
    await async_client.bulk(index=index, body=lines)
    counting.cancel()
    assert turns > 10  # the loop went on while the bulk was written
