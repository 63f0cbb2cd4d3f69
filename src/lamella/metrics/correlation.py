"""How much predictions move with targets."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.config import epsilon
from lamella.losses import pair
from lamella.metrics.mean import NamedMean


def pearson_correlation(y_true: Any, y_pred: Any, axis: Any = -1) -> jax.Array:
    """Pearson's coefficient, from -1 to 1.

    Example: >>> keras.metrics.pearson_correlation([[0.0, 1.0]], [[1.0, 3.0]]).round(4).tolist()
             [1.0]
    """
    standard = []
    for y in pair(y_true, y_pred):
        centred = y - jnp.mean(y, axis=axis, keepdims=True)
        standard.append(centred / jnp.std(centred, axis=axis, keepdims=True))
    return jnp.mean(standard[0] * standard[1], axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: Any = -1) -> jax.Array:
    """Lin's coefficient: as Pearson's, and it counts against a shift or another scale.

    Source: Lin 1989; the covariance is taken around the mean of `y_pred` alone, as Keras does.
    """
    y_true, y_pred = pair(y_true, y_pred)
    means = [jnp.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred)]
    covariance = (y_true - means[1]) * (y_pred - means[1])
    spread = sum(jnp.var(y, axis=axis, keepdims=True) for y in (y_true, y_pred))
    return jnp.mean(2 * covariance / (spread + jnp.square(means[0] - means[1]) + epsilon()), axis=axis)


class PearsonCorrelation(NamedMean):
    """The mean of Pearson's coefficient."""

    _direction = "up"

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: Any = -1):
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(NamedMean):
    """The mean of Lin's coefficient."""

    _direction = "up"

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: Any = -1):
        super().__init__(concordance_correlation, name, dtype, axis=axis)
