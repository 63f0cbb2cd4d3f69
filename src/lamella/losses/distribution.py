"""Losses between distributions: Kullback–Leibler and Poisson."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.config import epsilon
from lamella.losses.loss import NamedLoss
from lamella.losses.reduction import pair


def kl_divergence(y_true: Any, y_pred: Any) -> jax.Array:
    """Σ y_true · log(y_true / y_pred) over the last axis.

    Source: Kullback & Leibler 1951.
    """
    y_true, y_pred = (jnp.clip(y, epsilon(), 1) for y in pair(y_true, y_pred))
    return jnp.sum(y_true * jnp.log(y_true / y_pred), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> jax.Array:
    """mean(y_pred - y_true · log(y_pred)) over the last axis: y_pred is the rate of the counts y_true."""
    y_true, y_pred = pair(y_true, y_pred)
    return jnp.mean(y_pred - y_true * jnp.log(y_pred + jnp.asarray(epsilon(), y_pred.dtype)), axis=-1)


class KLDivergence(NamedLoss):
    """Σ y_true · log(y_true / y_pred)."""

    def __init__(self, reduction: Any = "sum_over_batch_size", name: str | None = "kl_divergence", dtype: Any = None):
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(NamedLoss):
    """mean(y_pred - y_true · log(y_pred))."""

    def __init__(self, reduction: Any = "sum_over_batch_size", name: str | None = "poisson", dtype: Any = None):
        super().__init__(poisson, reduction, name, dtype)
