"""`client.upsert`, wherever the index and the vectors lie."""

import asyncio
import time
from dataclasses import replace
from datetime import date

import pytest
from toy_shop import products

import endcap
from endcap.upserts import ACTIONS
from endcap_indexer.generations import Generation, generation_folder, hold_lease

PATIENCE_S = 20


@pytest.fixture
def shop(own_shop):
    own_shop.found = lambda text: found(own_shop.client, own_shop.index, text)
    return own_shop


def found(client, index, text):
    """The ids of what a text finds, by words or by meaning."""
    body = {"query": {"match": {"title": text}}, "size": 100}
    hits = client.search(body, index)["hits"]["hits"]
    return [hit["_id"] for hit in hits]


def eventually(condition):
    ends = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.1)


def new(id, title, **values):
    return {**products(1)[0], "id": id, "title": title, **values}


def test_found_by_its_words_at_once_and_by_its_meaning_soon(shop):
    done = shop.upsert(new("wool", "wool lamp"), refresh=True)
    assert done == endcap.Upserted(1, 0, ())
    assert shop.found("wool")[0] == "wool"
    eventually(lambda: "wool" in shop.found("light"))  # nearly the same word
    assert shop.plain.get(index=shop.index, id="wool")["_source"]["endcap"]["row"] == 72


def test_a_changed_price_keeps_the_row(shop):
    before = shop.plain.get(index=shop.index, id="p001")["_source"]
    shop.upsert({**products(2)[1], "price": 5.0}, refresh=True, follow=False)
    after = shop.plain.get(index=shop.index, id="p001")["_source"]
    assert (after["price"], after["endcap"]["row"]) == (5.0, before["endcap"]["row"])


def test_a_swap_is_seen_although_the_breaker_of_looking_is_open(shop):
    """As after a node that was down: the write finds it back before any search does."""
    breaker = shop.client._core.breakers.of(shop.index, f"looking at {shop.index}")
    shop.found("sofa")
    shop.build(products(72)[::-1])
    while breaker.state == "closed":
        breaker.failed("the node is away")
    done = shop.upsert(new("late", "wool lamp"), refresh=True, follow=False)
    assert done == endcap.Upserted(1, 0, ())
    assert "late" in shop.found("wool")


def test_removed_for_both_legs(shop):
    assert "p000" in shop.found("sofa")
    done = shop.upsert({"id": "p000", "endcap": {"deleted": True}}, refresh=True)
    assert done == endcap.Upserted(0, 1, ())
    assert "p000" not in shop.found("sofa")
    done = shop.upsert({"id": "p001", "endcap.deleted": "true"}, products(1)[0], refresh=True)
    assert done == endcap.Upserted(1, 1, ())
    assert "p000" in shop.found("sofa")


def test_bad_rows_cost_nobody_else_anything(shop):
    done = shop.upsert(
        new("a", "oak lamp"),
        new("b", "oak lamp", price=-1),
        {"title": "no id", "released": date(2026, 11, 28)},
        new("c", "oak lamp", **{"endcap.deleted": "perhaps"}),
        new("a", "steel lamp"),
        refresh=True,
    )
    assert (done.written, done.removed) == (1, 0)
    assert [each.place for each in done.refused] == [1, 2, 3]
    first, second, third = ((each.field, each.reason) for each in done.refused)
    assert first == ("price", "-1 is negative; write 0 or more, or leave the field out")
    assert second == ("id", "is missing; every product needs one")
    assert third == ("endcap.deleted", "'perhaps' is no boolean; write true or false")
    assert shop.plain.get(index=shop.index, id="a")["_source"]["title"] == "steel lamp"
    assert not shop.plain.exists(index=shop.index, id="b")


def test_what_the_engine_refuses_is_told(shop):
    done = shop.upsert(new("x" * 512, "long"), new("odd", "odd", when={"a": 1}), follow=False)
    assert done.written == 2
    shop.plain.indices.put_mapping(
        index=shop.index, body={"properties": {"when": {"type": "date"}}}
    )
    done = shop.upsert(new("bad", "odd", when="never"), new("good", "good"), follow=False)
    assert (done.written, [each.place for each in done.refused]) == (1, [0])
    assert done.refused[0].reason.startswith("bad: mapper_parsing_exception: failed to parse field")


def test_an_upsert_waits_for_nobody(shop):
    with hold_lease(shop.store):
        shop.upsert(new("wool", "wool lamp"), refresh=True)
        assert shop.found("wool")[0] == "wool"
        time.sleep(0.2)
    eventually(lambda: "wool" in shop.found("light"))


def has_vector(shop, id):
    (live,) = shop.plain.indices.get_alias(name=shop.index)
    return Generation.open(generation_folder(shop.store, live)).rows([id])[0] >= 0


def test_who_closes_has_seen_to_the_vectors(shop):
    """A program may end with its upsert; and a client may be used once more."""
    with shop.connect() as client:
        for name in ("wool", "oak"):
            client.upsert(index=shop.index, products=[new(name, f"{name} lamp")])
            client.close()
            assert has_vector(shop, name)
    asyncio.run(upsert_and_close(shop, new("steel", "steel lamp")))
    assert has_vector(shop, "steel")


async def upsert_and_close(shop, row):
    async with shop.connect_async() as client:
        await client.upsert(index=shop.index, products=[row])


def test_who_closes_waits_for_no_other_process(shop):
    with hold_lease(shop.store):
        with shop.connect() as client:
            client.upsert(index=shop.index, products=[new("wool", "wool lamp")])
        assert not has_vector(shop, "wool")


def test_it_lands_in_the_index_that_is_live(shop):
    """A client that has not seen the swap writes to what is live, and makes no index."""
    with shop.connect() as late:
        assert late.upsert(index=shop.index, products=products(1), follow=False).written == 1
        core = late._core.snapshots
        for _ in range(3):
            shop.build(products(72)[::-1])
            ((name, entry),) = core._live.items()
            core._live[name] = replace(entry, looked=time.monotonic() + 3600)  # as if just now
            late.upsert(index=shop.index, products=[new("late", "late lamp")], follow=False)
            (live,) = shop.plain.indices.get_alias(name=shop.index)
            assert shop.plain.get(index=live, id="late")["_index"] == live
            for index, body in shop.plain.indices.get(index=f"{shop.index}-*").items():
                assert body["mappings"]["_meta"]["endcap"]["generation"] == index


def test_many_products_take_several_requests(shop):
    rows = [new(f"n{n}", f"lamp {n}") for n in range(ACTIONS + 3)]
    assert shop.upsert(*rows, refresh=True, follow=False).written == len(rows)
    assert shop.plain.count(index=shop.index)["count"] == 72 + len(rows)


def test_for_an_event_loop(shop):
    async def run():
        async with shop.connect_async() as client:
            rows = [new("wool", "wool lamp"), {"id": "p000", "endcap": {"deleted": True}}]
            done = await client.upsert(index=shop.index, products=rows, refresh=True)
            assert done == endcap.Upserted(1, 1, ())
            body = {"query": {"match": {"title": "light"}}, "size": 100}
            ends = time.monotonic() + PATIENCE_S
            while time.monotonic() < ends:
                answer = await client.search(body, shop.index)
                if "wool" in [hit["_id"] for hit in answer["hits"]["hits"]]:
                    return
                await asyncio.sleep(0.1)
            raise AssertionError("it was not found by its meaning")

    asyncio.run(run())


def test_what_was_not_built_says_what_to_do(shop):
    shop.plain.index(index=f"{shop.index}-own", id="1", body={"title": "lamp"})
    with pytest.raises(endcap.ConfigurationError, match="was not built by endcap reindex"):
        shop.client.upsert(index=f"{shop.index}-own", products=[])
