"""A user-item model whose scores are known: a shopper is the mean of what was chosen."""

from dataclasses import replace

import numpy as np

from endcap_reranker.models import ModelConfiguration, UserItemModel


def toy_model(vectors, *, encoder="mean", text_dimension=0, attributes=(), users=None):
    """vectors: of each id (d,). users: of each keyed hash (d,), for the encoder `user`."""
    ids = sorted(vectors, key=str.encode)
    dimension = len(next(iter(vectors.values())))
    configuration = ModelConfiguration(
        encoder=encoder, dimension=dimension, text_dimension=text_dimension, attributes=attributes
    )
    model = UserItemModel.untrained(configuration, np.array([id.encode() for id in ids]))
    parameters = {**model.parameters, "items.id": stack(vectors[id] for id in ids)}
    if encoder == "mean":
        parameters["encoder.weight"] = np.eye(dimension, dtype=np.float32)
    keys = model.user_keys
    if users is not None:
        keys = np.array(sorted(users))
        parameters["encoder.users"] = stack(users[key] for key in keys.tolist())
    return replace(model, parameters=parameters, user_keys=keys)


def stack(rows):
    return np.array(list(rows), np.float32)
