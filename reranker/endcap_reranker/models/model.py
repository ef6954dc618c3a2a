"""The user-item model as it is served: numpy alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Codes, Floats, check
from endcap_reranker.exceptions import ArtefactError, ModelError
from endcap_reranker.ids import find_codes, from_tensor, to_tensor
from endcap_reranker.models.calibration import ColdCalibration
from endcap_reranker.models.configuration import ModelConfiguration
from endcap_reranker.models.encoders import History, Recurrent
from endcap_reranker.models.items import Content, unknown_content
from endcap_reranker.models.parameters import Parameters, part
from endcap_reranker.models.parts import Parts

FORMAT = 1
CALIBRATION = "calibration"


@dataclass(frozen=True, eq=False)
class UserItemModel:
    """Scores of items for a shopper, from the shopper's history.

    item_ids: (m,) UTF-8 in ascending order, the items of the training. user_keys: (u,) keyed
    hashes in ascending order of the shoppers who have a row of their own; an encoder that reads
    histories has none. parameters: named arrays, `items.`, `encoder.` and `interaction.`.
    """

    configuration: ModelConfiguration
    item_ids: NDArray[np.bytes_]
    parameters: Parameters
    calibration: ColdCalibration
    user_keys: NDArray[np.bytes_]

    @classmethod
    def untrained(
        cls, configuration: ModelConfiguration, item_ids: NDArray[np.bytes_], seed: int = 0
    ) -> "UserItemModel":
        """What training starts from; no shopper has a row. Raises ModelError."""
        parts = Parts.of(configuration)
        learnt = parts.initialise(np.random.default_rng(seed), len(item_ids), 0)
        content = unknown_content(configuration, len(item_ids))
        parameters = parts.complete({**learnt, **parts.standards(content)}, content)
        calibration = ColdCalibration.none(configuration.dimension)
        return cls(configuration, item_ids, parameters, calibration, np.empty(0, "S1"))

    def codes(self, ids: Sequence[str]) -> Codes:
        """(n,) the training item of each id, -1 for a cold one."""
        return find_codes(self.item_ids, ids)

    def item_vectors(
        self,
        ids: Sequence[str],
        text_vectors: Floats | None = None,
        attributes: Floats | None = None,
        *,
        calibrated: bool = True,
    ) -> Floats:
        """(n, d) of products, computed once per generation; raises ShapeError.

        text_vectors: (n, t), attributes: (n, a) in the configuration's order, nan: not known. A
        product that no one chose in training is cold: text and attributes alone, calibrated to
        score as warm ones do; nan where it has neither.
        """
        codes = self.codes(ids)
        content = self._content(len(codes), text_vectors, attributes)
        vectors = self._parts.items.vectors(self._item_parameters, codes, content)
        if calibrated:
            vectors[codes < 0] = self.calibration(vectors[codes < 0])
        return vectors

    def shopper_state(
        self, vectors: Floats, weights: Floats | None = None, user_key: bytes | None = None
    ) -> Floats:
        """(d,) of a shopper; nan where no event is of a known product.

        vectors: (k, d) of the events' products, most recent first, nan unknown. weights: (k,) of
        the actions, 1 each if not given. user_key: the keyed hash, for an encoder that has rows
        of shoppers; one without a row is folded in from the events.
        """
        row = self._user_row(user_key)
        if row is not None:
            return row
        known = ~np.isnan(vectors[:, 0])
        if weights is not None:
            known &= weights > 0
        events = np.flatnonzero(known)[: self.configuration.history_length][::-1]
        if not len(events):
            return np.full(self.configuration.dimension, np.nan, np.float32)
        felt = np.ones(len(events), np.float32) if weights is None else weights[events]
        return self._parts.encoder.state(self._encoder_parameters, History(vectors[events], felt))

    def start(self) -> Floats:
        """(d,) the hidden state before any event; ModelError unless the encoder goes by steps."""
        return self._recurrent.start()

    def step(self, hidden: Floats, vector: Floats) -> Floats:
        """(d,) the hidden state after one more event on a product (d,), whatever came before."""
        return self._recurrent.step(self._encoder_parameters, hidden, vector)

    def read(self, hidden: Floats) -> Floats:
        """(d,) the shopper's state, as `shopper_state` gives it, in a hidden one."""
        return self._recurrent.read(self._encoder_parameters, hidden)

    def score(self, state: Floats, vectors: Floats) -> Floats:
        """(n,) of products (n, d) for a state (d,), more is better; nan where either is nan."""
        return self._parts.interaction.score(self._interaction_parameters, state, vectors)

    def to_tensors(self) -> dict[str, NDArray[Any]]:
        """Plain arrays, as `from_tensors` reads them; the configuration is JSON beside them."""
        return {
            "format": np.array([FORMAT], np.int64),
            "item_ids": to_tensor(self.item_ids),
            "user_keys": to_tensor(self.user_keys),
            **self.parameters,
            **{f"{CALIBRATION}.{k}": v for k, v in self.calibration.to_tensors().items()},
        }

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, NDArray[Any]], configuration: ModelConfiguration
    ) -> "UserItemModel":
        """The model of these arrays, which are not copied; raises ArtefactError and ModelError."""
        plain = {name: np.asarray(tensor) for name, tensor in tensors.items()}
        written = plain.pop("format", np.zeros(1, np.int64))
        if int(written.flat[0]) != FORMAT:
            raise ArtefactError(
                f"the model has format {written.flat[0]}, this version reads {FORMAT}"
            )
        try:
            ids, keys = plain.pop("item_ids"), plain.pop("user_keys")
            calibration = ColdCalibration.from_tensors(part(plain, CALIBRATION))
            model = cls(
                configuration,
                from_tensor(ids),
                {k: v for k, v in plain.items() if not k.startswith(CALIBRATION)},
                calibration,
                from_tensor(keys),
            )
            model._try()
        except (KeyError, ValueError, IndexError) as error:
            if isinstance(error, ModelError):
                raise
            raise ArtefactError(f"the model's arrays do not fit together: {error!r}") from error
        return model

    def without_users(self, keys: Sequence[bytes]) -> "UserItemModel":
        """The same model without the rows of these shoppers."""
        kept = ~np.isin(self.user_keys, np.array(list(keys), self.user_keys.dtype))
        if kept.all():
            return self
        rows = self.parameters["encoder.users"][kept]
        return replace(
            self,
            parameters={**self.parameters, "encoder.users": rows},
            user_keys=self.user_keys[kept],
        )

    def _try(self) -> None:
        """Arrays of other shapes than the configuration says do not survive one event."""
        configuration = self.configuration
        none = np.full((1, configuration.dimension), np.nan, np.float32)
        self.shopper_state(none)
        vectors = np.zeros((2, configuration.dimension), np.float32)
        scores = self.score(self.shopper_state(vectors), vectors)
        check("the scores of the model", scores, np.float32, 2)
        check("items.id", self.parameters["items.id"], np.float32, len(self.item_ids), None)
        self._parts.items.content_vectors(self._item_parameters, self._content(1, None, None))

    def _content(self, n: int, text: Floats | None, attributes: Floats | None) -> Content:
        """Checked; what is not given is not known."""
        content = unknown_content(self.configuration, n)
        if text is not None and content.text.shape[1]:
            check("text_vectors", text, np.float32, *content.text.shape)
            content = content._replace(text=text)
        if attributes is not None and content.attributes.shape[1]:
            check("attributes", attributes, np.float32, *content.attributes.shape)
            content = content._replace(attributes=attributes)
        return content

    def _user_row(self, user_key: bytes | None) -> Floats | None:
        if user_key is None or not len(self.user_keys):
            return None
        place = int(np.searchsorted(self.user_keys, user_key))
        if place == len(self.user_keys) or self.user_keys[place] != user_key:
            return None
        row: Floats = self.parameters["encoder.users"][place]
        return row

    @cached_property
    def _recurrent(self) -> Recurrent:
        encoder = self._parts.encoder
        if not isinstance(encoder, Recurrent):
            raise ModelError(f"the encoder {self.configuration.encoder!r} does not go by steps")
        return encoder

    @cached_property
    def _parts(self) -> Parts:
        return Parts.of(self.configuration)

    @cached_property
    def _item_parameters(self) -> Parameters:
        return part(self.parameters, "items")

    @cached_property
    def _encoder_parameters(self) -> Parameters:
        return part(self.parameters, "encoder")

    @cached_property
    def _interaction_parameters(self) -> Parameters:
        return part(self.parameters, "interaction")
