"""Losses against Keras's: values, gradients, reductions, weights, masks, configs."""

import inspect

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import lamella as L

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(2, 5, 4)).astype("float32")
SHARES = np.abs(NUMBERS) / np.abs(NUMBERS).sum(-1, keepdims=True)
BITS = (RNG.random((5, 4)) > 0.5).astype("float32")
ONE_HOT = np.eye(4, dtype="float32")[[0, 1, 2, 3, 1]]
LABELS = np.array([0, 1, 2, 3, 1])
UNIT = NUMBERS[1] / np.linalg.norm(NUMBERS[1], axis=-1, keepdims=True)

REGRESSION = [
    "mean_squared_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
    "cosine_similarity",
    "dice",
    "tversky",
]
CASES = [
    *[(name, {}, NUMBERS[0], NUMBERS[1]) for name in REGRESSION],
    ("huber", {"delta": 0.3}, NUMBERS[0], NUMBERS[1]),
    ("cosine_similarity", {"axis": 0}, NUMBERS[0], NUMBERS[1]),
    ("dice", {"axis": [0]}, BITS, SHARES[1]),
    ("tversky", {"alpha": 0.2, "beta": 0.7, "axis": 1}, BITS, SHARES[1]),
    ("hinge", {}, BITS, NUMBERS[1]),
    ("hinge", {}, 2 * BITS - 1, NUMBERS[1]),
    ("squared_hinge", {}, BITS, NUMBERS[1]),
    ("categorical_hinge", {}, ONE_HOT, NUMBERS[1]),
    ("kl_divergence", {}, SHARES[0], SHARES[1]),
    ("poisson", {}, LABELS[:, None] * BITS, SHARES[1]),
    ("binary_crossentropy", {}, BITS, SHARES[1]),
    ("binary_crossentropy", {"from_logits": True, "label_smoothing": 0.2}, BITS, NUMBERS[1]),
    ("binary_focal_crossentropy", {"gamma": 3.0}, BITS, SHARES[1]),
    ("binary_focal_crossentropy", {"from_logits": True, "apply_class_balancing": True}, BITS, NUMBERS[1]),
    ("categorical_crossentropy", {}, ONE_HOT, SHARES[1]),
    ("categorical_crossentropy", {"from_logits": True, "label_smoothing": 0.1}, ONE_HOT, NUMBERS[1]),
    ("categorical_focal_crossentropy", {}, ONE_HOT, SHARES[1]),
    ("categorical_focal_crossentropy", {"from_logits": True, "alpha": 0.6}, ONE_HOT, NUMBERS[1]),
    ("sparse_categorical_crossentropy", {}, LABELS, SHARES[1]),
    ("sparse_categorical_crossentropy", {"from_logits": True}, LABELS[:, None], NUMBERS[1]),
    ("sparse_categorical_crossentropy", {"ignore_class": 1}, LABELS, SHARES[1]),
    ("categorical_generalized_cross_entropy", {"q": 0.7}, LABELS, SHARES[1]),
    ("circle", {}, np.array([0, 1, 0, 1, 2]), UNIT),
    ("circle", {"gamma": 10.0, "margin": 0.2}, np.array([0, 1, 0, 1, 0]), UNIT),
]
IDS = [f"{name}-{i}" for i, (name, *_) in enumerate(CASES)]
CLASSES = {
    name.replace("_", "").lower(): name
    for name in dir(keras.losses)
    if isinstance(getattr(keras.losses, name), type) and name != "Loss"
}


def loss_class(function: str) -> str:
    return CLASSES[function.replace("_", "")]


@pytest.mark.sample(4)
@pytest.mark.parametrize(("name", "options", "y_true", "y_pred"), CASES, ids=IDS)
def test_function_and_gradient(name, options, y_true, y_pred):
    ours, theirs = getattr(L.losses, name), getattr(keras.losses, name)
    np.testing.assert_allclose(ours(y_true, y_pred, **options), theirs(y_true, y_pred, **options), rtol=1e-5, atol=1e-6)
    gradients = [jax.grad(lambda p, f=f: jnp.sum(f(y_true, p, **options)))(jnp.asarray(y_pred)) for f in (ours, theirs)]
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "options", "y_true", "y_pred"), CASES, ids=IDS)
def test_class_with_weights(name, options, y_true, y_pred):
    kind = loss_class(name)
    ours, theirs = getattr(L.losses, kind)(**options), getattr(keras.losses, kind)(**options)
    np.testing.assert_allclose(ours(y_true, y_pred), theirs(y_true, y_pred), rtol=1e-5)
    if theirs.call(jnp.asarray(y_true, "float32"), jnp.asarray(y_pred)).shape == (5,):
        weights = np.array([1.0, 0.0, 2.0, 0.5, 3.0], "float32")
        np.testing.assert_allclose(ours(y_true, y_pred, weights), theirs(y_true, y_pred, weights), rtol=1e-5)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None])
@pytest.mark.parametrize("weight_shape", [None, (5,), (5, 1), (5, 3)])
@pytest.mark.parametrize("masked", [False, True])
def test_reductions_weights_and_masks(reduction, weight_shape, masked):
    y_true, y_pred = RNG.normal(size=(2, 5, 3, 2)).astype("float32")
    weights = None if weight_shape is None else RNG.random(weight_shape).astype("float32")
    if weight_shape == (5,):
        y_true, y_pred = y_true[:, 0], y_pred[:, 0]
    mask = np.arange(np.prod(y_true.shape[:-1])).reshape(y_true.shape[:-1]) % 3 > 0
    values = []
    for library, set_mask in ((L, L.state.set_mask), (keras, keras.src.backend.set_keras_mask)):
        predictions = jnp.asarray(y_pred)
        if masked:
            set_mask(predictions, jnp.asarray(mask))
        values.append(library.losses.MeanSquaredError(reduction=reduction)(y_true, predictions, weights))
    np.testing.assert_allclose(*values, rtol=1e-5)


def test_ignored_class_does_not_count_in_the_mean():
    values = [lib.losses.SparseCategoricalCrossentropy(ignore_class=1)(LABELS, SHARES[1]) for lib in (L, keras)]
    np.testing.assert_allclose(*values, rtol=1e-6)


@pytest.mark.parametrize(
    ("true_shape", "pred_shape"), [((5,), (5, 1)), ((5, 1), (5,)), ((5, 3, 1), (5, 3)), ((5, 3), (5, 3, 1))]
)
def test_ranks_that_differ_by_one(true_shape, pred_shape):
    y_true, y_pred = RNG.normal(size=true_shape), RNG.normal(size=pred_shape)
    values = [lib.losses.MeanAbsoluteError(reduction=None)(y_true, y_pred) for lib in (L, keras)]
    assert values[0].shape == values[1].shape
    np.testing.assert_allclose(*values, rtol=1e-5)


def test_ctc():
    y_true = np.array([[1, 2, 0], [3, 3, 1]])
    y_pred = RNG.normal(size=(2, 8, 5)).astype("float32")
    np.testing.assert_allclose(L.losses.ctc(y_true, y_pred), keras.losses.ctc(y_true, y_pred), rtol=1e-5)


def test_structures_of_outputs():
    def distance(y_true, y_pred):
        return jnp.abs(y_true["a"] - y_pred["a"]) + jnp.abs(y_true["b"] - y_pred["b"])

    y_true, y_pred = {"a": NUMBERS[0, :, 0], "b": NUMBERS[0, :, 1]}, {"a": NUMBERS[1, :, 0], "b": NUMBERS[1, :, 1]}
    ours = L.losses.LossFunctionWrapper(distance)(y_true, y_pred)
    np.testing.assert_allclose(ours, keras.src.losses.LossFunctionWrapper(distance)(y_true, y_pred), rtol=1e-6)


@pytest.mark.parametrize("name", sorted(set(CLASSES.values())))
def test_signature_and_config(name):
    ours, theirs = getattr(L.losses, name), getattr(keras.losses, name)
    shown = [[(p.name, p.default) for p in inspect.signature(c).parameters.values()] for c in (ours, theirs)]
    assert shown[0] == shown[1]
    config, expected = ours().get_config(), theirs().get_config()
    assert {key: config[key] for key in expected} == expected
    assert theirs.from_config(config).get_config() == expected  # Keras reads ours
    written, expected = L.losses.serialize(ours()), keras.losses.serialize(theirs())
    assert {k: v for k, v in written.items() if k != "config"} == {k: v for k, v in expected.items() if k != "config"}
    assert L.losses.deserialize(written).get_config() == ours().get_config()
    assert type(L.losses.deserialize(expected)) is ours  # and we read Keras's


@pytest.mark.parametrize(("name", "options"), [("Huber", {"delta": 0.3}), ("CosineSimilarity", {"axis": 0})])
def test_options_that_keras_forgets_are_in_configs(name, options):
    config = getattr(L.losses, name)(**options).get_config()
    assert options.items() <= config.items() and not options.keys() & getattr(keras.losses, name)().get_config().keys()
    made = [library.from_config(config) for library in (getattr(L.losses, name), getattr(keras.losses, name))]
    values = [loss(NUMBERS[0], NUMBERS[1]) for loss in (*made, getattr(keras.losses, name)(**options))]
    np.testing.assert_allclose(values[:2], values[2], rtol=1e-5)


@pytest.mark.parametrize("name", ["mse", "MAE", "bce", "KLD", "mean_squared_error", "Huber", "msle", "mape"])
def test_get(name):
    ours, theirs = L.losses.get(name), keras.losses.get(name)
    assert type(ours).__name__ == type(theirs).__name__
    assert getattr(ours, "__name__", ours) == getattr(theirs, "__name__", ours)
