"""Convolutions over any number of spatial axes, channels last or first.

Kernels are (window…, in, out), as Keras stores them; a transposed convolution's
is (window…, out, in), a depthwise one's (window…, in, multiplier).
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from lamella.errors import ArgumentError, ShapeError
from lamella.lower.programs import convolves_by_xla
from lamella.lower.sliding import Slide, convolve, spread

Window = int | Sequence[int]


def conv(
    inputs: jax.Array, kernel: jax.Array, strides: Window, padding: str, data_format: str, dilation: Window
) -> jax.Array:
    """Slides a kernel over the inputs; grouped when it has fewer input channels than they.

    Raises: ShapeError: the channels are no multiple of the kernel's, or no place for the window is left.
    """
    channels, needed = inputs.shape[_channel_axis(data_format)], kernel.shape[-2]
    if channels % needed:
        raise ShapeError(
            "A kernel does not fit the channels of its input.",
            expected=f"a multiple of {needed} channels",
            received=f"{channels} channels in {inputs.shape}",
            fix=f"check data_format={data_format!r}",
        )
    outputs = _slide(inputs.astype(kernel.dtype), kernel, strides, padding, data_format, dilation, channels // needed)
    if outputs.size == 0 and inputs.size:
        raise ShapeError(
            "A convolution leaves nothing: its window is larger than the input.",
            received=f"input {inputs.shape}, kernel {kernel.shape}, strides {strides}, dilation {dilation}",
            fix="use padding='same', or larger inputs",
        )
    return outputs


def depthwise_conv(
    inputs: jax.Array, kernel: jax.Array, strides: Window, padding: str, data_format: str, dilation: Window
) -> jax.Array:
    """Slides over each channel its own `multiplier` filters.

    Raises: ShapeError: the inputs and the kernel have different channels.
    """
    channels, needed = inputs.shape[_channel_axis(data_format)], kernel.shape[-2]
    _need_channels(inputs, channels, needed, data_format)
    grouped = kernel.reshape(*kernel.shape[:-2], 1, channels * kernel.shape[-1])
    return _slide(inputs, grouped, strides, padding, data_format, dilation, channels)


def conv_transpose(
    inputs: jax.Array,
    kernel: jax.Array,
    strides: Window,
    padding: str,
    output_padding: Window | None,
    data_format: str,
    dilation: Window,
) -> jax.Array:
    """The gradient of `conv` by its inputs: spreads each input over a window of outputs.

    Raises: ShapeError: the inputs and the kernel have different channels.
    """
    rank, axis = inputs.ndim - 2, _channel_axis(data_format)
    _need_channels(inputs, inputs.shape[axis], kernel.shape[-1], data_format)
    window, strides, dilation = kernel.shape[:-2], spatial(strides, rank), spatial(dilation, rank)
    extra = (None,) * rank if output_padding is None else spatial(output_padding, rank)
    size, pads = [], []
    for places, n, stride, rate, more in zip(
        _space(inputs, data_format), window, strides, dilation, extra, strict=True
    ):
        reach, covered = (n - 1) * rate, (places - 1) * stride + 1
        before, after = transposed_padding(reach + 1, stride, padding, more)
        size.append(covered + before + after - reach)
        pads.append((reach - before, reach - after))
    last = data_format == "channels_last"
    slide = Slide(tuple(size), window, strides, tuple(pads), dilation, 1, last, _precision(), convolves_by_xla())
    return spread(inputs, kernel, slide=slide)


def transposed_padding(span: int, stride: int, padding: str, extra: int | None) -> tuple[int, int]:
    """The zeros before and after that give a transposed convolution Keras's output size.

    Args:    span: the window's reach, dilation included.
             extra: Keras's `output_padding`; None makes the size stride * input
             ("same") or (input - 1) * stride + max(span, stride) ("valid").
    Example: >>> from lamella.lower import transposed_padding
             >>> transposed_padding(3, 2, "same", None)
             (2, 1)
    """
    if padding == "valid":
        return span - 1, span - 1 + (max(stride - span, 0) if extra is None else extra)
    total = stride + span - 2 if extra is None else span + span % 2 - 2 + extra
    left = min((total + 1) // 2, span - 1)
    return left, total - left


def spatial(window: Window, rank: int) -> tuple[int, ...]:
    """One number for each spatial axis.

    Raises:  ArgumentError: another count of numbers than there are axes.
    Example: >>> from lamella.lower import spatial
             >>> spatial(2, rank=3)
             (2, 2, 2)
    """
    sizes = (window,) * rank if isinstance(window, int) else tuple(window)
    if len(sizes) != rank:
        raise ArgumentError("A window needs one number, or one for each spatial axis.", expected=rank, received=sizes)
    return sizes


def _slide(
    inputs: jax.Array,
    kernel: jax.Array,
    strides: Window,
    padding: str,
    data_format: str,
    dilation: Window,
    groups: int,
) -> jax.Array:
    rank, space, window = inputs.ndim - 2, _space(inputs, data_format), kernel.shape[:-2]
    strides, dilation = spatial(strides, rank), spatial(dilation, rank)
    spans = [(n - 1) * rate + 1 for n, rate in zip(window, dilation, strict=True)]
    pads = tuple((before, after) for before, after in lax.padtype_to_pads(space, spans, strides, padding.upper()))
    last = data_format == "channels_last"
    slide = Slide(space, window, strides, pads, dilation, groups, last, _precision(), convolves_by_xla())
    return convolve(inputs, kernel, slide=slide)


def _space(inputs: jax.Array, data_format: str) -> tuple[int, ...]:
    return inputs.shape[1:-1] if data_format == "channels_last" else inputs.shape[2:]


def _precision() -> str | None:
    """What the caller has set with `jax.default_matmul_precision`."""
    return jax.config.jax_default_matmul_precision  # pyright: ignore[reportAttributeAccessIssue]


def _channel_axis(data_format: str) -> int:
    return -1 if data_format == "channels_last" else 1


def _need_channels(inputs: jax.Array, channels: int, needed: int, data_format: str) -> None:
    if channels != needed:
        raise ShapeError(
            "A kernel does not fit the channels of its input.",
            expected=f"{needed} channels",
            received=f"{channels} channels in {jnp.shape(inputs)}",
            fix=f"check data_format={data_format!r}",
        )
