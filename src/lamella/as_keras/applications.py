"""Helpers of `keras.src.applications.imagenet_utils`, which libraries of image models take for their own."""

from __future__ import annotations

import warnings
from typing import Any

from lamella import config
from lamella.errors import ArgumentError


def obtain_input_shape(
    input_shape: Any,
    default_size: int,
    min_size: int,
    data_format: str,
    require_flatten: bool,
    weights: str | None = None,
) -> tuple[int | None, ...]:
    """The shape of the images that a model takes, checked.

    Args:   input_shape: what the user gave, or None.
            default_size, min_size: rows and columns where the user gave none, and the fewest.
            require_flatten: whether the model has its top, which needs known sizes.
            weights: with "imagenet", images have three channels, and the default size under a top.
    Raises: ArgumentError: a shape that does not fit.
    """
    first = config.standardize_data_format(data_format) == "channels_first"
    given = None if input_shape is None else tuple(input_shape)
    if given and len(given) != 3:
        raise ArgumentError("`input_shape` must be a tuple of three integers.", received=given)
    channels = (given[0] if first else given[-1]) if given else 3
    if weights == "imagenet" and given and channels != 3:
        raise ArgumentError("The input must have 3 channels for the weights of ImageNet.", received=given)
    if channels not in (1, 3):
        warnings.warn(f"This model usually expects 1 or 3 input channels, not {channels}.", stacklevel=2)
    sizes = (given[1:] if first else given[:-1]) if given else (default_size,) * 2
    default = (channels, default_size, default_size) if first else (default_size, default_size, channels)
    if weights == "imagenet" and require_flatten:
        if given and given != default:
            raise ArgumentError(
                "With include_top=True, the weights of ImageNet take one `input_shape`.",
                expected=default,
                received=given,
            )
        return default
    if any(size is not None and size < min_size for size in sizes):
        raise ArgumentError(f"Input size must be at least {min_size}x{min_size}.", received=given)
    if given is None or not given:
        return default if require_flatten else ((3, None, None) if first else (None, None, 3))
    if require_flatten and None in given:
        raise ArgumentError("With include_top=True, `input_shape` must be known.", received=given)
    return given


def correct_pad(inputs: Any, kernel_size: int | tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """The zeros about images with which a "valid" convolution with strides of 2 gives what "same" gives elsewhere."""
    start = 2 if config.image_data_format() == "channels_first" else 1
    kernel = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    sizes = inputs.shape[start : start + 2]
    less = (1, 1) if sizes[0] is None else tuple(1 - size % 2 for size in sizes)
    return tuple((half - one, half) for half, one in zip((kernel[0] // 2, kernel[1] // 2), less, strict=True))  # type: ignore[return-value]
