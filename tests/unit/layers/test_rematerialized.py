"""`keras.remat` and `RematScope`: the same numbers, computed again for the gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lamella as L

X = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")


def recomputes(model):
    program = str(jax.make_jaxpr(lambda state: L.pure(model, state, X)[0])(L.state_of(model)))
    return "remat" in program or "checkpoint[" in program


def network():
    L.utils.set_random_seed(1)
    return L.Sequential(
        [
            L.Input((3,)),
            L.layers.Dense(4, activation="relu", name="wide", activity_regularizer="l2"),
            L.layers.BatchNormalization(),
            L.layers.Dropout(0.5, seed=1),
            L.layers.Dense(1, name="narrow"),
        ]
    )


@pytest.mark.parametrize(
    "options, applies",
    [
        ({"mode": "full"}, True),
        ({"mode": "list_of_layers", "layer_names": ["wide", "narrow"]}, True),
        ({"mode": "list_of_layers", "layer_names": ["other"]}, False),
        ({"mode": "larger_than", "output_size_threshold": 5}, True),
        ({"mode": "larger_than", "output_size_threshold": 20}, False),
        ({"mode": "activations"}, True),
        ({"mode": None}, False),
    ],
)
def test_training_is_the_same(options, applies):
    losses = []
    for scope in (L.RematScope(**options), L.RematScope(mode=None)):
        with scope:
            model = network()
        assert recomputes(model) is (applies and scope.mode is not None)
        model.compile("sgd", "mse")
        losses.append(model.fit(X, np.ones((5, 1)), epochs=2, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-6)


def test_only_layers_made_inside_of_the_scope():
    with L.RematScope():
        with L.RematScope(mode=None):
            inner = L.layers.Dense(2)
        outer = L.layers.Dense(2)
    after = L.layers.Dense(2)
    for layer, expected in ((inner, False), (outer, True), (after, False)):
        layer.build((None, 3))
        assert recomputes(layer) is expected


def test_a_function_that_reads_and_writes_variables():
    norm, dense = L.layers.BatchNormalization(), L.layers.Dense(4)

    @L.remat
    def block(x, training=False):
        return dense(norm(x, training=training))

    block(X)
    value, gradients = L.value_and_grad(lambda: jnp.sum(block(X, training=True) ** 2), dense.trainable_variables)()
    norm.moving_mean.assign(jnp.zeros(3))
    expected, exact = L.value_and_grad(lambda: jnp.sum(dense(norm(X, training=True)) ** 2), dense.trainable_variables)()
    assert float(value) == pytest.approx(float(expected), rel=1e-5)
    for one, other in zip(gradients, exact, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    np.testing.assert_allclose(norm.moving_mean.numpy(), 0.01 * X.mean(0), rtol=1e-4)


def test_unknown_modes_are_refused():
    with pytest.raises(ValueError, match="no such mode"):
        L.RematScope("all")
