"""Depthwise convolution of images as a sum of shifted images, which a CPU does far faster.

XLA's CPU backend computes a depthwise convolution channel by channel.  Written
as one multiply-add for each place of the window, it becomes a single fused
loop: 1.6 ms in place of 152 ms for (32, 42, 42, 144) and a 3×3 window; with
gradients 24 ms in place of 1,016 ms (2 cores).
"""

from __future__ import annotations

from itertools import product
from typing import Any

import jax.numpy as jnp
from jax import lax

from lamella.lower.sliding import Phrasing, Slide


def padded(inputs: Any, slide: Slide) -> Any:
    """The inputs with the zeros that the window slides over."""
    if not any(map(any, slide.pads)):
        return inputs
    return lax.pad(inputs, jnp.zeros((), inputs.dtype), [(0, 0, 0), *((*pad, 0) for pad in slide.pads), (0, 0, 0)])


def shifted(padded: Any, place: tuple[int, ...], slide: Slide, first: int = 1) -> Any:
    """What one place of the window sees, at every output; `first` is the first spatial axis."""
    for axis, index in enumerate(place):
        start, stride = index * slide.dilation[axis], slide.strides[axis]
        end = start + (slide.places[axis] - 1) * stride + 1
        padded = lax.slice_in_dim(padded, start, end, stride, axis=axis + first)
    return padded


def zeros(shape: tuple[int, ...], like: Any) -> Any:
    """Where a loop's sum starts: zeros that, inside of `jax.shard_map`, vary over devices as another array does."""
    return jnp.where(False, like.ravel()[0], jnp.zeros(shape, like.dtype))


def _convolve(inputs: Any, kernel: Any, *, slide: Slide) -> Any:
    """Σ over the window of the inputs, shifted, times that place of the kernel."""
    x = padded(inputs, slide)
    terms = [shifted(x, place, slide) * kernel[place][0] for place in product(*map(range, slide.window))]
    return sum(terms[1:], terms[0])


def _spread(outputs: Any, kernel: Any, *, slide: Slide) -> Any:
    """The kernel, turned round, slides over the outputs spread out by the strides."""
    axes = zip(slide.size, slide.places, slide.window, slide.strides, slide.pads, slide.dilation, strict=True)
    pads, size = [], []
    for inputs, places, window, stride, (before, _), rate in axes:
        reach, apart = (window - 1) * rate, (places - 1) * stride + 1
        pads.append((reach - before, inputs + before - apart, stride - 1))
        size.append(inputs + reach)
    wide = lax.pad(outputs, jnp.zeros((), outputs.dtype), [(0, 0, 0), *pads, (0, 0, 0)])
    still = Slide(tuple(size), slide.window, (1, 1), ((0, 0), (0, 0)), slide.dilation, slide.groups)
    return _convolve(wide, kernel[::-1, ::-1], slide=still)


def _correlate(inputs: Any, outputs: Any, *, slide: Slide) -> Any:
    """For each place of the window, the outputs' slopes times the shifted inputs, added up.

    Row by row into (width, channels) sums, which stay in the cache: as one
    reduction for each place it takes five times as long.
    """
    (height, width), (step, stride) = slide.window, slide.strides
    rows, columns = slide.places
    channels = inputs.shape[-1]
    ends = [(j * slide.dilation[1], j * slide.dilation[1] + (columns - 1) * stride + 1) for j in range(width)]

    def add_row(row: Any, sums: list[Any], image: Any, slopes: Any) -> list[Any]:
        slope = lax.dynamic_index_in_dim(slopes, row, 0, keepdims=False)
        lines = [
            lax.dynamic_index_in_dim(image, row * step + i * slide.dilation[0], 0, keepdims=False)
            for i in range(height)
        ]
        parts = [lax.slice(line, (start, 0), (end, channels), (stride, 1)) for line in lines for start, end in ends]
        return [total + slope * part for total, part in zip(sums, parts, strict=True)]

    def add_image(sums: list[Any], pair: tuple[Any, Any]) -> tuple[list[Any], None]:
        return lax.fori_loop(0, rows, lambda row, s: add_row(row, s, *pair), sums), None

    start = [zeros((columns, channels), outputs) for _ in range(height * width)]
    sums, _ = lax.scan(add_image, start, (padded(inputs, slide), outputs))
    return jnp.stack([s.sum(0) for s in sums]).reshape(height, width, 1, channels)


BY_SHIFTS = Phrasing(_convolve, _spread, _correlate)
