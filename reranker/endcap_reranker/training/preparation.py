"""Events and content as a training needs them: the items that are chosen in it, and no others."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Codes, Floats, check
from endcap_reranker.exceptions import InteractionsError
from endcap_reranker.interactions import Interactions
from endcap_reranker.models import ModelConfiguration
from endcap_reranker.models.items import Content, unknown_content
from endcap_reranker.ranking import Cases
from endcap_reranker.training.splits import split

NO_ITEMS = np.empty(0, "S1")


class Prepared(NamedTuple):
    """interactions: to learn from; each of the m items has an event, or was known before. content:
    (m, ...) of these items. validation: questions whose items all are among them.
    """

    interactions: Interactions
    content: Content
    validation: Cases


class Material(NamedTuple):
    """What a training is given. content: of the interactions' items. known: items that are kept
    even if nothing is learnt of them.
    """

    interactions: Interactions
    content: Content
    known: NDArray[np.bytes_] = NO_ITEMS

    def held_out(self, share: float) -> Prepared:
        """With a part to validate on; raises InteractionsError for too few events."""
        prepared = self._prepare(*split(self.interactions, share))
        if not len(prepared.validation):
            raise InteractionsError(
                "there is nothing to validate on: no product that is asked for has an event before;"
                " more events are needed"
            )
        return prepared

    def whole(self) -> Prepared:
        """All events, and each user's last one as a question that is no validation."""
        interactions = self.interactions.distinct()
        return self._prepare(interactions, Cases.at(interactions, interactions.last(1)))

    def _prepare(self, learnt: Interactions, asked: Cases) -> Prepared:
        """An item that is only asked for would be a rival that nothing is learnt of: it is cold."""
        chosen = np.bincount(learnt.items, minlength=len(learnt.item_ids)) > 0
        chosen |= np.isin(learnt.item_ids, self.known)
        codes = np.where(chosen, np.cumsum(chosen) - 1, -1).astype(np.int32)
        compact = replace(learnt, items=codes[learnt.items], item_ids=learnt.item_ids[chosen])
        content = Content(*(array[chosen] for array in self.content))
        return Prepared(compact, content, recode(asked, codes))


def checked_content(
    configuration: ModelConfiguration,
    items: int,
    text_vectors: Floats | None,
    attributes: Floats | None,
) -> Content:
    """Of the shapes that the configuration says; what is not given is not known."""
    content = unknown_content(configuration, items)
    if text_vectors is not None and configuration.text_dimension:
        check("text_vectors", text_vectors, np.float32, *content.text.shape)
        content = content._replace(text=text_vectors)
    if attributes is not None and configuration.attributes:
        check("attributes", attributes, np.float32, *content.attributes.shape)
        content = content._replace(attributes=attributes)
    return content


def recode(cases: Cases, codes: Codes) -> Cases:
    """With other codes of the items; an item of code -1 is no event, and nothing to ask for."""
    histories = cases.histories
    rows = np.repeat(np.arange(len(cases)), np.diff(histories.indptr))
    known = codes[histories.items] >= 0
    counts = np.bincount(rows[known], minlength=len(cases))
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    recoded = Cases(
        cases.users,
        type(histories)(indptr, codes[histories.items[known]], histories.weights[known]),
        codes[cases.targets],
    )
    return recoded.of(np.flatnonzero((recoded.targets >= 0) & (counts > 0)))
