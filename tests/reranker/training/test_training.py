import json
from dataclasses import replace

import numpy as np
import pytest

from endcap_reranker import InteractionsError, ModelError, ShapeError
from endcap_reranker.models import ENCODERS, INTERACTIONS, ModelConfiguration, UserItemModel
from endcap_reranker.training import (
    LOSSES,
    TrainingConfiguration,
    continue_training,
    joint_item_ids,
    network,
    train,
)

pytestmark = pytest.mark.torch
ENCODERS_OF_SEQUENCES = [name for name in ENCODERS if name != "user"]


def names(model):
    return [name.decode() for name in model.item_ids.tolist()]


def next_items(model, start=0):
    """The best other item after each run of three that begins at `start` or later."""
    vectors = model.item_vectors(names(model))
    best = []
    for first in range(start, len(vectors)):
        seen = (first + np.arange(3)) % len(vectors)
        scores = model.score(model.shopper_state(vectors[seen[::-1]]), vectors)
        scores[seen] = -np.inf
        best.append(int(scores.argmax()))
    return best


def recommended(model, interactions, keys=None):
    """The best unseen item of each user, from the user's history or from the user's row."""
    vectors = model.item_vectors(names(model))
    histories = interactions.histories()
    best = []
    for user in range(interactions.n_users):
        seen = histories.items[histories.indptr[user] : histories.indptr[user + 1]]
        key = None if keys is None else keys[user]
        scores = model.score(model.shopper_state(vectors[seen[::-1]], user_key=key), vectors)
        scores[seen] = -np.inf
        best.append(int(scores.argmax()))
    return best


@pytest.mark.parametrize("encoder", ENCODERS_OF_SEQUENCES)
def test_every_encoder_learns_what_comes_next(ring, make_configuration, make_training, encoder):
    model, record = train(ring, make_configuration(encoder), make_training())
    assert next_items(model) == [(first + 3) % 9 for first in range(9)]
    assert record["validation"]["ndcg@10"] == 1


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("interaction", INTERACTIONS)
def test_every_interaction_learns_by_every_loss(
    ring, make_configuration, make_training, interaction, loss
):
    configuration = make_configuration("gru", interaction, loss)
    model, _ = train(ring, configuration, make_training(epochs=60, patience=60))
    assert next_items(model) == [(first + 3) % 9 for first in range(9)]


@pytest.mark.parametrize("interaction", INTERACTIONS)
def test_what_is_scored_at_once_changes_no_result(
    ring, make_configuration, make_training, monkeypatch, interaction
):
    configuration, training = make_configuration("gru", interaction), make_training(epochs=2)
    model, record = train(ring, configuration, training)
    monkeypatch.setattr(network, "FLOATS", 1)  # one state at a time
    other, again = train(ring, configuration, training)
    assert record["validation"] == again["validation"]
    vectors, others = (each.item_vectors(names(each)) for each in (model, other))
    np.testing.assert_allclose(vectors, others, atol=1e-4)


@pytest.mark.parametrize("loss", LOSSES)
def test_rows_of_shoppers_learn_who_likes_what(colours, make_configuration, make_training, loss):
    """Each user's best unseen item is the one of the user's colour, by the row or folded in."""
    keys = np.array([f"key{user:02d}".encode() for user in range(24)])
    keyed = replace(colours, user_keys=keys)
    model, _ = train(keyed, make_configuration("user", loss=loss), make_training(epochs=60))
    assert model.user_keys.tolist() == keys.tolist()
    for found in (recommended(model, colours), recommended(model, colours, keys)):
        assert found == [user % 12 for user in range(24)]


def test_users_without_a_key_leave_no_row(colours, make_configuration, make_training):
    model, _ = train(colours, make_configuration("user"), make_training(epochs=1))
    assert model.parameters["encoder.users"].shape == (0, 16)
    assert not len(model.user_keys)


def test_a_seed_says_everything(ring, make_configuration, make_training):
    training = make_training(epochs=3, dropout=0.2, id_dropout=0.2)
    first, again, other = (
        train(ring, make_configuration("attention", loss="sampled-softmax"), each)
        for each in (training, training, replace(training, seed=1))
    )
    for name, values in first.model.parameters.items():
        np.testing.assert_array_equal(values, again.model.parameters[name])
    losses = [[epoch["loss"] for epoch in one.record["epochs"]] for one in (first, again, other)]
    assert losses[0] == losses[1] != losses[2]


def test_a_training_that_was_stopped_goes_on(ring, make_configuration, make_training):
    configuration = make_configuration("gru", loss="sampled-softmax")
    training = make_training(epochs=4, dropout=0.2, refit=True)
    kept = []
    whole = train(ring, configuration, training, on_checkpoint=kept.append)
    refit = whole.record["best_epoch"]
    done = [len(checkpoint.record["epochs"]) for checkpoint in kept]
    assert done == [1, 2, 3, 4, *range(1, refit + 1)]
    for checkpoint in (kept[1], kept[4]):
        record = json.loads(json.dumps(checkpoint.record))
        resumed = train(ring, configuration, training, resume=checkpoint._replace(record=record))
        for name, values in whole.model.parameters.items():
            np.testing.assert_array_equal(values, resumed.model.parameters[name])
        assert resumed.record["validation"] == whole.record["validation"]


@pytest.mark.parametrize("other", ["configuration", "training", "events"])
def test_a_checkpoint_of_another_training_is_refused(
    ring, colours, make_configuration, make_training, other
):
    kept = []
    given = {
        "configuration": make_configuration(),
        "training": make_training(epochs=1),
        "events": ring,
    }
    changed = {
        "configuration": make_configuration("gru"),
        "training": make_training(epochs=2),
        "events": colours,
    }
    train(ring, given["configuration"], given["training"], on_checkpoint=kept.append)
    given[other] = changed[other]
    with pytest.raises(ModelError, match=f"of another {other}; remove it"):
        train(given["events"], given["configuration"], given["training"], resume=kept[0])


def test_training_stops_when_nothing_gets_better(ring, make_configuration, make_training):
    """The best epoch is kept, not the last one."""
    training = make_training(epochs=30, patience=3)
    _, record = train(ring, make_configuration("gru"), training)
    ndcgs = [epoch["ndcg@10"] for epoch in record["epochs"]]
    assert len(ndcgs) == int(np.argmax(ndcgs)) + 1 + 3 < 30
    assert record["best_epoch"] == int(np.argmax(ndcgs)) + 1
    assert record["validation"]["ndcg@10"] == max(ndcgs)


def test_the_refit_knows_what_was_asked_for(make_interactions, make_configuration, make_training):
    """An item that only the validation had is an item of the model."""
    events = make_interactions([(0, 0), (0, 1), (1, 0), (1, 1), (2, 1), (2, 0), (2, 2)], 3)
    for refit, items in ((False, 2), (True, 3)):
        model, _ = train(events, make_configuration(), make_training(epochs=1, refit=refit))
        assert len(model.item_ids) == items


def test_the_record_is_json_and_says_what_was_done(ring, make_configuration, make_training):
    seen = []
    configuration, training = make_configuration(), make_training(epochs=2)
    _, record = train(ring, configuration, training, on_progress=seen.append)
    record = json.loads(json.dumps(record))
    assert ModelConfiguration.from_json(record["configuration"]) == configuration
    assert TrainingConfiguration.from_json(record["training"]) == training
    assert record["baselines"].keys() == {"popularity", "item-knn"}
    assert record["validation"].keys() == {"cases", "hr@10", "ndcg@10"}
    assert (seen[-1].epoch, seen[-1].batch) == (2, seen[-1].batches)


def test_an_item_that_is_only_asked_for_is_cold(
    make_interactions, make_configuration, make_training
):
    pairs = [(user, item) for user in range(4) for item in (0, 1)] + [
        (4, 1),
        (4, 0),
        (5, 0),
        (5, 3),
    ]
    events = make_interactions(pairs, 5)
    model, record = train(events, make_configuration(), make_training(epochs=1))
    assert model.item_ids.tolist() == [b"i000", b"i001"]
    assert record["validation"]["cases"] == 5


def test_text_alone_finds_a_cold_item(make_interactions, make_configuration, make_training):
    """Two kinds of items, told apart by their texts: a new one of a kind beats the other kind."""
    random = np.random.default_rng(0)
    kind = np.arange(20) % 2
    text = np.eye(2, dtype=np.float32)[kind] + random.normal(0, 0.1, (20, 2)).astype(np.float32)
    pairs = [
        (user, int(item))
        for user in range(60)
        for item in random.permutation(np.flatnonzero(kind == user % 2))[:5]
    ]
    configuration = make_configuration("mean", text_dimension=2)
    training = make_training(id_dropout=0.5)
    model, _ = train(make_interactions(pairs, 20), configuration, training, text_vectors=text)
    vectors = model.item_vectors(["new 0", "new 1"], np.eye(2, dtype=np.float32))
    known = model.item_vectors(names(model), text)
    for past in (0, 1):
        state = model.shopper_state(known[kind == past])
        scores = model.score(state, vectors)
        assert scores.argmax() == past
        others = model.score(state, known[kind != past])
        assert scores[past] > others.max()


def test_new_events_bring_new_items(ring, make_interactions, make_configuration, make_training):
    """The ring gets two items more, after its item 8."""
    model, _ = train(ring, make_configuration("gru"), make_training())
    pairs = [(user, 6 + (user + step) % 5) for user in range(20) for step in range(4)]
    new = make_interactions(pairs, 11)
    grown, record = continue_training(model, new, make_training())
    assert grown.item_ids.tolist() == joint_item_ids(model, new).tolist() == new.item_ids.tolist()
    assert record["new_items"] == 2
    assert record["validation"]["ndcg@10"] > record["ndcg_before"]
    assert next_items(grown, start=6)[:2] == [9, 10]


def test_new_shoppers_get_rows_and_absent_ones_keep_theirs(
    colours, make_configuration, make_training
):
    keys = np.array([f"key{user:02d}".encode() for user in range(36)])
    first, second = (replace(colours, user_keys=some) for some in (keys[:24], keys[12:]))
    model, _ = train(first, make_configuration("user"), make_training(epochs=1))
    grown, record = continue_training(model, second, make_training())
    assert record["validation"]["ndcg@10"] > record["ndcg_before"]
    assert grown.user_keys.tolist() == keys.tolist()
    kept, rows = model.parameters["encoder.users"], grown.parameters["encoder.users"]
    np.testing.assert_array_equal(rows[:12], kept[:12])
    assert not np.isclose(rows[12:24], kept[12:]).all(axis=1).any()


def test_new_events_that_teach_nothing_change_nothing(ring, make_configuration, make_training):
    model, _ = train(ring, make_configuration("gru"), make_training())
    again, _ = continue_training(model, ring, make_training(epochs=2))
    for name, values in model.parameters.items():
        np.testing.assert_array_equal(values, again.parameters[name])


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"epochs": 0}, "epochs must be 1 or more"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
    ],
)
def test_a_training_that_cannot_be_is_refused(choices, said):
    with pytest.raises(ModelError, match=said):
        TrainingConfiguration(**choices)


def test_an_unknown_loss_is_named(ring, make_configuration, make_training):
    with pytest.raises(ModelError, match="no loss 'hinge'; it takes bce, full-softmax"):
        train(ring, make_configuration(loss="hinge"), make_training())


def test_text_of_other_items_is_refused(ring, make_configuration, make_training):
    text = np.zeros((3, 4), np.float32)
    with pytest.raises(ShapeError, match="text_vectors"):
        train(ring, make_configuration(text_dimension=4), make_training(), text_vectors=text)


def test_events_of_which_nothing_can_be_asked_are_refused(
    make_interactions, make_configuration, make_training
):
    with pytest.raises(InteractionsError, match="nothing to validate on"):
        train(make_interactions([(0, 0), (0, 1)], 2), make_configuration(), make_training())


def test_what_was_trained_survives_its_tensors(ring, make_configuration, make_training):
    configuration = make_configuration("attention")
    model, _ = train(ring, configuration, make_training(epochs=2))
    read = UserItemModel.from_tensors(model.to_tensors(), configuration)
    assert next_items(read) == next_items(model)
