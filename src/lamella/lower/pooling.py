"""Pooling: the largest or mean value under a window, or under each of n windows."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from lamella.errors import ArgumentError
from lamella.lower.convolution import Window, spatial
from lamella.lower.windows import Move, can_shift, largest, overlap, total


def max_pool(inputs: jax.Array, size: Window, strides: Window | None, padding: str, data_format: str) -> jax.Array:
    """The largest value under each place of a window."""
    lowest = -jnp.inf if jnp.issubdtype(inputs.dtype, jnp.inexact) else jnp.iinfo(inputs.dtype).min
    return _reduce(inputs, lowest, lax.max, size, strides, padding, data_format)


def average_pool(inputs: jax.Array, size: Window, strides: Window | None, padding: str, data_format: str) -> jax.Array:
    """The mean under each place of a window; what padding adds does not count."""
    total = _reduce(inputs, 0.0, lax.add, size, strides, padding, data_format)
    if padding == "valid":
        return total / math.prod(spatial(size, inputs.ndim - 2))
    ones = jnp.ones_like(inputs, shape=_one_channel(inputs.shape, data_format))
    return total / _reduce(ones, 0.0, lax.add, size, strides, padding, data_format)


def adaptive_pool(inputs: jax.Array, output_size: Window, data_format: str, reduction: Callable[..., Any]) -> jax.Array:
    """Divides each spatial axis into `output_size` nearly equal windows and reduces each.

    Args: reduction: jnp.max or jnp.mean.
    """
    first = 1 if data_format == "channels_last" else 2
    for axis, places in enumerate(spatial(output_size, inputs.ndim - 2), start=first):
        inputs = _adapt(inputs, axis, places, reduction)
    return inputs


def _adapt(inputs: jax.Array, axis: int, places: int, reduction: Callable[..., Any]) -> jax.Array:
    size = inputs.shape[axis]
    windows = [(place * size // places, -(-(place + 1) * size // places)) for place in range(places)]
    reduced = [reduction(lax.slice_in_dim(inputs, start, end, axis=axis), axis=axis) for start, end in windows]
    return jnp.stack(reduced, axis=axis)


def _reduce(
    inputs: jax.Array, start: Any, step: Any, size: Window, strides: Window | None, padding: str, data_format: str
) -> jax.Array:
    if padding not in ("valid", "same"):
        raise ArgumentError("Unknown padding.", expected="'valid' or 'same'", received=repr(padding))
    rank = inputs.ndim - 2
    window = _with_ones(spatial(size, rank), data_format)
    steps = window if strides is None else _with_ones(spatial(strides, rank), data_format)

    def plain(inputs: jax.Array) -> jax.Array:
        # a NumPy number: JAX knows the window's derivative only if it sees the starting value
        return lax.reduce_window(inputs, np.asarray(start, inputs.dtype)[()], step, window, steps, padding.upper())

    if not all(isinstance(places, int) for places in inputs.shape):
        return plain(inputs)
    pads = lax.padtype_to_pads(inputs.shape, window, steps, padding.upper())
    axes = enumerate(zip(window, steps, pads, strict=True))
    moves = tuple(Move(axis, n, by, (pad[0], pad[1])) for axis, (n, by, pad) in axes if n > 1 or by > 1)
    if not can_shift(inputs, moves) or (step is lax.add and not overlap(moves)):
        return plain(inputs)
    shifted = partial(largest if step is lax.max else total, moves=moves)
    return lax.platform_dependent(inputs, cpu=shifted, default=plain)


def _with_ones(sizes: tuple[int, ...], data_format: str) -> tuple[int, ...]:
    return (1, *sizes, 1) if data_format == "channels_last" else (1, 1, *sizes)


def _one_channel(shape: tuple[int, ...], data_format: str) -> tuple[int, ...]:
    return (1, *shape[1:-1], 1) if data_format == "channels_last" else (1, 1, *shape[2:])
