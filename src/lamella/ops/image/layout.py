"""What all image ops check and arrange: rank 3 or 4, channels last or first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from lamella.config import standardize_data_format
from lamella.errors import ArgumentError, ShapeError
from lamella.ops.tensors import tensor

INTERPOLATIONS = {"nearest": 0, "bilinear": 1}
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def images_of(images: Any, ranks: tuple[int, ...] = (3, 4)) -> jax.Array:
    """The images as an array.

    Raises: ShapeError: neither one image nor a batch of images.
    """
    images = tensor(images)
    if images.ndim not in ranks:
        raise ShapeError("An image, or a batch of images, is needed.", expected="rank 3 or 4", received=images.shape)
    return images


def channel_axis(data_format: str | None) -> int:
    return -1 if standardize_data_format(data_format) == "channels_last" else -3


def space(images: jax.Array, data_format: str | None) -> tuple[int, int]:
    """Height and width."""
    sizes = images.shape[-3:-1] if channel_axis(data_format) == -1 else images.shape[-2:]
    return sizes[0], sizes[1]


def by_axis(images: jax.Array, data_format: str | None, along_height: Any, along_width: Any, other: Any) -> list[Any]:
    """One thing for each axis of the images."""
    rest = [along_height, along_width, other] if channel_axis(data_format) == -1 else [other, along_height, along_width]
    return [other] * (images.ndim - 3) + rest


def on_batch_last(function: Callable[[jax.Array], jax.Array], images: jax.Array, data_format: str | None) -> jax.Array:
    """Applies a function of (batch, height, width, channels) to images of any layout."""
    batch = images[None] if images.ndim == 3 else images
    if channel_axis(data_format) == -3:
        out = jnp.moveaxis(function(jnp.moveaxis(batch, 1, 3)), 3, 1)
    else:
        out = function(batch)
    return out[0] if images.ndim == 3 else out


def one_of(what: str, value: Any, allowed: Any) -> Any:
    """The value.

    Raises: ArgumentError: it is not allowed.
    """
    if value not in allowed:
        raise ArgumentError(
            f"Unknown {what}.", expected=f"one of {', '.join(map(repr, allowed))}", received=repr(value)
        )
    return value
