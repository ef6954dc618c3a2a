"""Products in, a segment out: how a generation is kept up to date, whoever says what changed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from endcap_indexer.catalogue import Product
from endcap_indexer.exceptions import VectorsError
from endcap_indexer.generations.build import check_unit, column_values
from endcap_indexer.generations.generation import Generation
from endcap_indexer.generations.segments import Segment, append_segment


def update_generation(
    generation: Generation,
    products: Sequence[Product],
    digests: NDArray[np.bytes_],
    vectors: NDArray[np.float16],
    gone: Sequence[str] = (),
) -> Generation:
    """Append new and changed products, with their text digests and (n, d) unit vectors, and take
    those out that are gone; the generation as it is then.

    Of an id that is given twice the last one counts; one that is given and gone is there; ids that
    nobody knows may be gone. One segment is written, where there is anything to write. The caller
    holds the store's lease and gives the latest state of the generation.
    """
    check_unit(products, vectors)
    if len(vectors) and vectors.shape[1] != generation.manifest.dimension:
        raise VectorsError(
            f"vectors of {vectors.shape[1]} numbers, but those of {generation.name} have"
            f" {generation.manifest.dimension}"
        )
    last = {product.id: place for place, product in enumerate(products)}
    rows = _assign_rows(generation, list(last))
    order = np.argsort(rows)
    places = np.array(list(last.values()), np.int64)[order]
    removed = generation.rows(gone)
    tombstones = np.setdiff1d(removed[removed >= 0], rows)
    if not len(rows) and not len(tombstones):
        return generation
    chosen = [products[place] for place in places.tolist()]
    segment = Segment(
        rows[order],
        np.array([product.id.encode() for product in chosen], np.bytes_),
        vectors[places, : generation.dimension],
        digests[places],
        column_values(chosen, generation.manifest.columns),
        tombstones,
    )
    append_segment(generation.path, generation.segments + 1, segment)
    return generation.refreshed()


def _assign_rows(generation: Generation, ids: Sequence[str]) -> NDArray[np.int64]:
    """The rows that products have or had, and the next ones for new products."""
    rows = generation.given_rows(ids)
    new = rows < 0
    rows[new] = len(generation) + np.arange(np.count_nonzero(new))
    return rows
