"""What a shopper's state and the scores of the candidates cost, in numpy and in torch.

The parameters are as training starts from: what they are does not change what they cost.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from endcap.evaluation.comparison import Row
from endcap_reranker.models import INTERACTIONS, ModelConfiguration, UserItemModel
from endcap_reranker.models.encoders import Events
from endcap_reranker.models.parameters import part
from endcap_reranker.models.parts import Parts

EVENTS = 50
CANDIDATES = (200, 500)
RUNS = 500
ITEM_IDS = np.array([b"0"])

Time = Callable[[str, int, Callable[[Any], Any], list[Any]], Row]


def measure_models(time: Time) -> Iterator[Row]:
    """Rows by stage; n: the events or the candidates. Torch computes the same on one thread."""
    import torch

    torch.set_num_threads(1)
    with torch.inference_mode():
        yield from _states(time)
        for interaction in INTERACTIONS:
            yield from _scores(time, interaction)


def _states(time: Time) -> Iterator[Row]:
    """Of a whole history, and of the GRU after one event more."""
    for encoder in ("gru", "attention"):
        model = _make(encoder=encoder)
        histories = list(_draw(RUNS, EVENTS))
        yield time(f"state {encoder}", EVENTS, model.shopper_state, histories)
        state = _torch_state(model)
        yield time(f"state {encoder}, torch", EVENTS, state, _tensors(histories))
    model = _make(encoder="gru")
    vectors = list(_draw(RUNS))
    hidden = model.start()
    yield time("step gru", 1, lambda vector: model.read(model.step(hidden, vector)), vectors)
    yield time("step gru, torch", 1, _torch_step(model), _tensors(vectors))


def _scores(time: Time, interaction: str) -> Iterator[Row]:
    import torch

    model = _make(interaction=interaction)
    half = Parts.of(model.configuration).interaction
    parameters = _parameters(model, "interaction")
    for n in CANDIDATES:
        vectors, states = _draw(1, n)[0], list(_draw(RUNS))
        yield time(f"score {interaction}", n, lambda s, v=vectors: model.score(s, v), states)
        table = torch.tensor(vectors)
        yield time(
            f"score {interaction}, torch",
            n,
            lambda s, t=table: half.scores(parameters, s[None], t)[0],
            _tensors(states),
        )


def _make(**choices: str) -> UserItemModel:
    return UserItemModel.untrained(ModelConfiguration(**choices), ITEM_IDS)


def _draw(*shape: int) -> np.ndarray:
    dimension = ModelConfiguration().dimension
    return np.random.default_rng(0).standard_normal((*shape, dimension)).astype(np.float32)


def _tensors(arrays: list[Any]) -> list[Any]:
    import torch

    return [torch.tensor(array) for array in arrays]


def _parameters(model: UserItemModel, name: str) -> Mapping[str, Any]:
    import torch

    return {key: torch.tensor(value) for key, value in part(model.parameters, name).items()}


def _torch_state(model: UserItemModel) -> Callable[[Any], Any]:
    import torch

    encoder, parameters = Parts.of(model.configuration).encoder, _parameters(model, "encoder")
    weights, users = torch.ones(1, EVENTS), torch.zeros(1, dtype=torch.int64)

    def state(history: Any) -> Any:
        events = Events(history.flip(0)[None], weights, users, dropout=0.0)
        return encoder.states(parameters, events)[0, -1]

    return state


def _torch_step(model: UserItemModel) -> Callable[[Any], Any]:
    import torch

    parameters = _parameters(model, "encoder")
    names = ("input", "recurrent", "input_bias", "recurrent_bias")
    weights = [parameters[name] for name in names]
    hidden = torch.zeros(1, model.configuration.dimension)

    def step(vector: Any) -> Any:
        after = torch.gru_cell(vector[None], hidden, *weights)
        return after @ parameters["projection"] + parameters["bias"]

    return step
