"""What is masked or weighs 0 means nothing: losses, gradients and metrics stay finite, whatever stands there."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamella as keras
from lamella import layers, ops
from lamella.state import set_mask

BAD = [np.nan, np.inf, -np.inf, 1e30]
LOSSES = [
    keras.losses.MeanSquaredError(),
    keras.losses.MeanAbsoluteError(),
    keras.losses.MeanAbsolutePercentageError(),
    keras.losses.MeanSquaredLogarithmicError(),
    keras.losses.Huber(),
    keras.losses.LogCosh(),
    keras.losses.CosineSimilarity(),
    keras.losses.Hinge(),
    keras.losses.SquaredHinge(),
    keras.losses.CategoricalHinge(),
    keras.losses.KLDivergence(),
    keras.losses.Poisson(),
    keras.losses.BinaryCrossentropy(),
    keras.losses.BinaryCrossentropy(from_logits=True),
    keras.losses.BinaryFocalCrossentropy(),
    keras.losses.CategoricalCrossentropy(),
    keras.losses.CategoricalCrossentropy(from_logits=True),
    keras.losses.CategoricalFocalCrossentropy(),
]
SPARSE = [
    keras.losses.SparseCategoricalCrossentropy(),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    keras.losses.CategoricalGeneralizedCrossEntropy(),
]
P = np.array([[0.2, 0.8], [0.6, 0.4], [0.5, 0.5]], "float32")
ONE_HOT = np.eye(2, dtype="float32")[[1, 0, 0]]
NUMBERS = np.array([1, 0, 0], "float32")
W = np.array([1.0, 0.5, 0.0], "float32")


def value_and_slopes(loss, y_true, y_pred, **weights):
    return jax.value_and_grad(lambda p: loss(y_true, p, **weights))(jnp.asarray(y_pred))


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("loss", [*LOSSES, *SPARSE], ids=lambda loss: loss.name)
def test_losses_and_gradients(loss, bad):
    y_true = NUMBERS if loss in SPARSE else ONE_HOT
    spoiled_true, spoiled = y_true.copy(), P.copy()
    spoiled_true[2] = spoiled[2] = bad
    value, slopes = value_and_slopes(loss, spoiled_true, spoiled, sample_weight=W)
    wanted, wanted_slopes = value_and_slopes(loss, y_true, P, sample_weight=W)
    np.testing.assert_allclose(value, wanted, rtol=1e-6)
    np.testing.assert_allclose(slopes[:2], wanted_slopes[:2], rtol=1e-6)
    np.testing.assert_array_equal(slopes[2], 0)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", None])
def test_reductions_and_masks_of_sequences(reduction):
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    y_true, y_pred = np.zeros((2, 3, 2), "float32"), np.ones((2, 3, 2), "float32")
    spoiled = y_true.copy()
    spoiled[:, 2] = np.nan

    def masked(y_true):
        prediction = jnp.asarray(y_pred)
        set_mask(prediction, jnp.asarray([[True, True, False]] * 2))
        return loss(y_true, prediction)

    np.testing.assert_allclose(masked(spoiled), masked(y_true))
    steps = np.array([[1.0, 2.0, 0.0]] * 2, "float32")
    np.testing.assert_allclose(
        loss(spoiled, y_pred, sample_weight=steps), loss(y_true, y_pred, sample_weight=steps), rtol=1e-6
    )


def test_a_loss_of_the_users():
    def distance(y_true, y_pred):
        return ops.sqrt(ops.sum(ops.square(y_true - y_pred), axis=-1))

    loss = keras.losses.LossFunctionWrapper(distance)
    spoiled = ONE_HOT.copy()
    spoiled[2] = np.nan
    value, slopes = value_and_slopes(loss, spoiled, P, sample_weight=W)
    assert np.isfinite(value)
    assert np.isfinite(slopes).all()


@pytest.mark.parametrize(
    "metric",
    [
        keras.metrics.MeanSquaredError(),
        keras.metrics.RootMeanSquaredError(),
        keras.metrics.CosineSimilarity(),
        keras.metrics.BinaryAccuracy(),
        keras.metrics.BinaryCrossentropy(),
        keras.metrics.Precision(),
        keras.metrics.Recall(),
        keras.metrics.AUC(),
        keras.metrics.FalsePositives(),
        keras.metrics.F1Score(),
        keras.metrics.R2Score(),
        keras.metrics.KLDivergence(),
        keras.metrics.PearsonCorrelation(),
    ],
    ids=lambda metric: metric.name,
)
@pytest.mark.parametrize("bad", BAD[:3])
def test_metrics(metric, bad):
    spoiled_true, spoiled = ONE_HOT.copy(), P.copy()
    spoiled_true[2] = spoiled[2] = bad
    metric.reset_state()
    metric.update_state(ONE_HOT, P, sample_weight=W)
    wanted = np.asarray(metric.result())
    metric.reset_state()
    metric.update_state(spoiled_true, spoiled, sample_weight=W)
    np.testing.assert_allclose(metric.result(), wanted, rtol=1e-6)


def test_mean_and_sum():
    values, weights = [1.0, np.nan], [2.0, 0.0]
    assert float(keras.metrics.Mean()(values, sample_weight=weights)) == 1.0
    assert float(keras.metrics.Sum()(values, sample_weight=weights)) == 2.0


@pytest.mark.parametrize("bad", BAD)
def test_fit_with_weights_classes_and_masks(bad):
    model = keras.Sequential([keras.Input((4, 2)), layers.Masking(-1.0), layers.Dense(2)])
    model.compile("adam", "mse", metrics=["mae"], weighted_metrics=["mse"], loss_weights=1.0)
    x, y = np.ones((3, 4, 2), "float32"), np.ones((3, 4, 2), "float32")
    x[:, 2:], y[:, 2:] = -1.0, bad
    logs = model.fit(x, y, verbose=0).history
    assert np.isfinite([*logs.values()]).all()
    y[:, 2:], y[2] = 1.0, bad
    logs = model.evaluate(x, y, sample_weight=np.array([1.0, 1.0, 0.0]), verbose=0, return_dict=True)
    assert np.isfinite([logs["loss"], logs["mse"]]).all()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_metrics_of_fit_leave_out_masked_steps_as_those_of_evaluate_do():
    model = keras.Sequential([keras.Input((4, 2)), layers.Masking(-1.0), layers.Dense(2, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.0), "mse", metrics=["mae"])
    x, y = np.ones((2, 4, 2), "float32"), np.zeros((2, 4, 2), "float32")
    x[:, 2:], y[:, :2] = -1.0, 2.0
    assert model.fit(x, y, verbose=0).history["mae"] == [2.0]
    assert model.evaluate(x, y, verbose=0, return_dict=True)["mae"] == 2.0


def test_class_of_weight_0():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x, y = np.ones((4, 2), "float32"), np.array([0, 1, 2, 2])
    loss = model.train_on_batch(x, y, class_weight={2: 0.0})
    assert np.isfinite(loss)


def test_an_output_whose_loss_weighs_0():
    x = keras.Input((2,))
    model = keras.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile("sgd", "mse", loss_weights=[1.0, 0.0])
    logs = model.train_on_batch(np.ones((2, 2)), [np.ones((2, 1)), np.full((2, 1), np.nan)], return_dict=True)
    assert np.isfinite(logs["loss"])
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
