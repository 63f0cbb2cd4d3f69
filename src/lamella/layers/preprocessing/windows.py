"""Parts of images that are shown in another size: where they lie, and what becomes of boxes in them."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from lamella import boxes


class Window(NamedTuple):
    """A part of an image, in pixels."""

    top: Any
    left: Any
    height: Any
    width: Any


def middle(size: tuple[int, int], target: tuple[int, int]) -> Window:
    """The largest part about the middle, in the proportions of another size.

    Example: >>> tuple(middle((8, 6), (4, 4)))
             (1, 0, 6, 6)
    """
    (height, width), (tall, wide) = size, target
    inner_height, inner_width = min(height, max(width * tall // wide, 1)), min(width, max(height * wide // tall, 1))
    return Window((height - inner_height) // 2, (width - inner_width) // 2, inner_height, inner_width)


def corners_in(corners: Any, window: Window, target: tuple[Any, Any]) -> Any:
    """Boxes as they are in a window shown as large as `target`; cut at its border."""
    return boxes.crop(corners, *window) * sides(target[1] / window.width, target[0] / window.height)


def sides(x: Any, y: Any) -> Any:
    """(x, y, x, y) along the last axis, for the corners of boxes; each a number, or (..., 1).

    Example: >>> sides(2, 3).tolist()
             [2, 3, 2, 3]
    """
    return jnp.concatenate(jnp.atleast_1d(x, y, x, y), axis=-1)
