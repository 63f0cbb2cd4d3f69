"""Losses of maximum-margin classification, for targets -1 and 1 (0 and 1 are understood)."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.losses.loss import NamedLoss
from lamella.losses.reduction import pair


def hinge(y_true: Any, y_pred: Any) -> jax.Array:
    """mean(max(1 - y_true · y_pred, 0)) over the last axis.

    Example: >>> keras.losses.hinge([[1.0, -1.0]], [[0.5, -2.0]]).tolist()
             [0.25]
    """
    return jnp.mean(_margin(y_true, y_pred), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> jax.Array:
    """mean(max(1 - y_true · y_pred, 0)²) over the last axis."""
    return jnp.mean(jnp.square(_margin(y_true, y_pred)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> jax.Array:
    """max(neg - pos + 1, 0): pos is the score of the right class, neg the best of the others.

    Args: y_true: one-hot, or 0 and 1.
    """
    y_true, y_pred = pair(y_true, y_pred)
    right = jnp.sum(y_true * y_pred, axis=-1)
    wrong = jnp.max((1 - y_true) * y_pred, axis=-1)
    return jnp.maximum(wrong - right + 1, 0)


def _margin(y_true: Any, y_pred: Any) -> jax.Array:
    y_true, y_pred = pair(y_true, y_pred)
    is_binary = jnp.all((y_true == 0) | (y_true == 1))
    return jnp.maximum(1 - jnp.where(is_binary, 2 * y_true - 1, y_true) * y_pred, 0)


class Hinge(NamedLoss):
    """mean(max(1 - y_true · y_pred, 0))."""

    def __init__(self, reduction: Any = "sum_over_batch_size", name: str | None = "hinge", dtype: Any = None):
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(NamedLoss):
    """mean(max(1 - y_true · y_pred, 0)²)."""

    def __init__(self, reduction: Any = "sum_over_batch_size", name: str | None = "squared_hinge", dtype: Any = None):
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(NamedLoss):
    """max(neg - pos + 1, 0)."""

    def __init__(
        self, reduction: Any = "sum_over_batch_size", name: str | None = "categorical_hinge", dtype: Any = None
    ):
        super().__init__(categorical_hinge, reduction, name, dtype)
