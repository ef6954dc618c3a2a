"""Made-up and mutated search bodies: what a plain client raises is raised, and nothing else."""

import logging
import time
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Any, NamedTuple

import pytest
from edition_shop import EMBEDDED, ENGINES, SERVER
from opensearchpy import OpenSearch, OpenSearchException, TransportError
from search_bodies import search_bodies
from search_promises import Search, check
from shares import share
from toy_shop import build_shop, products, write_encoder

import endcap
from endcap_indexer.embedded import EmbeddedConnection

BODIES = share(250, of=5000)  # on each engine
SEED = 3
SHOWN = 20
SHOPPERS = (None, None, "ada")
RARE = {EMBEDDED: 0.03, SERVER: 0.25}  # what only a server can do

# A server says once, by a header, that it would rather have another name.
pytestmark = pytest.mark.filterwarnings("ignore::opensearchpy.exceptions.OpenSearchWarning")


class Pair(NamedTuple):
    """A plain client and ours on the same index."""

    plain: OpenSearch
    ours: endcap.SearchClient
    index: str
    place: str


@pytest.fixture(scope="module", params=ENGINES)
def pair(request, tmp_path_factory):
    store = tmp_path_factory.mktemp("store")
    index = f"bodies-{store.name}-{time.time_ns()}"
    if request.param == EMBEDDED:
        engine = str(store)
        plain = OpenSearch(connection_class=EmbeddedConnection, folder=str(store / "engine"))
    else:
        engine = request.getfixturevalue("opensearch_url")
        plain = OpenSearch(engine, timeout=60)
    with plain, endcap.connect(engine, store=store, timeout=60) as ours:
        build_shop(ours, store, write_encoder(store / "toy"), products(), index)
        for item in ("p003", "p040"):
            ours.record(user="ada", item=item)
        yield Pair(plain, ours, index, request.param)
        ours.forget(user="ada")
        plain.indices.delete(index=f"{index}-*")


def searching(client: OpenSearch, index: str, **options: Any) -> Search:
    """A search's answer, or what is raised."""

    def search(body: Any, parameters: Mapping[str, Any]) -> Any:
        try:
            return client.search(index=index, body=body, params=dict(parameters), **options)
        except TransportError as error:
            info = error.info if isinstance(error.info, dict | str) else repr(error.info)
            return type(error), error.status_code, error.error, info
        except (OpenSearchException, TypeError, ValueError, RecursionError) as error:
            return type(error), str(error)

    return search


def test_no_error_that_a_plain_client_would_not_give(pair, tell, caplog):
    caplog.set_level(logging.ERROR)  # each refusal is logged
    started = time.monotonic()
    plain = searching(pair.plain, pair.index)
    ours = [searching(pair.ours, pair.index, user=user) for user in SHOPPERS]
    kinds, wrong = Counter[str](), list[str]()
    for number, (body, parameters) in enumerate(
        islice(search_bodies(SEED, RARE[pair.place]), BODIES)
    ):
        checked = check(ours[number % len(ours)], plain, body, parameters)
        kinds[checked.kind] += 1
        wrong += [f"{said:.500}: body {number}, {body!r} {parameters}" for said in checked.broken]
    assert not wrong, "\n".join([f"{len(wrong)} promises broken", *wrong[:SHOWN]])
    assert kinds["re-ranked"] > BODIES / 10
    ended = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    seconds = time.monotonic() - started
    tell(f"{BODIES} bodies on {pair.place}, seed {SEED}: {ended}; {seconds:.0f} s")
