"""Losses between numbers: squared and absolute errors and their kin, and cosine similarity."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from lamella.config import epsilon
from lamella.losses.loss import NamedLoss
from lamella.losses.reduction import axes, normalized, pair


def mean_squared_error(y_true: Any, y_pred: Any) -> jax.Array:
    """mean((y_true - y_pred)²) over the last axis.

    Example: >>> keras.losses.mean_squared_error([[1.0, 2.0]], [[1.0, 4.0]]).tolist()
             [2.0]
    """
    y_true, y_pred = pair(y_true, y_pred)
    return jnp.mean(jnp.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> jax.Array:
    """mean(|y_true - y_pred|) over the last axis."""
    y_true, y_pred = pair(y_true, y_pred)
    return jnp.mean(jnp.abs(y_true - y_pred), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> jax.Array:
    """100 · mean(|y_true - y_pred| / |y_true|) over the last axis."""
    y_true, y_pred = pair(y_true, y_pred)
    small = jnp.asarray(epsilon(), y_pred.dtype)
    return 100.0 * jnp.mean(jnp.abs((y_true - y_pred) / jnp.maximum(jnp.abs(y_true), small)), axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> jax.Array:
    """mean((log(y_true + 1) - log(y_pred + 1))²) over the last axis; negative numbers count as 0."""
    y_true, y_pred = pair(y_true, y_pred)
    small = jnp.asarray(epsilon(), y_pred.dtype)
    logs = (jnp.log(jnp.maximum(y, small) + 1) for y in (y_true, y_pred))
    return jnp.mean(jnp.square(next(logs) - next(logs)), axis=-1)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> jax.Array:
    """Half the squared error up to `delta`, linear beyond; mean over the last axis.

    Source: Huber 1964.
    """
    y_true, y_pred = pair(y_true, y_pred)
    delta = jnp.asarray(delta, y_pred.dtype)  # type: ignore[assignment]
    size = jnp.abs(y_pred - y_true)
    return jnp.mean(jnp.where(size <= delta, 0.5 * jnp.square(size), delta * size - 0.5 * delta**2), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> jax.Array:
    """mean(log(cosh(y_pred - y_true))) over the last axis: squared when small, absolute when large."""
    y_true, y_pred = pair(y_true, y_pred)
    error = y_pred - y_true
    return jnp.mean(error + jax.nn.softplus(-2.0 * error) - jnp.asarray(math.log(2), error.dtype), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: Any = -1) -> jax.Array:
    """The cosine of the angle between both, negated: -1 for the same direction."""
    y_true, y_pred = pair(y_true, y_pred)
    along = axes(axis)
    return -jnp.sum(normalized(y_true, along, epsilon()) * normalized(y_pred, along, epsilon()), axis=along)


class MeanSquaredError(NamedLoss):
    """mean((y_true - y_pred)²).

    Example: >>> float(MeanSquaredError()([[0.0], [1.0]], [[1.0], [1.0]]))
             0.5
    """

    def __init__(
        self, reduction: Any = "sum_over_batch_size", name: str | None = "mean_squared_error", dtype: Any = None
    ):
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(NamedLoss):
    """mean(|y_true - y_pred|)."""

    def __init__(
        self, reduction: Any = "sum_over_batch_size", name: str | None = "mean_absolute_error", dtype: Any = None
    ):
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(NamedLoss):
    """100 · mean(|y_true - y_pred| / |y_true|)."""

    def __init__(
        self,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: Any = None,
    ):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(NamedLoss):
    """mean((log(y_true + 1) - log(y_pred + 1))²)."""

    def __init__(
        self,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ):
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class Huber(NamedLoss):
    """Half the squared error up to `delta`, linear beyond."""

    def __init__(
        self,
        delta: float = 1.0,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ):
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(NamedLoss):
    """mean(log(cosh(y_pred - y_true)))."""

    def __init__(self, reduction: Any = "sum_over_batch_size", name: str | None = "log_cosh", dtype: Any = None):
        super().__init__(log_cosh, reduction, name, dtype)


class CosineSimilarity(NamedLoss):
    """The negated cosine of the angle between targets and predictions."""

    def __init__(
        self,
        axis: Any = -1,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
