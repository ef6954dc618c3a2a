import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endcap_reranker import ArtefactError, ModelError, ShapeError
from endcap_reranker.models import ColdCalibration, ModelConfiguration, UserItemModel

IDS = ("i3", "new", "i0", "i5")


@pytest.fixture
def vectors(make_model, make_content):
    return make_model().item_vectors(IDS, *make_content(4))


def test_a_model_survives_its_tensors(make_model, make_content, encoder, interaction):
    model = make_model(encoder, interaction)
    configuration = ModelConfiguration.from_json(model.configuration.to_json())
    read = UserItemModel.from_tensors(model.to_tensors(), configuration)
    vectors = read.item_vectors(IDS, *make_content(4))
    np.testing.assert_array_equal(vectors, model.item_vectors(IDS, *make_content(4)))
    state = read.shopper_state(vectors)
    np.testing.assert_array_equal(state, model.shopper_state(vectors))
    np.testing.assert_array_equal(read.score(state, vectors), model.score(state, vectors))


@pytest.mark.parametrize("lost", ["item_ids", "items.id", "encoder.weight", "calibration.spread"])
def test_what_is_lost_is_noticed(make_model, lost):
    model = make_model()
    tensors = model.to_tensors()
    del tensors[lost]
    with pytest.raises(ArtefactError, match=lost.rpartition(".")[2]):
        UserItemModel.from_tensors(tensors, model.configuration)


def test_arrays_of_another_configuration_are_refused(make_model):
    model = make_model()
    other = ModelConfiguration(encoder="mean", dimension=16)
    with pytest.raises(ArtefactError, match="do not fit together"):
        UserItemModel.from_tensors(model.to_tensors(), other)


def test_another_format_is_refused(make_model):
    model = make_model()
    tensors = {**model.to_tensors(), "format": np.array([2])}
    with pytest.raises(ArtefactError, match="format 2, this version reads 1"):
        UserItemModel.from_tensors(tensors, model.configuration)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"encoder": "cnn"}, "no encoder 'cnn'; it takes attention, gru, mean, user"),
        ({"interaction": "cosine"}, "no interaction 'cosine'; it takes dot, mlp"),
        ({"heads": 3}, "dimension 64 does not divide by 3 heads"),
        ({"dimension": 0}, "dimension must be 1 or more"),
        ({"dimension": "64"}, "dimension must be of type int, not '64'"),
        ({"depth": 3}, "depth"),
    ],
)
def test_a_choice_that_there_is_not_is_named(values, said):
    with pytest.raises(ModelError, match=said):
        UserItemModel.untrained(ModelConfiguration.from_json(values), np.array([b"i"]))


def test_a_product_is_its_id_its_text_and_its_attributes(make_model, make_content):
    model = make_model()
    text, attributes = make_content(2)
    known = {name.partition(".")[2]: values for name, values in model.parameters.items()}
    content = (text - known["text_mean"]) / known["text_deviation"] @ known["text"]
    scaled = (attributes - known["attribute_means"]) / known["attribute_deviations"]
    content += scaled @ known["attributes"]
    expected = content + np.stack([known["id"][3], np.zeros(8)])
    found = model.item_vectors(["i3", "new"], text, attributes)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_what_is_not_known_of_a_product_is_taken_for_the_mean(make_model, make_content):
    model = make_model()
    text, attributes = make_content(1)
    nothing = np.full_like(attributes, np.nan)
    means = model.parameters["items.attribute_means"][np.newaxis]
    np.testing.assert_allclose(
        model.item_vectors(["i1"], text, nothing), model.item_vectors(["i1"], text, means)
    )


def test_a_product_of_which_nothing_is_known_has_no_vector(make_model):
    vectors = make_model().item_vectors(["new", "i1"])
    assert np.isnan(vectors[0]).all()
    assert np.isfinite(vectors[1]).all()


def test_only_cold_products_are_calibrated(make_model, make_content):
    model = make_model()
    calibration = ColdCalibration(np.ones(8, np.float32), np.full(8, 2, np.float32), 3.0)
    shifted = UserItemModel(
        model.configuration, model.item_ids, model.parameters, calibration, model.user_keys
    )
    plain = model.item_vectors(IDS, *make_content(4))
    expected = plain.copy()
    expected[1] = 2 + 3 * (plain[1] - 1)
    np.testing.assert_allclose(shifted.item_vectors(IDS, *make_content(4)), expected, rtol=1e-6)
    uncalibrated = shifted.item_vectors(IDS, *make_content(4), calibrated=False)
    np.testing.assert_array_equal(uncalibrated, plain)


@pytest.mark.parametrize("name", ["text_vectors", "attributes"])
def test_content_of_another_shape_is_refused(make_model, name):
    with pytest.raises(ShapeError, match=name):
        make_model().item_vectors(["i1"], **{name: np.zeros((1, 3), np.float32)})


def test_a_shopper_without_a_known_event_has_no_opinion(make_model, vectors, encoder):
    model = make_model(encoder)
    unknown = np.full_like(vectors, np.nan)
    for past in (unknown, unknown[:0]):
        assert np.isnan(model.score(model.shopper_state(past), vectors)).all()
    weightless = np.zeros(len(vectors), np.float32)
    assert np.isnan(model.shopper_state(vectors, weightless)).all()


@settings(deadline=None)
@given(seed=st.integers(0, 1000), unknown=st.integers(0, 4))
def test_unknown_products_are_no_events(make_model, seed, unknown):
    random = np.random.default_rng(seed)
    known = random.standard_normal((4, 8)).astype(np.float32)
    places = np.sort(random.integers(0, 5, unknown))
    past = np.insert(known, places, np.nan, axis=0)
    for encoder in ("user", "mean", "gru", "attention"):
        model = make_model(encoder)
        np.testing.assert_array_equal(model.shopper_state(past), model.shopper_state(known))


def test_the_most_recent_events_count(make_model, encoder):
    past = np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32)
    model = make_model(encoder, history_length=7)
    np.testing.assert_array_equal(model.shopper_state(past), model.shopper_state(past[:7]))
    assert not np.array_equal(model.shopper_state(past), model.shopper_state(past[1:]))


def test_a_step_leads_to_the_state_of_the_whole_history(make_model):
    model = make_model("gru")
    oldest_first = np.random.default_rng(0).standard_normal((7, 8)).astype(np.float32)
    hidden = model.start()
    for number, vector in enumerate(oldest_first, 1):
        hidden = model.step(hidden, vector)
        expected = model.shopper_state(oldest_first[:number][::-1])
        np.testing.assert_allclose(model.read(hidden), expected, atol=1e-6)


def test_only_an_encoder_that_goes_by_steps_takes_one(make_model):
    with pytest.raises(ModelError, match="'attention' does not go by steps"):
        make_model("attention").start()


def test_a_known_shopper_has_a_row_and_forgetting_drops_it(make_model, vectors):
    plain = make_model("user")
    rows = np.arange(24, dtype=np.float32).reshape(3, 8)
    model = UserItemModel(
        plain.configuration,
        plain.item_ids,
        {**plain.parameters, "encoder.users": rows},
        plain.calibration,
        np.array([b"aa", b"bb", b"cc"]),
    )
    folded_in = model.shopper_state(vectors)
    np.testing.assert_array_equal(model.shopper_state(vectors, user_key=b"bb"), rows[1])
    np.testing.assert_array_equal(model.shopper_state(vectors, user_key=b"bc"), folded_in)
    less = model.without_users([b"bb", b"never seen"])
    np.testing.assert_array_equal(less.shopper_state(vectors, user_key=b"bb"), folded_in)
    np.testing.assert_array_equal(less.shopper_state(vectors, user_key=b"cc"), rows[2])
    assert b"bb" not in b"".join(
        np.asarray(array).tobytes() for array in less.to_tensors().values()
    )
    assert less.without_users([b"bb"]) is less
