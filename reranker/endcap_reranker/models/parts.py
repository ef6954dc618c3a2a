"""The chosen parts of a model, put together."""

from typing import NamedTuple

import numpy as np

from endcap_reranker.choices import choose
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.encoders import ENCODERS, Encoder
from endcap_reranker.models.items import Content, ItemSide
from endcap_reranker.models.matching import INTERACTIONS, Interaction
from endcap_reranker.models.parameters import Parameters, part, under


class Parts(NamedTuple):
    items: ItemSide
    encoder: Encoder
    interaction: Interaction

    @classmethod
    def of(cls, configuration: ModelConfiguration) -> "Parts":
        """Raises ModelError for a choice that there is not."""
        encoder = choose("encoder", ENCODERS, configuration.encoder)
        interaction = choose("interaction", INTERACTIONS, configuration.interaction)
        return cls(ItemSide(configuration), encoder(configuration), interaction(configuration))

    def initialise(self, random: np.random.Generator, items: int, users: int) -> Parameters:
        """What training starts from: everything that it learns."""
        return {
            **under("items", self.items.initialise(random, items)),
            **under("encoder", self.encoder.initialise(random, users)),
            **under("interaction", self.interaction.initialise(random)),
        }

    def standards(self, content: Content) -> Parameters:
        """What brings content to one scale, as measured on the training's items."""
        return under("items", self.items.measure(content))

    def complete(self, parameters: Parameters, content: Content) -> Parameters:
        """With what serving needs beside: measured on the training's items (m, ...)."""
        codes = np.arange(len(content.text), dtype=np.int32)
        vectors = self.items.vectors(part(parameters, "items"), codes, content)
        return {**parameters, **under("encoder", self.encoder.measure(vectors))}
