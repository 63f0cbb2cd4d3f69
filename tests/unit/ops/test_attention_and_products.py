"""Attention and products phrased by heads and by rows: the same numbers as jax's own, with gradients."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lamella import ops

RANDOM = np.random.default_rng(0)


def _array(*shape):
    return jnp.asarray(RANDOM.normal(size=shape), "float32")


@pytest.mark.sample(2)
@pytest.mark.parametrize("masked, biased, causal", list(itertools.product([False, True], repeat=3)))
def test_attention_is_that_of_jax(masked, biased, causal):
    query, key, value = _array(2, 5, 3, 4), _array(2, 6, 3, 4), _array(2, 6, 3, 4)
    mask = jnp.asarray(RANDOM.integers(0, 2, (2, 1, 5, 6)), bool).at[0, 0, 2].set(False) if masked else None
    bias = _array(1, 3, 5, 6) if biased else None

    def mine(q, k, v):
        return ops.dot_product_attention(q, k, v, bias=bias, mask=mask, is_causal=causal)

    def theirs(q, k, v):
        return jax.nn.dot_product_attention(q, k, v, bias, mask, is_causal=causal)

    np.testing.assert_allclose(mine(query, key, value), theirs(query, key, value), rtol=1e-5, atol=1e-6)
    slopes = [jax.grad(lambda *a, f=f: jnp.sum(f(*a) ** 2), (0, 1, 2))(query, key, value) for f in (mine, theirs)]
    for a, b in zip(*slopes, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.sample(3)
@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 0, 4), (0, 3, 4), (2, 3, 5, 4), (3, 4), (4,)])
def test_products_by_rows(shape):
    x, w = _array(*shape), _array(4, 6)
    np.testing.assert_allclose(ops.matmul(x, w), jnp.matmul(x, w), rtol=1e-5, atol=1e-6)
    slopes = [jax.grad(lambda *a, f=f: jnp.sum(f(*a) ** 2), (0, 1))(x, w) for f in (ops.matmul, jnp.matmul)]
    for a, b in zip(*slopes, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
