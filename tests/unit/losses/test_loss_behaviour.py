"""Losses: arguments that cannot be right, finite gradients, mixed precision, jit."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamella as L
from lamella.errors import ArgumentError, ShapeError, UnknownNameError


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: L.losses.MeanSquaredError(reduction="average"), ArgumentError, "sum_over_batch_size"),
        (lambda: L.losses.CategoricalCrossentropy()([1, 2], np.ones((2, 3))), ShapeError, "sparse_categorical"),
        (lambda: L.losses.SparseCategoricalCrossentropy()(np.eye(3), np.eye(3)), ShapeError, "one-hot"),
        (lambda: L.losses.mean_squared_error(np.ones((4, 2)), np.ones((4, 3))), ShapeError, "(4, 3)"),
        (lambda: L.losses.CategoricalGeneralizedCrossEntropy(q=1), ArgumentError, "(0, 1)"),
        (lambda: L.losses.categorical_crossentropy(np.eye(2), np.eye(2), axis=True), ArgumentError, "int"),
        (lambda: L.losses.ctc(np.ones((2,)), np.ones((2, 3, 4))), ShapeError, "(batch, labels)"),
        (lambda: L.losses.get("mean_sqared_error"), UnknownNameError, "did you mean 'mean_squared_error'"),
        (lambda: L.losses.get(3), ArgumentError, "no loss"),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error) as caught:
        make()
    assert message in str(caught.value)


def test_one_class_is_warned_about():
    with pytest.warns(SyntaxWarning, match="binary_crossentropy"):
        L.losses.categorical_crossentropy(np.ones((2, 1)), np.ones((2, 1)))


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("y_pred", [0.0, 1.0, 100.0, -100.0])
def test_crossentropy_gradients_are_finite_at_the_edges(from_logits, y_pred):
    if not from_logits:
        y_pred = min(max(y_pred, 0.0), 1.0)
    gradient = jax.grad(lambda p: L.losses.BinaryCrossentropy(from_logits=from_logits)(jnp.ones((1, 1)), p))
    assert np.isfinite(gradient(jnp.full((1, 1), y_pred))).all()


def test_all_weights_zero_is_zero_and_differentiable():
    loss = L.losses.MeanSquaredError(reduction="mean_with_sample_weight")
    value, slope = jax.value_and_grad(lambda p: loss(jnp.zeros((2, 1)), p, jnp.zeros(2)))(jnp.ones((2, 1)))
    assert float(value) == 0.0
    assert np.isfinite(slope).all()


def test_everything_masked_is_zero():
    predictions = jnp.ones((2, 3, 1))
    L.state.set_mask(predictions, jnp.zeros((2, 3), "bool"))
    assert float(L.losses.MeanSquaredError()(jnp.zeros((2, 3, 1)), predictions)) == 0.0


def test_computes_in_its_dtype():
    loss = L.losses.MeanSquaredError(dtype="bfloat16")
    assert loss.dtype == "bfloat16"
    assert loss([[1.0]], [[3.0]]).dtype == "bfloat16"
    assert L.losses.MeanSquaredError()(np.ones((2, 1), "float64"), jnp.ones((2, 1), "bfloat16")).dtype == "float32"


def test_masks_hold_in_jit():
    @jax.jit
    def f(y_pred, mask):
        L.state.set_mask(y_pred, mask)
        return L.losses.MeanSquaredError()(jnp.zeros((2, 2, 1)), y_pred)

    mask = jnp.array([[True, False], [True, False]])
    assert float(f(jnp.array([[[2.0], [9.0]], [[2.0], [9.0]]]), mask)) == 4.0


def test_own_loss():
    class Doubled(L.losses.Loss):
        def call(self, y_true, y_pred):
            return 2 * jnp.abs(y_true - y_pred)

    assert float(Doubled(reduction="sum")([1.0, 2.0], [0.0, 0.0])) == 6.0
    assert Doubled().name.startswith("doubled")


def test_wrapper_keeps_its_function_through_a_config():
    wrapped = L.losses.LossFunctionWrapper(L.losses.huber, name="h", delta=0.5)
    again = L.losses.deserialize(L.losses.serialize(wrapped))
    assert float(again([[0.0]], [[3.0]])) == float(wrapped([[0.0]], [[3.0]])) == 1.375
    assert "huber" in repr(again)


def test_options_survive_the_config():
    assert L.losses.deserialize(L.losses.serialize(L.losses.Huber(delta=0.2))).delta == 0.2
    assert L.losses.deserialize(L.losses.serialize(L.losses.CosineSimilarity(axis=1))).axis == 1
