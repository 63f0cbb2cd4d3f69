"""Images of another size: resized, cropped, padded, cut into patches."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from lamella import lower
from lamella.config import standardize_data_format
from lamella.dtypes import is_int
from lamella.errors import ArgumentError
from lamella.graph import op
from lamella.ops.core import saturate_cast
from lamella.ops.image.layout import by_axis, images_of, one_of, space
from lamella.ops.tensors import tensor

_RESIZE = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")
_METHODS = ("linear", "bilinear", "trilinear", "cubic", "bicubic", "tricubic", "lanczos3", "lanczos5")


@op
def resize(
    images: Any,
    size: Any,
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Any:
    """The images with another height and width.

    Args:    size: (height, width) in pixels.
             interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
             antialias: smooths what is made smaller.
             crop_to_aspect_ratio, pad_to_aspect_ratio: keep the proportions of what is shown.
    Raises:  ArgumentError: an unknown mode, no two positive sizes, both crop and pad.
    Example: >>> ops.image.resize(Input((8, 8, 3)), (4, 6)).shape
             (None, 4, 6, 3)
    """
    images, (height, width) = images_of(images), _target(size)
    one_of("interpolation", interpolation, _RESIZE)
    one_of("fill_mode", fill_mode, ("constant",))
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ArgumentError("Only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be True.")
    if crop_to_aspect_ratio:
        images = _cropped(images, (height, width), data_format)
    elif pad_to_aspect_ratio:
        images = _padded(images, (height, width), fill_value, data_format)
    sizes = by_axis(images, data_format, height, width, None)
    shape = [old if new is None else new for old, new in zip(images.shape, sizes, strict=True)]
    out = jax.image.resize(images, shape, interpolation, antialias=antialias)
    return saturate_cast(jnp.round(out) if is_int(images.dtype) else out, images.dtype)


def _target(size: Any) -> tuple[int, int]:
    size = tuple(size)
    if len(size) != 2 or size[0] <= 0 or size[1] <= 0:
        raise ArgumentError("The size of an image is (height, width), both positive.", received=size)
    return size


def _cropped(images: jax.Array, size: tuple[int, int], data_format: str | None) -> jax.Array:
    """The largest middle part that has the proportions of `size`."""
    height, width = space(images, data_format)
    rows = max(min(height, int(width * size[0] / size[1])), 1)
    columns = max(min(width, int(height * size[1] / size[0])), 1)
    top, left = (height - rows) // 2, (width - columns) // 2
    return images[tuple(by_axis(images, data_format, slice(top, top + rows), slice(left, left + columns), slice(None)))]


def _padded(images: jax.Array, size: tuple[int, int], fill_value: float, data_format: str | None) -> jax.Array:
    """The images with borders, so that they have the proportions of `size`."""
    height, width = space(images, data_format)
    top = (max(height, int(width * size[0] / size[1])) - height) // 2
    left = (max(width, int(height * size[1] / size[0])) - width) // 2
    borders = by_axis(images, data_format, (top, top), (0, 0) if top else (left, left), (0, 0))
    return jnp.pad(images, borders, constant_values=fill_value)


@op
def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Cuts off the borders; of each axis, two of (before, after, target) are given.

    Raises: ArgumentError: not exactly two are given, or one is (or becomes) negative.
    """
    images = images_of(images)
    height, width = space(images, data_format)
    top, bottom = _borders("height", height, top_cropping, bottom_cropping, target_height, sign=-1)
    left, right = _borders("width", width, left_cropping, right_cropping, target_width, sign=-1)
    kept = by_axis(images, data_format, slice(top, height - bottom), slice(left, width - right), slice(None))
    return images[tuple(kept)]


@op
def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Any:
    """Puts zeros around; of each axis, two of (before, after, target) are given.

    Raises: ArgumentError: not exactly two are given, or one is (or becomes) negative.
    """
    images = images_of(images)
    height, width = space(images, data_format)
    rows = _borders("height", height, top_padding, bottom_padding, target_height, sign=1)
    columns = _borders("width", width, left_padding, right_padding, target_width, sign=1)
    return jnp.pad(images, by_axis(images, data_format, rows, columns, (0, 0)))


def _borders(
    what: str, size: int, before: int | None, after: int | None, target: int | None, sign: int
) -> tuple[int, int]:
    """How much is added (sign 1) or cut off (sign -1) on both sides."""
    given = (before, after, target)
    if given.count(None) != 1:
        raise ArgumentError(
            f"Of before, after and target {what}, exactly two are given.",
            received=f"before={before}, after={after}, target={target}",
        )
    difference = sign * ((target or 0) - size)
    before = difference - (after or 0) if before is None else before
    after = difference - before if after is None else after
    if min(before, after, target or 0, size + sign * (before + after)) < 0:
        raise ArgumentError(f"No border, and no {what}, can be negative.", received=f"before={before}, after={after}")
    return before, after


@op
def extract_patches(
    images: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """The patches under a window that moves by `strides` (None: by its own size), as channels.

    Args:    size: a number or (height, width); (depth, height, width) for volumes.
    Shape:   (batch, height, width, channels) → (batch, rows, columns, patch height * patch width * channels)
    Raises:  ArgumentError: the size has neither two nor three numbers.
    Example: >>> ops.image.extract_patches(Input((6, 6, 3)), 2).shape
             (None, 3, 3, 12)
    """
    window = (size, size) if isinstance(size, int) else tuple(size)
    if len(window) not in (2, 3):
        raise ArgumentError("A patch has two sizes, or three.", received=repr(size))
    return _patches(tensor(images), window, strides, dilation_rate, padding, standardize_data_format(data_format))


def extract_patches_3d(
    volumes: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Any:
    """`extract_patches` of volumes (batch, depth, height, width, channels)."""
    window = (size,) * 3 if isinstance(size, int) else tuple(size)
    if len(window) != 3:
        raise ArgumentError("A patch of a volume has three sizes.", received=repr(size))
    return extract_patches(volumes, window, strides, dilation_rate, padding, data_format)


def _patches(
    x: jax.Array, window: tuple[int, ...], strides: Any, dilation: Any, padding: str, layout: str
) -> jax.Array:
    """A convolution whose filters each pick one place of the window."""
    single = x.ndim == len(window) + 1
    x = x[None] if single else x
    channels = x.shape[-1 if layout == "channels_last" else 1]
    picks = jnp.eye(math.prod(window) * channels, dtype=x.dtype)
    out = lower.conv(x, picks.reshape(*window, channels, -1), strides or window, padding.lower(), layout, dilation)
    return out[0] if single else out


@op
def scale_and_translate(
    images: Any, output_shape: Any, scale: Any, translation: Any, spatial_dims: Any, method: str, antialias: bool = True
) -> Any:
    """Resamples axes: what was at x is at scale * x + translation then.

    Args:   spatial_dims: the axes, one scale and translation for each.
    Raises: ArgumentError: an unknown method.
    """
    one_of("method", method, _METHODS)
    shape, dims = tuple(output_shape), tuple(spatial_dims)
    images, scale, translation = tensor(images), tensor(scale), tensor(translation)
    return jax.image.scale_and_translate(images, shape, dims, scale, translation, method, antialias)
