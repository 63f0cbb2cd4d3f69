"""The means of losses, as metrics."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella import losses
from lamella.losses import pair
from lamella.metrics.mean import Mean, NamedMean


class MeanSquaredError(NamedMean):
    """mean((y_true - y_pred)²)."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None):
        super().__init__(losses.mean_squared_error, name, dtype)


class MeanAbsoluteError(NamedMean):
    """mean(|y_true - y_pred|)."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None):
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(NamedMean):
    """100 · mean(|y_true - y_pred| / |y_true|)."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None):
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(NamedMean):
    """mean((log(y_true + 1) - log(y_pred + 1))²)."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None):
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class RootMeanSquaredError(Mean):
    """√ mean((y_true - y_pred)²), over everything seen.

    Example: >>> float(keras.metrics.RootMeanSquaredError()([[0.0], [0.0]], [[3.0], [3.0]]))
             3.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        y_true, y_pred = pair(y_true, jnp.asarray(y_pred, self.dtype))
        super().update_state(jnp.square(y_pred - y_true), sample_weight)

    def result(self) -> jax.Array:
        return jnp.sqrt(super().result())


class LogCoshError(NamedMean):
    """mean(log(cosh(y_pred - y_true)))."""

    _direction = "down"

    def __init__(self, name: str | None = "logcosh", dtype: Any = None):
        super().__init__(losses.log_cosh, name, dtype)


def cosine_similarity(y_true: Any, y_pred: Any, axis: Any = -1) -> jax.Array:
    """The cosine of the angle between both: 1 for the same direction (as a loss it is negated)."""
    return -losses.cosine_similarity(y_true, y_pred, axis)


class CosineSimilarity(NamedMean):
    """The cosine of the angle between targets and predictions."""

    _direction = "up"

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: Any = -1):
        super().__init__(cosine_similarity, name, dtype, axis=axis)


class Hinge(NamedMean):
    """mean(max(1 - y_true · y_pred, 0))."""

    _direction = "down"

    def __init__(self, name: str | None = "hinge", dtype: Any = None):
        super().__init__(losses.hinge, name, dtype)


class SquaredHinge(NamedMean):
    """mean(max(1 - y_true · y_pred, 0)²)."""

    _direction = "down"

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None):
        super().__init__(losses.squared_hinge, name, dtype)


class CategoricalHinge(NamedMean):
    """max(neg - pos + 1, 0)."""

    _direction = "down"

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None):
        super().__init__(losses.categorical_hinge, name, dtype)


class KLDivergence(NamedMean):
    """Σ y_true · log(y_true / y_pred)."""

    _direction = "down"

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None):
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(NamedMean):
    """mean(y_pred - y_true · log(y_pred))."""

    _direction = "down"

    def __init__(self, name: str | None = "poisson", dtype: Any = None):
        super().__init__(losses.poisson, name, dtype)


class BinaryCrossentropy(NamedMean):
    """mean(-y_true · log(p) - (1 - y_true) · log(1 - p))."""

    _direction = "down"

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **options)


class CategoricalCrossentropy(NamedMean):
    """-Σ y_true · log(p), for one-hot targets."""

    _direction = "down"

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **options)


class SparseCategoricalCrossentropy(NamedMean):
    """-log(p) of the right class, for class numbers as targets."""

    _direction = "down"

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **options)
