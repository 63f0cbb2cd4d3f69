"""Convolutions and pooling over one, two or three (or more) spatial axes.

Inputs are (batch, space…, channels), or (batch, channels, space…) for the data
format "channels_first".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from lamella import lower
from lamella.config import standardize_data_format
from lamella.errors import ArgumentError, ShapeError
from lamella.graph import op
from lamella.ops.tensors import tensor

Window = int | Sequence[int]


@op
def conv(
    inputs: Any,
    kernel: Any,
    strides: Window = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = 1,
) -> Any:
    """Slides a kernel over the inputs and sums the products.

    Args:    kernel: (window…, in, out); grouped where `in` divides the inputs' channels.
             padding: "valid" (the window stays inside) or "same" (as many outputs as inputs / strides).
    Example: >>> ops.conv(Input((5, 1)), np.ones((3, 1, 2)), padding="same").shape
             (None, 5, 2)
    """
    data_format = standardize_data_format(data_format)
    return lower.conv(tensor(inputs), tensor(kernel), strides, _padding(padding), data_format, dilation_rate)


@op
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Window = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = 1,
) -> Any:
    """Slides a kernel (window…, in, multiplier) over each channel by itself."""
    data_format = standardize_data_format(data_format)
    return lower.depthwise_conv(tensor(inputs), tensor(kernel), strides, _padding(padding), data_format, dilation_rate)


@op
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Window = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Window = 1,
) -> Any:
    """A depthwise convolution, then one of window 1 that mixes the channels."""
    data_format = standardize_data_format(data_format)
    inputs, kernel, mixing = tensor(inputs), tensor(depthwise_kernel), tensor(pointwise_kernel)
    x = lower.depthwise_conv(inputs, kernel, strides, _padding(padding), data_format, dilation_rate)
    return lower.conv(x, mixing, 1, "valid", data_format, 1)


@op
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Window = 1,
    padding: str = "valid",
    output_padding: Window | None = None,
    data_format: str | None = None,
    dilation_rate: Window = 1,
) -> Any:
    """Spreads each input over a window of outputs: a convolution the other way round.

    Args: kernel: (window…, out, in).
          output_padding: how many outputs more at the end; None chooses by padding and strides.
    """
    data_format = standardize_data_format(data_format)
    inputs, kernel = tensor(inputs), tensor(kernel)
    return lower.conv_transpose(inputs, kernel, strides, _padding(padding), output_padding, data_format, dilation_rate)


@op
def max_pool(
    inputs: Any,
    pool_size: Window,
    strides: Window | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """The largest value under a window that moves by `strides` (None: by its own size).

    Example: >>> ops.max_pool(np.arange(4.0).reshape(1, 4, 1), 2).ravel().tolist()
             [1.0, 3.0]
    """
    data_format = standardize_data_format(data_format)
    return lower.max_pool(tensor(inputs), pool_size, strides, _padding(padding), data_format)


@op
def average_pool(
    inputs: Any,
    pool_size: Window,
    strides: Window | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """The mean under a window that moves by `strides` (None: by its own size)."""
    data_format = standardize_data_format(data_format)
    return lower.average_pool(tensor(inputs), pool_size, strides, _padding(padding), data_format)


@op
def adaptive_max_pool(inputs: Any, output_size: Window, data_format: str | None = None) -> Any:
    """The largest value of each of `output_size` nearly equal windows an axis."""
    return lower.adaptive_pool(_spatial(inputs), output_size, standardize_data_format(data_format), jnp.max)


@op
def adaptive_average_pool(inputs: Any, output_size: Window, data_format: str | None = None) -> Any:
    """The mean of each of `output_size` nearly equal windows an axis."""
    return lower.adaptive_pool(_spatial(inputs), output_size, standardize_data_format(data_format), jnp.mean)


def _spatial(inputs: Any) -> Any:
    inputs = tensor(inputs)
    if inputs.ndim not in (3, 4, 5):
        raise ShapeError("Pooling needs one to three spatial axes.", expected="rank 3 to 5", received=inputs.shape)
    return inputs


def _padding(padding: str) -> str:
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in ("valid", "same"):
        raise ArgumentError("Unknown padding.", expected="'valid' or 'same'", received=repr(padding))
    return name
