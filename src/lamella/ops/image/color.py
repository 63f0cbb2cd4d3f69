"""Colours: grey, and hue, saturation and value."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from lamella.dtypes import is_float
from lamella.errors import DtypeError, ShapeError
from lamella.graph import op
from lamella.ops.image.layout import channel_axis, images_of
from lamella.ops.tensors import floating


@op(name="RGBToGrayscale")
def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Any:
    """The brightness: 0.2989 red + 0.587 green + 0.114 blue, as one channel.

    Raises: ShapeError: neither one nor three channels.
    """
    images, axis = images_of(images), channel_axis(data_format)
    if images.shape[axis] == 1:
        return images
    if images.shape[axis] != 3:
        raise ShapeError("An image has other channels.", expected="3 (or 1)", received=images.shape)
    rgb = floating(images)
    grey = jnp.tensordot(rgb, jnp.asarray([0.2989, 0.587, 0.114], rgb.dtype), (axis, 0))
    return jnp.expand_dims(grey, axis).astype(images.dtype)


@op(name="RGBToHSV")
def rgb_to_hsv(images: Any, data_format: str | None = None) -> Any:
    """Red, green and blue in [0, 1] as hue, saturation and value in [0, 1].

    Raises: DtypeError: the images are no floats.
    """
    images, axis = _float_images(images), channel_axis(data_format)
    images = jnp.where(jnp.abs(images) < jnp.finfo(images.dtype).eps, 0.0, images)
    red, green, blue = jnp.moveaxis(images, axis, 0)
    value = jnp.maximum(jnp.maximum(red, green), blue)
    spread = value - jnp.minimum(jnp.minimum(red, green), blue)
    saturation = jnp.where(value > 0, spread / jnp.where(value > 0, value, 1.0), 0.0)
    sixth = 1.0 / (6.0 * jnp.where(spread > 0, spread, 1.0))
    hue = jnp.where(value == green, sixth * (blue - red) + 2 / 6, sixth * (red - green) + 4 / 6)
    hue = jnp.where(value == red, sixth * (green - blue), hue)
    hue = jnp.where(spread > 0, hue, 0.0) + (hue < 0.0).astype(hue.dtype)
    return jnp.stack([hue, saturation, value], axis=axis)


@op(name="HSVToRGB")
def hsv_to_rgb(images: Any, data_format: str | None = None) -> Any:
    """Hue, saturation and value in [0, 1] as red, green and blue in [0, 1].

    Raises: DtypeError: the images are no floats.
    """
    images, axis = _float_images(images), channel_axis(data_format)
    hue, saturation, value = jnp.moveaxis(images, axis, 0)
    sixths = jnp.mod(hue, 1.0) * 6.0
    full = (jnp.abs(sixths - 3.0) - 1.0, 2.0 - jnp.abs(sixths - 2.0), 2.0 - jnp.abs(sixths - 4.0))
    planes = [value * ((1.0 - saturation) + saturation * jnp.clip(colour, 0.0, 1.0)) for colour in full]
    return jnp.stack(planes, axis=axis)


def _float_images(images: Any) -> Any:
    images = images_of(images)
    if not is_float(images.dtype):
        raise DtypeError("Colours in [0, 1] are floats.", received=images.dtype.name, fix="divide by 255.0")
    return images
