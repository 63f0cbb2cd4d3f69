"""Losses for segmentation: how little two areas overlap."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.config import epsilon
from lamella.losses.loss import NamedLoss
from lamella.losses.reduction import axes, pair


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> jax.Array:
    """1 - 2 · |both| / (|y_true| + |y_pred|).

    Args:    axis: the axes to sum over; all if None.
    Example: >>> round(float(keras.losses.dice([[1.0, 0.0]], [[1.0, 0.0]])), 4)
             0.0
    """
    y_true, y_pred = pair(y_true, y_pred)
    both, true, predicted = (jnp.sum(area, axis=axes(axis)) for area in (y_true * y_pred, y_true, y_pred))
    return 1 - 2 * both / (true + predicted + epsilon())


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> jax.Array:
    """1 - both / (both + alpha · missed + beta · added), as Keras has it: alpha is the price of missing.

    Source: Salehi et al. 2017.
    """
    y_true, y_pred = pair(y_true, y_pred)
    areas = (y_true * y_pred, y_true * (1 - y_pred), (1 - y_true) * y_pred)
    both, missed, added = (jnp.sum(area, axis=axes(axis)) for area in areas)
    return 1 - both / (both + alpha * missed + beta * added + epsilon())


class Dice(NamedLoss):
    """1 - 2 · |both| / (|y_true| + |y_pred|)."""

    _samples_apart_ = False

    def __init__(
        self, reduction: Any = "sum_over_batch_size", name: str | None = "dice", axis: Any = None, dtype: Any = None
    ):
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(NamedLoss):
    """1 - both / (both + alpha · missed + beta · added)."""

    _samples_apart_ = False

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Any = None,
        dtype: Any = None,
    ):
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
