"""Whatever order writes, builds, rollbacks and following come in, a dict says what is live."""

from uuid import uuid4

import pytest
from built_shop import BuiltShop, row
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from endcap_indexer.generations import Gates, IndexSettings, roll_back, segments

EXAMPLES = {"embedded": 3, "server": 2}
NUMBERS = st.integers(0, 5)
STEP = st.one_of(
    st.tuples(st.just("put"), NUMBERS),
    st.tuples(st.just("delete"), NUMBERS),
    st.tuples(st.just("build"), NUMBERS),
    st.tuples(st.just("roll back"), NUMBERS),
    st.tuples(st.just("follow"), st.none()),
)


class Model:
    """Titles by id: of each generation, and what was written to the live one since it went live."""

    def __init__(self) -> None:
        self.generations: list[dict[str, str]] = []
        self.live = -1
        self.since: dict[str, str | None] = {}

    def write(self, id: str, title: str | None) -> None:
        self.since[id] = title
        self._apply({id: title})

    def build(self, titles: dict[str, str]) -> None:
        self.generations.append(titles)
        self.live, self.since = len(self.generations) - 1, {}

    def roll_back(self, to: int) -> None:
        self.live = to
        self._apply(self.since)
        self.since = {}

    def _apply(self, titles: dict[str, str | None]) -> None:
        held = self.generations[self.live]
        for id, title in titles.items():
            if title is None:
                held.pop(id, None)
            else:
                held[id] = title


def perform(shop: BuiltShop, model: Model, step: str, number: int | None, edition: str) -> None:
    match step:
        case "put":
            client_row = {"title": f"put {edition}", "price": 1.0}
            shop.client.index(index=shop.index, id=f"p{number}", body=client_row)
            model.write(f"p{number}", f"put {edition}")
        case "delete":
            shop.client.delete(index=shop.index, id=f"p{number}", params={"ignore": 404})
            model.write(f"p{number}", None)
        case "build":
            rows = [row(n, edition) for n in range(6) if n != number]
            shop.build(rows, force=True, gates=Gates(least_share=0))
            model.build({f"p{n}": f"Lamp &amp; {n} {edition}" for n in range(6) if n != number})
        case "roll back" if len(model.generations) > 1:
            others = [n for n in range(len(model.generations)) if n != model.live]
            to = others[number % len(others)]
            roll_back(shop.client, shop.store, shop.index, f"{shop.index}-{to + 1:06}")
            model.roll_back(to)
        case "follow":
            shop.follow()


@pytest.mark.parametrize("engine", EXAMPLES)
def test_any_interleaving(request, store, encoder, engine, monkeypatch):
    monkeypatch.setattr(segments, "MANY_PIECES", 2)
    client = request.getfixturevalue("client" if engine == "embedded" else "server")

    @settings(
        max_examples=EXAMPLES[engine],
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(steps=st.lists(STEP, min_size=4, max_size=9))
    def check(steps):
        place = IndexSettings(keep=99)
        shop = BuiltShop(client, store, f"steps-{uuid4().hex[:12]}", encoder, settings=place)
        model = Model()
        try:
            for number, (step, argument) in enumerate([("build", 0), *steps]):
                perform(shop, model, step, argument, f"edition {number}")
            titles = {id: each["title"] for id, each in shop.documents().items()}
            assert titles == model.generations[model.live]
            shop.follow()
            shop.assert_followed()
        finally:
            shop.remove()

    check()
