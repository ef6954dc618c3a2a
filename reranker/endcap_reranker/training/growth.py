"""New rows for new items and new users; what is known stays."""

import numpy as np
from numpy.typing import NDArray

from endcap_reranker.arrays import Floats
from endcap_reranker.interactions import Interactions
from endcap_reranker.models import UserItemModel
from endcap_reranker.models.parameters import Parameters

USERS = "encoder.users"
ITEMS = "items.id"


def joint_item_ids(model: UserItemModel, interactions: Interactions) -> NDArray[np.bytes_]:
    """(m,) in ascending order: the items of both. Content for `continue_training` is of these."""
    return np.union1d(model.item_ids, interactions.item_ids)


def grow(model: UserItemModel, fresh: Parameters, interactions: Interactions) -> dict[str, Floats]:
    """The model's parameters for the items and users of new events. fresh: what a new training
    would start from.

    A new item starts without an ID embedding, as a cold one: nothing jumps. A new user starts as
    in any training.
    """
    grown = {name: model.parameters[name] for name in fresh}
    items = np.zeros_like(fresh[ITEMS])
    items[np.searchsorted(interactions.item_ids, model.item_ids)] = model.parameters[ITEMS]
    grown[ITEMS] = items
    if USERS in fresh:
        users = fresh[USERS].copy()
        if interactions.user_keys is not None and len(model.user_keys):
            places = np.searchsorted(model.user_keys, interactions.user_keys)
            places = np.minimum(places, len(model.user_keys) - 1)
            known = model.user_keys[places] == interactions.user_keys
            users[known] = model.parameters[USERS][places[known]]
        grown[USERS] = users
    return grown


def user_rows(
    learnt: Parameters, interactions: Interactions, before: UserItemModel | None
) -> tuple[NDArray[np.bytes_], dict[str, Floats]]:
    """The keys in ascending order of the users who have a row, and the rows: of those who have an
    event and a key, and of those who had one before. An encoder without rows of users has none.
    """
    if USERS not in learnt:
        return np.empty(0, "S1"), {}
    keys = np.empty(0, "S1") if before is None else before.user_keys
    rows = learnt[USERS][:0] if before is None else before.parameters[USERS]
    if interactions.user_keys is not None:
        present = np.unique(interactions.users)
        keys = np.concatenate([interactions.user_keys[present], keys])
        rows = np.concatenate([learnt[USERS][present], rows])
    keys, first = np.unique(keys, return_index=True)
    return keys, {USERS: rows[first]}
