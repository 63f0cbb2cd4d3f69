"""Interventions: values changed inside of a model while a block runs."""

from typing import Any

import numpy as np
import pytest

import lamella as keras
from lamella import layers
from lamella.errors import ArgumentError, GraphError, ShapeError

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


@pytest.fixture
def twins():
    inputs: Any = keras.Input((4,), name="in")
    encoder = keras.Sequential([keras.Input((4,)), layers.Dense(5, activation="tanh", name="d1")], name="enc")
    joined = layers.Concatenate(name="cat")([encoder(inputs), encoder(inputs * 2.0)])
    return keras.Model(inputs, layers.Dense(3, name="head")(joined), name="twins")


def expected(model, left, right):
    dense, head = model.get_layer("enc").layers[0], model.get_layer("head")
    return head(np.concatenate([left * np.asarray(dense(X)), right * np.asarray(dense(X * 2))], -1))


def test_one_call_of_two_is_changed(twins):
    with twins.anatomy.patch({"enc@0/d1": lambda v: v * 0}) as patch:
        np.testing.assert_allclose(twins(X), expected(twins, 0, 1), atol=1e-6)
    assert patch.applied == {"enc@0/d1": 1}
    np.testing.assert_allclose(twins(X), expected(twins, 1, 1), atol=1e-6)


def test_compiled_programs_with_and_without_it_are_kept_apart(twins):
    plain = twins.predict(X, verbose=0)
    for factor in (0.0, 2.0):
        with twins.anatomy.patch({"enc@1/d1": lambda v, f=factor: v * f}):
            np.testing.assert_allclose(twins.predict(X, batch_size=4, verbose=0), expected(twins, 1, factor), atol=1e-6)
        np.testing.assert_array_equal(twins.predict(X, verbose=0), plain)


def test_values_inputs_and_ops_can_be_put_in_place(twins):
    with twins.anatomy.patch({"enc@0/d1": 0.0, "enc@1": np.zeros((6, 5))}):
        np.testing.assert_allclose(twins(X), expected(twins, 0, 0), atol=1e-6)
    with twins.anatomy.patch({"multiply": lambda v: v / 2}, when="output"):
        np.testing.assert_allclose(twins.anatomy.tap("enc@1/d1")(X)["enc@1/d1"], twins.get_layer("enc")(X), atol=1e-6)
    with twins.anatomy.patch({"in": lambda v: v * 0}):
        np.testing.assert_allclose(twins(X), twins(X * 0), atol=1e-6)
    with twins.anatomy.patch({"enc@1/d1": lambda v: v / 2}, when="input"):
        np.testing.assert_allclose(twins.anatomy.tap("enc@1/d1")(X)["enc@1/d1"], twins.get_layer("enc")(X), atol=1e-6)


def test_patches_nest_and_hold_in_models_around(twins):
    inputs = keras.Input((4,))
    outer = keras.Model(inputs, layers.Rescaling(2.0)(twins(inputs)))
    with twins.anatomy.patch({"enc@0/d1": lambda v: v * 0}), outer.anatomy.patch({"twins/enc@1/d1": lambda v: v * 0}):
        np.testing.assert_allclose(outer(X), 2 * expected(twins, 0, 0), atol=1e-6)
        np.testing.assert_allclose(outer.predict(X, verbose=0), 2 * expected(twins, 0, 0), atol=1e-6)


def test_training_under_a_patch(twins):
    twins.compile("sgd", "mse")
    before = twins.get_layer("enc").layers[0].kernel.numpy()
    with twins.anatomy.patch({"**/d1": lambda v: v * 0}):
        twins.fit(X, np.ones((6, 3)), verbose=0)
    np.testing.assert_array_equal(twins.get_layer("enc").layers[0].kernel.numpy(), before)
    twins.fit(X, np.ones((6, 3)), verbose=0)
    assert np.any(twins.get_layer("enc").layers[0].kernel.numpy() != before)


def test_values_in_loops_can_be_changed():
    cell = layers.LSTMCell(2, name="cell")
    model = keras.Sequential([keras.Input((5, 3)), layers.RNN(cell, name="rnn")])
    address = next(p.address for p in model.anatomy.parts if p.thing is cell)
    with model.anatomy.patch({address: lambda v: [v[0] * 0, v[1]] if isinstance(v, list) else (v[0] * 0, v[1])}):
        np.testing.assert_array_equal(model(np.ones((2, 5, 3))), 0)


def test_errors_and_what_changed_nothing(twins):
    anatomy = twins.anatomy
    with pytest.raises(GraphError, match="called 2 times"):
        anatomy.patch({"enc/d1": lambda v: v})
    with pytest.raises(ArgumentError, match="takes a dict"):
        anatomy.patch("enc")
    with pytest.raises(ShapeError, match="'cat'"), anatomy.patch({"cat": lambda v: v[:, :3]}):
        twins(X)
    with pytest.warns(UserWarning, match="cat changed nothing"), anatomy.patch({"cat": lambda v: v}):
        pass


def test_a_function_keeps_the_shape():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(2)])
    with pytest.raises(ShapeError, match="another shape"), model.anatomy.patch({"a": lambda value: value[:, :1]}):
        model(np.ones((2, 4), "float32"))
