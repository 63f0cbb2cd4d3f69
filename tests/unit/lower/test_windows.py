"""Pooling by shifted arrays against the plain one, with gradients, where values are equal too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lamella.lower import average_pool, max_pool

CASES = {  # size, window, strides, padding
    "tiles": ((6, 8), (2, 2), (2, 2), "valid"),
    "tiles, rest": ((7, 8), (2, 3), (2, 3), "valid"),
    "tiles, same": ((7, 8), (2, 3), (2, 3), "same"),
    "overlap": ((7, 8), (3, 3), (2, 2), "same"),
    "overlap, stride 1": ((7, 6), (3, 2), (1, 1), "same"),
    "apart": ((7, 8), (2, 1), (3, 2), "valid"),
    "large": ((9, 8), (6, 5), (1, 2), "same"),
    "steps": ((9,), (3,), (2,), "same"),
    "volume": ((4, 5, 6), (2, 3, 2), (2, 2, 1), "valid"),
}


def plain(x, window, strides, padding, start, step):
    return lax.reduce_window(x, start, step, (1, *window, 1), (1, *strides, 1), padding.upper())


def plain_max(x, window, strides, padding):
    return plain(x, window, strides, padding, -jnp.inf, lax.max)


def plain_mean(x, window, strides, padding):
    count = plain(jnp.ones_like(x), window, strides, padding, 0.0, lax.add)
    return plain(x, window, strides, padding, 0.0, lax.add) / count


def value_and_slopes(pool, x, weights):
    """The result, its gradient and a directional derivative."""
    value, back = jax.vjp(pool, x)
    return value, back(weights)[0]


@pytest.mark.sample(4)
@pytest.mark.parametrize("first", [False, True], ids=["last", "first"])
@pytest.mark.parametrize("pools", [(max_pool, plain_max), (average_pool, plain_mean)], ids=["max", "mean"])
@pytest.mark.parametrize("case", CASES)
def test_equals_the_plain_one(case, pools, first):
    size, window, strides, padding = CASES[case]
    random = np.random.default_rng(0)
    x = jnp.asarray(random.integers(0, 3, (2, *size, 2)), "float32")  # many equal values
    weights = jnp.asarray(random.normal(size=jax.eval_shape(lambda x: pools[1](x, window, strides, padding), x).shape))

    def fast(x):
        if not first:
            return pools[0](x, window, strides, padding, "channels_last")
        return jnp.moveaxis(pools[0](jnp.moveaxis(x, -1, 1), window, strides, padding, "channels_first"), 1, -1)

    mine = jax.jit(lambda x: value_and_slopes(fast, x, weights))(x)
    theirs = jax.jit(lambda x: value_and_slopes(lambda x: pools[1](x, window, strides, padding), x, weights))(x)
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_has_forward_and_second_derivatives_and_batches():
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 5, 5, 2)), "float32")
    fast = lambda x: max_pool(x, 3, 2, "same", "channels_last")
    slow = lambda x: plain_max(x, (3, 3), (2, 2), "same")
    for derivative in (
        lambda f: jax.jvp(f, (x,), (x**2,))[1],
        lambda f: jax.grad(lambda x: jnp.sum(jax.grad(lambda x: jnp.sum(f(x) ** 3))(x) ** 2))(x),
        lambda f: jax.vmap(jax.grad(lambda x: jnp.sum(f(x[None]) ** 2)))(x),
    ):
        np.testing.assert_allclose(jax.jit(derivative, static_argnums=0)(fast), derivative(slow), rtol=1e-4, atol=1e-4)


def test_an_empty_batch():
    assert max_pool(jnp.zeros((0, 4, 4, 1)), 2, None, "valid", "channels_last").shape == (0, 2, 2, 1)
