"""The fast path for depthwise convolutions against the plain one, with gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lamella.lower import depthwise_conv


def plain(x, kernel, strides, padding, dilation):
    grouped = kernel.reshape(*kernel.shape[:2], 1, x.shape[-1])
    dimensions = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(
        x, grouped, strides, padding.upper(), None, dilation, dimensions, feature_group_count=x.shape[-1]
    )


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    "size, window, strides, dilation",
    [
        ((9, 10), (3, 3), (1, 1), (1, 1)),
        ((9, 10), (3, 3), (2, 2), (1, 1)),
        ((10, 9), (3, 3), (1, 1), (2, 2)),
        ((11, 8), (5, 2), (3, 1), (1, 1)),
        ((7, 7), (1, 3), (1, 2), (1, 1)),
        ((12, 12), (4, 4), (4, 3), (1, 1)),
    ],
)
def test_equals_the_plain_one(size, window, strides, dilation, padding):
    random = np.random.default_rng(0)
    x = jnp.asarray(random.normal(size=(2, *size, 3)), "float32")
    kernel = jnp.asarray(random.normal(size=(*window, 3, 1)), "float32")
    fast = lambda x, k: depthwise_conv(x, k, strides, padding, "channels_last", dilation)
    slow = lambda x, k: plain(x, k, strides, padding, dilation)
    np.testing.assert_allclose(fast(x, kernel), slow(x, kernel), rtol=1e-5, atol=1e-5)
    gradients = [
        jax.jit(jax.grad(lambda x, k, f=f: jnp.sum(jnp.sin(f(x, k))), (0, 1)))(x, kernel) for f in (fast, slow)
    ]
    for mine, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-4)
