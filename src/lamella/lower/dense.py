"""Dense convolution of images: XLA's own, but for the derivatives.

XLA's CPU backend makes of the one by the kernel a convolution with a window as
large as the image, at a tenth of the machine's peak where a library computes
it: there matmuls over a few images at a time, whose shifted copies stay in the
cache, take a half to a quarter.  Its own code is fast once channels and images
have changed places, in a loop that does nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from lamella.lower.depthwise import padded, shifted, zeros
from lamella.lower.sliding import Phrasing, Slide, convolve, plain_convolve, plain_correlate, plain_spread

FEW_CHANNELS = 8
MANY_CHANNELS = 512  # from here on XLA's own is as fast
SMALL_BATCH = 16  # below, too
FEW_IMAGES = 4  # which make too few channels, once they have changed places


def _spread(outputs: Any, kernel: Any, *, slide: Slide) -> Any:
    """In windows of whole strides each output is a patch of `strides` places: channels of a dense convolution."""
    if max(slide.strides) == 1 or max(slide.dilation) > 1 or min(slide.strides) > min(slide.window):
        return plain_spread(outputs, kernel, slide=slide)
    (down, right), (channels, features) = slide.strides, kernel.shape[-2:]
    kernel = jnp.pad(kernel, [(0, -slide.window[0] % down), (0, -slide.window[1] % right), (0, 0), (0, 0)])
    height, width = kernel.shape[0] // down, kernel.shape[1] // right
    parts = kernel.reshape(height, down, width, right, channels, features)[::-1, :, ::-1]
    patches = parts.transpose(0, 2, 5, 1, 3, 4).reshape(height, width, features, -1)
    full = tuple((size - 1, size - 1) for size in (height, width))
    still = replace(slide, size=slide.places, window=(height, width), strides=(1, 1), pads=full)
    x = convolve(outputs, patches, slide=still)
    batch, rows, columns, _ = x.shape
    x = x.reshape(batch, rows, columns, down, right, channels).transpose(0, 1, 3, 2, 4, 5)
    x = x.reshape(batch, rows * down, columns * right, channels)
    axes = zip(slide.pads, slide.size, x.shape[1:3], strict=True)
    cut = [(-before, size + before - reached, 0) for (before, _), size, reached in axes]
    return lax.pad(x, jnp.zeros((), x.dtype), [(0, 0, 0), *cut, (0, 0, 0)])


def _correlate(inputs: Any, outputs: Any, *, slide: Slide) -> Any:
    batch, channels, features = inputs.shape[0], inputs.shape[-1], outputs.shape[-1]
    if slide.by_xla and batch >= FEW_IMAGES and channels >= FEW_CHANNELS:
        return _turned(inputs, outputs, slide)
    if batch < SMALL_BATCH or min(channels, features) >= MANY_CHANNELS or max(slide.dilation) > 1:
        return plain_correlate(inputs, outputs, slide=slide)
    if max(slide.strides) > 1 or channels < FEW_CHANNELS:
        sums = _in_parts(_by_columns, 2, inputs, outputs, slide)
        return sums.reshape(*slide.window, channels, features)
    height, width = slide.window
    sums = _in_parts(_by_rows, 4, inputs, outputs, slide).reshape(height, features, width, channels)
    return sums.transpose(0, 2, 3, 1)


def _turned(inputs: Any, outputs: Any, slide: Slide) -> Any:
    """The outputs slide over the inputs, with images as channels and channels as images."""
    images, window = _moved(inputs, (3, 1, 2, 0)), _moved(outputs, (1, 2, 0, 3))
    turned = replace(slide, window=slide.places, strides=slide.dilation, dilation=slide.strides)
    height, width = slide.window
    return plain_convolve(images, window, slide=turned)[:, :height, :width].transpose(1, 2, 0, 3)


def _moved(x: Any, axes: tuple[int, ...]) -> Any:
    """Transposed in a branch of its own: fused with what makes x, it reads the memory in strides many times."""
    return lax.cond(jnp.isnan(x.ravel()[0]), *[lambda x: x.transpose(axes)] * 2, x)


def _in_parts(function: Callable[..., Any], most: int, inputs: Any, outputs: Any, slide: Slide) -> Any:
    """The sum of a function's results for so many images at a time, at most."""
    batch = inputs.shape[0]
    images = max(n for n in range(1, most + 1) if batch % n == 0)
    parts = [x.reshape(batch // images, images, *x.shape[1:]) for x in (inputs, outputs)]
    shape = jax.eval_shape(lambda *part: function(*part, slide), *(part[0] for part in parts))
    start = zeros(shape.shape, outputs)
    return lax.scan(lambda total, part: (total + function(*part, slide), None), start, parts)[0]


def _by_columns(inputs: Any, outputs: Any, slide: Slide) -> Any:
    """(places of the window · channels, outputs) · (outputs, features)"""
    x = lax.optimization_barrier(jnp.moveaxis(padded(inputs, slide), -1, 0))
    seen = [shifted(x, place, slide, first=2) for place in product(*map(range, slide.window))]
    return jnp.concatenate(seen).reshape(-1, outputs.size // outputs.shape[-1]) @ _rows(outputs)


def _by_rows(inputs: Any, outputs: Any, slide: Slide) -> Any:
    """(rows of the window · features, inputs) · (inputs, columns of the window · channels)

    Each row of the window shifts the outputs, each column the inputs: so the
    copies are few and the matmul as square as can be.  Only for strides and
    dilation 1.
    """
    (height, width), x = slide.window, padded(inputs, slide)
    columns = [lax.slice_in_dim(x, j, j + slide.places[1], axis=2) for j in range(width)]
    lines = [jnp.pad(outputs, [(0, 0), (i, height - 1 - i), (0, 0), (0, 0)]) for i in range(height)]
    return _rows(jnp.concatenate(lines, -1)).T @ _rows(jnp.concatenate(columns, -1))


def _rows(x: Any) -> Any:
    return x.reshape(-1, x.shape[-1])


BY_MATMULS = Phrasing(plain_convolve, _spread, _correlate)
