"""What every layer keeps: shapes told are shapes given, eager = pure = jit, configs make equal
layers, gradients are finite, half precision works."""

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from layer_cases import CASES, ELSEWHERE, NAMES

from lamella import layers
from lamella.graph import KerasTensor
from lamella.registry import deserialize_keras_object, serialize_keras_object
from lamella.state import pure, state_of

each = pytest.mark.parametrize("name", sorted(CASES))


def made(name):
    return CASES[name][0]()


def inputs_for(name, batch=2, dtype="float32"):
    random, shape = np.random.default_rng(0), CASES[name][1]
    one = lambda s: jnp.asarray(random.uniform(0.1, 1, (batch, *s)), dtype)
    return [one(s) for s in shape] if isinstance(shape, list) else one(shape)


def called(layer, x, **kwargs):
    """A call in inference, unless told otherwise (augmentation trains by default)."""
    kwargs = {"training": False, **kwargs}
    if isinstance(x, list) and isinstance(layer, (layers.MultiHeadAttention, layers.GroupQueryAttention)):
        return layer(*x, **kwargs)
    return layer(x, **kwargs)


def test_every_layer_has_a_case():
    classes = {n for n in layers.__all__ if inspect.isclass(getattr(layers, n))}
    canonical = {getattr(layers, n).__name__ for n in classes}
    assert canonical <= set(CASES) | ELSEWHERE, canonical - set(CASES) - ELSEWHERE


@pytest.mark.sample(42)
@each
def test_the_shape_told_is_the_shape_given(name):
    layer, x = made(name), inputs_for(name)
    symbolic = jax.tree.map(lambda a: KerasTensor((None, *a.shape[1:]), a.dtype), x)
    told = called(layer, symbolic)
    given = called(layer, x)
    assert told.shape[1:] == given.shape[1:] and told.dtype == given.dtype.name, (told, given.shape)
    if not isinstance(x, list):
        assert layer.compute_output_shape((None, *x.shape[1:]))[1:] == given.shape[1:]


@each
def test_eager_is_pure_is_jit(name):
    layer, x = made(name), inputs_for(name)
    eager = called(layer, x)
    state = state_of(layer)

    def function(state, x):
        args = x if _splits(layer, x) else [x]
        return pure(layer, state, *args, training=False)[0]

    np.testing.assert_allclose(eager, function(state, x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(eager, jax.jit(function)(state, x), rtol=1e-5, atol=1e-5)


def _splits(layer, x):
    return isinstance(x, list) and isinstance(layer, (layers.MultiHeadAttention, layers.GroupQueryAttention))


@each
def test_a_config_makes_an_equal_layer(name):
    layer, x = made(name), inputs_for(name)
    expected = called(layer, x)
    again = deserialize_keras_object(serialize_keras_object(layer))
    assert type(again) is type(layer) and again.name == layer.name
    called(again, x)
    assert again.get_config() == layer.get_config()
    assert [w.shape for w in again.weights] == [w.shape for w in layer.weights]
    again.set_weights(layer.get_weights())
    np.testing.assert_allclose(called(again, x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.sample(47)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_finite_in_training(name):
    layer, x = made(name), inputs_for(name)
    called(layer, x)
    state = {address: value for address, value in state_of(layer).items() if value.dtype == "float32"}

    def loss(state, x):
        call = lambda *a: pure(layer, state, *a, training=True)[0]
        out = call(*x) if _splits(layer, x) else call(x)
        return jnp.sum(jnp.asarray(out, "float32") ** 2)

    gradients = jax.jit(jax.grad(loss, argnums=(0, 1)))(state, x)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))


@pytest.mark.sample(40)
@pytest.mark.parametrize("name", sorted(set(CASES) - {"Pipeline", "TimeDistributed"}))  # as the layers inside
def test_half_precision(name):
    config = made(name).get_config()
    layer = type(made(name)).from_config({**config, "dtype": "mixed_bfloat16"})
    out = called(layer, inputs_for(name))
    assert out.dtype == "bfloat16"
    assert all(w.dtype != "bfloat16" for w in layer.weights)
    assert np.isfinite(np.asarray(out, "float32")).all()
