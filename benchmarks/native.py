"""OpenSearch's own hybrid search over the shop's documents and vectors, at its best weights.

k-NN by Lucene, the normalization-processor with min_max and l2. The query's vector is given to it,
so no time goes into encoding.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from opensearchpy import OpenSearch
from served import copied
from shop import Shop, live_generation

from endcap.evaluation import Judgments
from endcap.evaluation.metrics import NDCG, Doubles, measure
from endcap_indexer.catalogue import text_query
from endcap_indexer.generations import Generation

PAGE = 10
NORMALIZATIONS = ("min_max", "l2")
DEPTHS = (None, 100, 200)  # pagination_depth; None: as the page is long
WEIGHTS = tuple(round(share / 10, 1) for share in range(11))  # of the words; the rest is meaning's
NEIGHBOURS = 100  # of the k-NN query, or the depth where that is more
VECTOR = "vector"
AT_ONCE = 4  # searches while weights are chosen, which nobody times

Fields = tuple[str, ...]


class Variant(NamedTuple):
    """One way of normalising and how deep it looks."""

    normalization: str
    depth: int | None

    @property
    def name(self) -> str:
        depth = PAGE if self.depth is None else f"depth{self.depth}"
        return f"hybrid-{self.normalization}-{depth}"


VARIANTS = tuple(Variant(*pair) for pair in product(NORMALIZATIONS, DEPTHS))


@contextmanager
def open_native(
    shop: Shop, address: str, vectors: Mapping[str, NDArray[np.float32]]
) -> Iterator["Native"]:
    """An index with vectors and the search pipelines, which are deleted at the end."""
    with shop.open() as source:
        generation = live_generation(source, shop.store)
    dimension = generation.manifest.dimension
    method = {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}
    mapping = {"type": "knn_vector", "dimension": dimension, "method": method}
    with (
        OpenSearch([address], pool_maxsize=AT_ONCE) as client,
        copied(
            shop,
            address,
            settings={"knn": True},
            properties={VECTOR: mapping},
            excludes=(VECTOR,),
            extend=partial(vector_of, generation),
        ) as index,
        pipelines(client, index),
    ):
        yield Native(client, index, vectors)


@contextmanager
def pipelines(client: OpenSearch, prefix: str) -> Iterator[None]:
    """One for every normalization and weight."""
    names = []
    try:
        for normalization, weight in product(NORMALIZATIONS, WEIGHTS):
            names.append(pipeline_name(prefix, normalization, weight))
            parameters = {"weights": [weight, round(1 - weight, 1)]}
            processor = {
                "normalization": {"technique": normalization},
                "combination": {"technique": "arithmetic_mean", "parameters": parameters},
            }
            body = {"phase_results_processors": [{"normalization-processor": processor}]}
            client.search_pipeline.put(id=names[-1], body=body)
        yield
    finally:
        for name in names:
            client.search_pipeline.delete(id=name, ignore=404)


def pipeline_name(prefix: str, normalization: str, weight: float) -> str:
    return f"{prefix}-{normalization}-{round(weight * 10)}"


def vector_of(generation: Generation, id: str) -> dict[str, Any]:
    """What a document holds besides; nothing for a product without a vector."""
    (vector,) = generation.index.vectors(generation.rows([id]))
    return {} if np.isnan(vector[0]) else {VECTOR: vector.tolist()}


@dataclass
class Native:
    """Hybrid search over one index; `vectors` are the queries', by text."""

    client: OpenSearch
    index: str
    vectors: Mapping[str, NDArray[np.float32]]
    _known: dict[tuple[Variant, float, Fields], Doubles] = field(default_factory=dict)

    def search(
        self, variant: Variant, weight: float, fields: Fields, text: str, *, source: bool = True
    ) -> dict[str, Any]:
        """The first page; the words are looked for in the fields, which name their boosts."""
        near = {"vector": self.vectors[text].tolist(), "k": max(NEIGHBOURS, variant.depth or 0)}
        queries = [text_query(fields, text), {"knn": {VECTOR: near}}]
        depth = {} if variant.depth is None else {"pagination_depth": variant.depth}
        answer: dict[str, Any] = self.client.search(
            index=self.index,
            body={
                "query": {"hybrid": {"queries": queries, **depth}},
                "size": PAGE,
                "_source": source,
            },
            search_pipeline=pipeline_name(self.index, variant.normalization, weight),
        )
        return answer

    def tune(
        self, variant: Variant, judgments: Judgments, training: Judgments, fields: Fields
    ) -> float:
        """The weight of the words with the best NDCG@10 on the training queries, which are among
        the judgments.
        """
        wanted = set(training.queries)
        places = [place for place, text in enumerate(judgments.queries) if text in wanted]
        worth = [self._worth(variant, weight, judgments, fields)[places] for weight in WEIGHTS]
        return WEIGHTS[int(np.argmax([each.mean() for each in worth]))]

    def _worth(
        self, variant: Variant, weight: float, judgments: Judgments, fields: Fields
    ) -> Doubles:
        """(queries,) NDCG@10."""
        key = (variant, weight, fields)
        if key not in self._known:

            def found(text: str) -> list[str]:
                return ids(self.search(variant, weight, fields, text, source=False))

            with ThreadPoolExecutor(AT_ONCE) as pool:
                rankings = dict(
                    zip(judgments.queries, pool.map(found, judgments.queries), strict=True)
                )
            self._known[key] = measure(rankings, judgments)[NDCG]
        return self._known[key]


def ids(answer: Mapping[str, Any]) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]
