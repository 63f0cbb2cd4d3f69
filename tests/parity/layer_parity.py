"""The same layer in Keras and here: shapes, configs, weights, outputs, gradients, state."""

from __future__ import annotations

import json
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import lamella


def array(shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
    """Numbers around 0; for integers, small ones from 0 on."""
    draw = np.random.default_rng(sum(shape))
    return draw.normal(size=shape).astype(dtype) if dtype == "float32" else draw.integers(0, 5, shape).astype(dtype)


def plain(value: Any) -> Any:
    """What a config is in a file: tuples are lists; floats to the precision of float32."""
    return json.loads(json.dumps(value), parse_float=lambda text: round(float(text), 6))


def step(layer: Any, x: Any, **call: Any) -> tuple[Any, Any, list[Any]]:
    """(outputs, gradients of sum(outputs²) by weights and input, non-trainable state after)."""

    def loss(weights: Any, inputs: Any) -> Any:
        out, state = layer.stateless_call(weights, [v.value for v in layer.non_trainable_variables], inputs, **call)
        return jnp.sum(jnp.square(out.astype("float32"))), (out, state)

    where = (0, 1) if jnp.issubdtype(jax.tree.leaves(x)[0].dtype, jnp.floating) else 0
    weights = [v.value for v in layer.trainable_variables]
    grads, (out, state) = jax.jit(jax.grad(loss, where, has_aux=True))(weights, x)
    return out, jax.tree.leaves(grads), state


def check(name: str, x: Any, *args: Any, call: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    """Compares keras.layers.<name> with lamella.layers.<name>; gives ours back."""
    kwargs = {"name": "same", **kwargs}
    theirs, ours = (getattr(module.layers, name)(*args, **kwargs) for module in (keras, lamella))
    same_config(theirs, ours)
    shapes = [tuple(a.shape) for a in x] if isinstance(x, list) else tuple(x.shape)
    theirs.build(shapes), ours.build(shapes)
    assert [(v.name, tuple(v.shape)) for v in ours.weights] == [(v.name, tuple(v.shape)) for v in theirs.weights]
    assert [v.trainable for v in ours.weights] == [v.trainable for v in theirs.weights]
    randomized(theirs)
    ours.set_weights(theirs.get_weights())
    real = same_step(theirs, ours, x, **(call or {}))
    same_config(theirs, ours)
    assert tuple(ours.compute_output_shape(shapes)) == tuple(theirs.compute_output_shape(shapes))
    same_when_symbolic(type(ours).from_config(theirs.get_config()), x, real)
    return ours


def randomized(layer: Any) -> None:
    """Other weights than the initial ones; variances stay positive."""
    draw = np.random.default_rng(3)
    layer.set_weights([np.abs(draw.normal(size=w.shape) / 2 + 0.5).astype(w.dtype) for w in layer.get_weights()])


def same_step(theirs: Any, ours: Any, x: Any, **call: Any) -> Any:
    """Compares one call of each; gives the outputs back."""
    (a, a_grads, a_state), (b, b_grads, b_state) = step(theirs, x, **call), step(ours, x, **call)
    np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5)
    assert b.dtype == a.dtype
    for g, h in zip(a_grads, b_grads, strict=True):
        np.testing.assert_allclose(h, g, rtol=1e-4, atol=1e-4)
    for before, after in zip(a_state, b_state, strict=True):
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)
    return b


def same_config(theirs: Any, ours: Any) -> None:
    config, own = plain(theirs.get_config()), plain(ours.get_config())
    np.testing.assert_equal(own, config)
    np.testing.assert_equal(plain(type(ours).from_config(config).get_config()), config)
    np.testing.assert_equal(plain(type(theirs).from_config(own).get_config()), config)


def same_when_symbolic(layer: Any, x: Any, real: Any) -> None:
    """Called on symbolic tensors with unknown batch, the layer foretells the real shape and dtype."""
    symbolic = jax.tree.map(lambda a: lamella.Input(a.shape[1:], dtype=str(a.dtype)), x)
    out = layer(symbolic)
    assert (out.shape, out.dtype) == ((None, *real.shape[1:]), real.dtype)


def once_each(cases):
    """The first case of each name; the others, options of the same, are slow."""
    seen = set()
    for name, *others in cases:
        yield pytest.param(name, *others, marks=[pytest.mark.slow] * (name in seen))
        seen.add(name)
