"""`keras.backend` of Keras 2: convolutions, pooling, padding and resizing of sequences, images and volumes."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella import config, ops
from lamella.errors import ShapeError
from lamella.graph import op


def conv1d(
    x: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """A convolution along the steps."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv2d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """A convolution over images."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


def conv3d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1, 1),
) -> Any:
    """A convolution over volumes."""
    return ops.conv(x, kernel, strides, padding, data_format, dilation_rate)


@op
def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """What the gradient of a convolution does: `output_shape` is the input's of that convolution.

    Args: kernel: (rows, columns, channels of the output, channels of x).
          output_shape: with None in place of the batch, it is that of x.
    Raises: ShapeError: the convolution of an `output_shape` has not the shape of x.
    """
    shape = (x.shape[0] if output_shape[0] is None else output_shape[0], *output_shape[1:])

    def forward(image: Any) -> Any:
        return ops.conv(image, kernel, strides, padding, data_format, dilation_rate)

    comes = jax.eval_shape(forward, jax.ShapeDtypeStruct(shape, x.dtype)).shape
    if comes != x.shape:
        raise ShapeError(
            f"conv2d_transpose() cannot make output_shape={tuple(output_shape)}: these strides and padding take it to "
            "another shape than that of x.",
            expected=comes,
            received=x.shape,
            fix="keras.layers.Conv2DTranspose works out its output's shape itself",
        )
    return jax.vjp(forward, jnp.zeros(shape, x.dtype))[1](x)[0]


def depthwise_conv2d(
    x: Any,
    depthwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """A convolution of each channel for itself."""
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, data_format, dilation_rate)


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """A convolution of each channel for itself, and then a mix of the channels."""
    return ops.separable_conv(x, depthwise_kernel, pointwise_kernel, strides, padding, data_format, dilation_rate)


def pool2d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Any:
    """The largest value, or the mean ("avg"), of each window of images."""
    pool = ops.max_pool if pool_mode == "max" else ops.average_pool
    return pool(x, pool_size, strides, padding, data_format)


def pool3d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1, 1),
    padding: str = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Any:
    """The largest value, or the mean ("avg"), of each window of volumes."""
    return pool2d(x, pool_size, strides, padding, data_format, pool_mode)


def temporal_padding(x: Any, padding: tuple[int, int] = (1, 1)) -> Any:
    """Zeros before and after the steps."""
    return ops.pad(x, ((0, 0), padding, (0, 0)))


def spatial_2d_padding(x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None) -> Any:
    """Zeros about images."""
    first = config.standardize_data_format(data_format) == "channels_first"
    return ops.pad(x, ((0, 0), (0, 0), *padding) if first else ((0, 0), *padding, (0, 0)))


def resize_images(
    x: Any, height_factor: int, width_factor: int, data_format: str, interpolation: str = "nearest"
) -> Any:
    """Images several times as large."""
    first = config.standardize_data_format(data_format) == "channels_first"
    rows, columns = (x.shape[2], x.shape[3]) if first else (x.shape[1], x.shape[2])
    size = (rows * height_factor, columns * width_factor)
    return ops.image.resize(x, size, interpolation=interpolation, data_format=data_format)


def spatial_3d_padding(x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None) -> Any:
    """Zeros about volumes."""
    return spatial_2d_padding(x, padding, data_format)


def resize_volumes(x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: str) -> Any:
    """Volumes several times as large, each value repeated."""
    first = config.standardize_data_format(data_format) == "channels_first"
    for axis, factor in enumerate((depth_factor, height_factor, width_factor), 2 if first else 1):
        x = ops.repeat(x, factor, axis=axis)
    return x
