"""Space into channels and back, windows into columns and back, polar into complex numbers."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

from lamella.config import standardize_data_format
from lamella.errors import ArgumentError, ShapeError
from lamella.graph import op
from lamella.lower import spatial
from lamella.ops.tensors import floating, tensor


@op
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Lays groups of block_size² channels out as squares of pixels.

    Shape:   (batch, height, width, channels) → (batch, height * b, width * b, channels / b²)
    Raises:  ArgumentError: `block_size` is less than 2.
    Example: >>> ops.depth_to_space(Input((4, 4, 12)), 2).shape
             (None, 8, 8, 3)
    """
    x, last, b = _with_blocks(x, block_size, data_format)
    if last:
        n, h, w, c = x.shape
        return x.reshape(n, h, w, b, b, c // b**2).transpose(0, 1, 3, 2, 4, 5).reshape(n, h * b, w * b, c // b**2)
    n, c, h, w = x.shape
    return x.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, c // b**2, h * b, w * b)


@op
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Takes squares of pixels together as channels: the inverse of `depth_to_space`."""
    x, last, b = _with_blocks(x, block_size, data_format)
    if last:
        n, h, w, c = x.shape
        return x.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, h // b, w // b, c * b**2)
    n, c, h, w = x.shape
    return x.reshape(n, c, h // b, b, w // b, b).transpose(0, 1, 3, 5, 2, 4).reshape(n, c * b**2, h // b, w // b)


def _with_blocks(x: Any, block_size: int, data_format: str) -> tuple[Any, bool, int]:
    if block_size < 2:
        raise ArgumentError("A block has a size of at least 2.", received=f"block_size={block_size}")
    return tensor(x), standardize_data_format(data_format) == "channels_last", block_size


@op
def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Every place of a window as a column.

    Shape:  (batch, channels, height, width) → (batch, channels * window, places)
    Raises: ShapeError: x has another rank than 4.
    """
    x = _of_rank(x, 4)
    patches = lax.conv_general_dilated_patches(
        x,
        spatial(kernel_size, 2),
        spatial(stride, 2),
        [(p, p) for p in spatial(padding, 2)],
        rhs_dilation=spatial(dilation, 2),
    )
    return patches.reshape(*patches.shape[:2], -1)


@op
def fold(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Adds columns up at their windows' places: what `unfold` took apart, overlaps summed.

    Shape:  (batch, channels * window, places) → (batch, channels, height, width)
    Raises: ShapeError: x has another rank than 3.
    """
    x = _of_rank(x, 3)
    window, rates, pads = spatial(kernel_size, 2), spatial(dilation, 2), spatial(padding, 2)
    strides, sizes = spatial(stride, 2), spatial(output_size, 2)
    n, depth, _ = x.shape
    spans = [(k - 1) * rate for k, rate in zip(window, rates, strict=True)]
    counts = [(s + 2 * p - d - 1) // st + 1 for s, p, d, st in zip(sizes, pads, spans, strides, strict=True)]
    columns = x.reshape(n, -1, *window, *counts)
    out = jnp.zeros(
        (n, depth // (window[0] * window[1]), *(s + 2 * p for s, p in zip(sizes, pads, strict=True))), x.dtype
    )
    for i in range(window[0]):
        for j in range(window[1]):
            rows = slice(i * rates[0], i * rates[0] + counts[0] * strides[0], strides[0])
            across = slice(j * rates[1], j * rates[1] + counts[1] * strides[1], strides[1])
            out = out.at[:, :, rows, across].add(columns[:, :, i, j])
    return out[:, :, pads[0] : pads[0] + sizes[0], pads[1] : pads[1] + sizes[1]]


def _of_rank(x: Any, rank: int) -> Any:
    x = tensor(x)
    if x.ndim != rank:
        raise ShapeError("The input has another rank.", expected=f"rank {rank}", received=x.shape)
    return x


@op
def polar(abs_: Any, angle: Any) -> Any:
    """Complex numbers from their distance from 0 and their angle in radians."""
    distance, angle = floating(abs_), floating(angle)
    return lax.complex(distance * jnp.cos(angle), distance * jnp.sin(angle))
