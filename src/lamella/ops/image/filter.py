"""Windows over images: blur, edges, similarity."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella import lower
from lamella.graph import op
from lamella.ops.image.layout import images_of, on_batch_last
from lamella.ops.tensors import floating, tensor


def _each_channel(images: jax.Array, kernel: jax.Array, padding: str = "same") -> jax.Array:
    """Slides one kernel over every channel; images (batch, height, width, channels)."""
    planes = jnp.moveaxis(images, -1, 1)
    singles = planes.reshape(-1, *planes.shape[2:], 1)
    out = lower.conv(singles, kernel[:, :, None, None], 1, padding, "channels_last", 1)
    return jnp.moveaxis(out.reshape(*planes.shape[:2], *out.shape[1:3]), 1, -1)


def gaussian(size: int, sigma: Any, dtype: Any) -> jax.Array:
    """A bell curve at `size` points around its middle, that sums to 1."""
    x = jnp.arange(size, dtype=dtype) - (size - 1) / 2
    curve = jnp.exp(-0.5 * jnp.square(x / sigma))
    return curve / jnp.sum(curve)


def blurred(images: jax.Array, kernel_size: Any, sigma: Any, data_format: str | None) -> jax.Array:
    """Every pixel as the mean of its surroundings, weighted by a bell curve an axis."""
    across, down = (gaussian(n, s, images.dtype) for n, s in zip(kernel_size, sigma, strict=True))
    return averaged(images, across, down, data_format)


def averaged(images: jax.Array, across: jax.Array, down: jax.Array, data_format: str | None) -> jax.Array:
    """Every pixel as the mean of its surroundings, weighted by a curve an axis."""
    return on_batch_last(lambda x: _each_channel(x, jnp.outer(down, across)), images, data_format)


@op
def gaussian_blur(
    images: Any, kernel_size: Any = (3, 3), sigma: Any = (1.0, 1.0), data_format: str | None = None
) -> Any:
    """Blurs by a bell curve.

    Args: kernel_size, sigma: the window's size and the curve's width in pixels, across and down.
    """
    images = images_of(images)
    return blurred(images, kernel_size, tensor(sigma, images.dtype), data_format)


@op
def sobel_edges(images: Any, data_format: str | None = None) -> Any:
    """How brightness changes from pixel to pixel: downwards and to the right, along a new last axis.

    Shape: (batch, height, width, channels) → (batch, height, width, channels, 2)
    """
    images = images_of(images, (4,))
    right = jnp.asarray([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], images.dtype)
    edges = [on_batch_last(lambda x, k=k: _each_channel(x, k), images, data_format) for k in (right.T, right)]
    return jnp.stack(edges, axis=-1)


@op(name="SSIM")
def ssim(
    image1: Any,
    image2: Any,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Any:
    """The structural similarity of two images, 1 for equal ones.

    Args:   max_val: the largest value a pixel can have.
    Source: Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity".
    """
    first, second = images_of(image1), images_of(image2)
    x, y, window = floating(first), floating(second), gaussian(filter_size, filter_sigma, floating(first).dtype)

    def mean(values: jax.Array) -> jax.Array:
        return on_batch_last(lambda v: _each_channel(v, jnp.outer(window, window), "valid"), values, data_format)

    mean_x, mean_y = mean(x), mean(y)
    var_x, var_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    likeness = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    likeness = likeness / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    return jnp.mean(likeness, axis=(-3, -2, -1)).astype(first.dtype)
