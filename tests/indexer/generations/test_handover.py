"""Whatever is written around a swap, and whoever finishes it: the new index has the last word."""

from collections import defaultdict
from uuid import uuid4

import pytest
from built_shop import BuiltShop, row
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from endcap_indexer.generations import golive, roll_back
from endcap_indexer.generations.carry import Carry

EXAMPLES = {"embedded": 6, "server": 2}  # besides those that are written down
CARRIED = ("first round", "last round")  # of the carry, before the swap
MOMENTS = (*CARRIED, "before the swap", "on its way", "after the swap")
WRITES = st.lists(
    st.tuples(
        st.sampled_from(MOMENTS),
        st.sampled_from(["p0", "p1", "new", "newer"]),
        st.sampled_from(["put", "delete"]),
    ),
    max_size=12,
)
NEW_AND_DELETED = [("before the swap", "new", "put"), ("after the swap", "new", "delete")]
CARRIED_AND_DELETED = [("last round", "new", "put"), ("on its way", "new", "delete")]
DELETED_AND_BACK = [("last round", "p0", "delete"), ("on its way", "p0", "put")]


class Writer:
    """Writes to the old index, and to the new one after the swap, at the moments that are told.

    held: what must be there, by id.
    """

    def __init__(self, shop, writes, held):
        self.held = held
        self._shop, self._old = shop, shop.live()
        self._writes = defaultdict(list)
        for number, (moment, id, what) in enumerate(writes):
            self._writes[moment].append((id, f"{moment} {number}" if what == "put" else None))

    def act(self, moment):
        index = self._shop.index if moment == "after the swap" else self._old
        for id, title in self._writes.pop(moment, ()):
            if title is None:
                self._shop.client.delete(index=index, id=id, ignore=404)
                self.held.pop(id, None)
            else:
                self._shop.client.index(index=index, id=id, body={"title": title, "price": 1.0})
                self.held[id] = title


def build_amid(shop, writer, dies):
    """Build a second edition; the process may die right after the swap."""
    catch_up, finish, swap = Carry.catch_up, Carry.finish, golive.swap_alias
    rounds = iter(CARRIED)

    def written(carry):
        writer.act(next(rounds))
        catch_up(carry)

    def overtaken(*arguments):
        writer.act("before the swap")
        swap(*arguments)
        writer.act("on its way")
        writer.act("after the swap")

    def finished(carry, before):
        if dies:
            raise KeyboardInterrupt
        finish(carry, before)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Carry, "catch_up", written)
        patched.setattr(Carry, "finish", finished)
        patched.setattr(golive, "swap_alias", overtaken)
        try:
            shop.build([row(n, "second") for n in range(3)])
        except KeyboardInterrupt:
            assert dies


@pytest.mark.parametrize("engine", EXAMPLES)
def test_any_writes_around_a_swap(request, store, encoder, engine):
    client = request.getfixturevalue("client" if engine == "embedded" else "server")

    @settings(
        max_examples=EXAMPLES[engine],
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(writes=WRITES, dies=st.booleans())
    @example(NEW_AND_DELETED, False)
    @example(NEW_AND_DELETED, True)
    @example(CARRIED_AND_DELETED, True)
    @example(DELETED_AND_BACK, True)
    def check(writes, dies):
        shop = BuiltShop(client, store, f"swap-{uuid4().hex[:12]}", encoder)
        try:
            shop.build([row(n) for n in range(3)])
            held = {f"p{n}": f"Lamp &amp; {n} second" for n in range(3)}
            writer = Writer(shop, writes, held)
            build_amid(shop, writer, dies)
            shop.follow()
            assert {id: each["title"] for id, each in shop.documents().items()} == held
            shop.assert_followed()
        finally:
            shop.remove()

    check()


def test_a_deletion_of_before_takes_nothing_from_who_goes_back(built, monkeypatch):
    """The index that it goes back to remembers a deletion that is older than the write."""
    built.build([row(n) for n in range(3)])
    client, index = built.client, built.index
    client.index(index=index, id="new", body={"title": "first", "price": 1.0})
    client.delete(index=index, id="new")
    built.build([row(n, "second") for n in range(3)])
    swap = golive.swap_alias

    def overtaken(*arguments):
        client.index(index=index, id="new", body={"title": "second", "price": 1.0})
        swap(*arguments)

    monkeypatch.setattr(golive, "swap_alias", overtaken)
    roll_back(client, built.store, index)
    assert built.documents()["new"]["title"] == "second"
    built.follow()
    built.assert_followed()
