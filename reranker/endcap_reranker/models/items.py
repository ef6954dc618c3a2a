"""The item side: what a product's vector is made of, once in torch and once in numpy."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from endcap_reranker.arrays import Codes, Floats
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.parameters import Parameters, draw

if TYPE_CHECKING:
    from torch import Tensor


class Content(NamedTuple):
    """What is known of n products beside their ids; nan: not known."""

    text: Floats  # (n, t) the encoder's vectors
    attributes: Floats  # (n, a)


def unknown_content(configuration: ModelConfiguration, n: int) -> Content:
    """Of n products of which nothing is known."""
    attributes = len(configuration.attributes)
    return Content(
        np.full((n, configuration.text_dimension), np.nan, np.float32),
        np.full((n, attributes), np.nan, np.float32),
    )


class ItemSide:
    """`v_i = ID_i + W · text_i + A · attributes_i`.

    The projections are what a linear layer over the concatenation would be. In training ID_i is
    dropped for a part of the items, so that text and attributes learn to do without it (DropoutNet,
    Volkovs, Yu and Poutanen, NIPS 2017): a product that nobody has chosen yet has no ID_i.
    """

    def __init__(self, configuration: ModelConfiguration) -> None:
        self.dimension = configuration.dimension
        self.text_dimension = configuration.text_dimension
        self.attributes = len(configuration.attributes)

    def initialise(self, random: np.random.Generator, items: int) -> Parameters:
        parameters = {"id": draw(random, items, self.dimension, deviation=0.02)}
        if self.text_dimension:
            parameters["text"] = draw(
                random,
                self.text_dimension,
                self.dimension,
                deviation=0.3 / self.text_dimension**0.5,
            )
        if self.attributes:
            parameters["attributes"] = draw(random, self.attributes, self.dimension, deviation=0.02)
        return parameters

    def measure(self, content: Content) -> Parameters:
        """Means and deviations, by which `standardise` brings content to one scale."""
        measured = {}
        if self.text_dimension:
            known = content.text[~np.isnan(content.text).any(axis=1)]
            measured["text_mean"] = _mean(known)
            spread = np.sqrt(((known - measured["text_mean"]) ** 2).mean()) if len(known) else 1.0
            measured["text_deviation"] = np.array([max(spread, 1e-6)], np.float32)
        if self.attributes:
            known_columns = [column[~np.isnan(column)] for column in content.attributes.T]
            means = [column.mean() if len(column) else 0.0 for column in known_columns]
            spreads = [column.std() if len(column) else 1.0 for column in known_columns]
            measured["attribute_means"] = np.array(means, np.float32)
            measured["attribute_deviations"] = np.maximum(np.array(spreads, np.float32), 1e-6)
        return measured

    def standardise(self, measured: Parameters, content: Content) -> Content:
        """Mean 0 and deviation 1; what is not known is 0, the mean."""
        text, attributes = content
        if self.text_dimension:
            text = (text - measured["text_mean"]) / measured["text_deviation"]
        if self.attributes:
            means, deviations = measured["attribute_means"], measured["attribute_deviations"]
            attributes = (attributes - means) / deviations
        return Content(np.nan_to_num(text), np.nan_to_num(attributes))

    def batch_vectors(
        self,
        parameters: "Mapping[str, Tensor]",
        codes: "Tensor",
        content: "tuple[Tensor, Tensor]",
        id_dropout: float,
    ) -> "Tensor":
        """(n, d) of training items; standardised content of all of them; torch."""
        import torch

        identity = torch.nn.functional.embedding(codes, parameters["id"])
        if id_dropout:
            kept = torch.rand(len(codes), 1, device=identity.device) >= id_dropout
            identity = identity * kept
        text, attributes = content
        if self.text_dimension:
            identity = identity + text[codes] @ parameters["text"]
        if self.attributes:
            identity = identity + attributes[codes] @ parameters["attributes"]
        return identity

    def content_vectors(self, parameters: Parameters, content: Content) -> Floats:
        """(n, d) of content alone; nan where nothing at all is known of a product; numpy."""
        standardised = self.standardise(parameters, content)
        vectors = np.zeros((len(content.text), self.dimension), np.float32)
        known = np.zeros(len(vectors), bool)
        if self.text_dimension:
            vectors += standardised.text @ parameters["text"]
            known |= ~np.isnan(content.text).any(axis=1)
        if self.attributes:
            vectors += standardised.attributes @ parameters["attributes"]
            known |= ~np.isnan(content.attributes).all(axis=1)
        vectors[~known] = np.nan
        return vectors

    def vectors(self, parameters: Parameters, codes: Codes, content: Content) -> Floats:
        """(n, d) of products with these codes, -1 for one without an ID embedding; numpy."""
        vectors = self.content_vectors(parameters, content)
        warm = codes >= 0
        vectors[warm] = np.nan_to_num(vectors[warm]) + parameters["id"][codes[warm]]
        return vectors


def _mean(rows: Floats) -> Floats:
    mean: Floats = rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1], np.float32)
    return mean
