"""Affine transformations of images, as the eight numbers that `ops.image.affine_transform` takes.

(a0, a1, a2, b0, b1, b2, 0, 0): the pixel at (x, y) is taken from
(a0 x + a1 y + a2, b0 x + b1 y + b2)
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

FILL_MODES = ("reflect", "wrap", "constant", "nearest")
INTERPOLATIONS = ("nearest", "bilinear")


def rotation(degrees: Any, height: int, width: int) -> Any:
    """Turns images about their centers; `degrees` (batch,) → (batch, 8)."""
    angle = degrees * jnp.pi / 180
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    x, y = (width - 1) / 2, (height - 1) / 2
    return _stacked(cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos)


def zoom(factor_y: Any, factor_x: Any, height: int, width: int) -> Any:
    """Shows `factor` times as much of images, about their centers; (batch,) → (batch, 8)."""
    x, y = (width - 1) / 2 * (1 - factor_x), (height - 1) / 2 * (1 - factor_y)
    return _stacked(factor_x, 0, x, 0, factor_y, y)


def translation(down: Any, right: Any) -> Any:
    """Moves images by so many pixels; (batch,) → (batch, 8)."""
    return _stacked(jnp.ones_like(right), 0, -right, 0, 1, -down)


def shear(right: Any, down: Any) -> Any:
    """Slants images by parts of their height, to the right, and of their width, down; (batch,) → (batch, 8)."""
    return _stacked(jnp.ones_like(right), right, 0, down, 1, 0)


def _stacked(*row: Any) -> Any:
    return jnp.stack(
        [jnp.broadcast_to(jnp.asarray(number, "float32"), row[0].shape) for number in (*row, 0, 0)], axis=-1
    )
