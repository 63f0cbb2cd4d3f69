"""R²: the share of the targets' variance that predictions explain."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.errors import ArgumentError, ShapeError
from lamella.losses import pair
from lamella.metrics.metric import Metric

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """1 - Σ(y_true - y_pred)² / Σ(y_true - mean)².

    Args:    class_aggregation: how outputs are averaged: "uniform_average", "variance_weighted_average", or None.
             num_regressors: for the adjusted score, the number of inputs the model has.
    Shape:   targets and predictions (batch, outputs)
    Example: >>> round(float(keras.metrics.R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
             0.5714
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ):
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in _AGGREGATIONS:
            raise ArgumentError(
                "Invalid value for argument `class_aggregation`.",
                expected=_AGGREGATIONS,
                received=repr(class_aggregation),
            )
        if num_regressors < 0:
            raise ArgumentError("Invalid value for argument `num_regressors`.", expected="≥ 0", received=num_regressors)
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._built = False

    def _build(self, shape: tuple[int, ...]) -> None:
        if len(shape) != 2:
            raise ShapeError("R2Score expects 2D inputs.", expected="(batch, outputs)", received=shape)
        self.squared_sum = self.add_variable(shape[1:], "zeros", name="squared_sum")
        self.sum = self.add_variable(shape[1:], "zeros", name="sum")
        self.total_mse = self.add_variable(shape[1:], "zeros", name="residual")
        self.count = self.add_variable(shape[1:], "zeros", name="count")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = pair(y_true, jnp.asarray(y_pred, self.dtype))
        if not self._built:
            self._build(y_true.shape)
        weights = jnp.asarray(1 if sample_weight is None else sample_weight, y_true.dtype)
        weights = jnp.broadcast_to(weights[:, None] if weights.ndim == 1 else weights, y_true.shape)
        y_true, y_pred = (jnp.where(weights == 0, 0, y) for y in (y_true, y_pred))  # NaN too
        self.sum.assign_add(jnp.sum(y_true * weights, axis=0))
        self.squared_sum.assign_add(jnp.sum(jnp.square(y_true) * weights, axis=0))
        self.total_mse.assign_add(jnp.sum(jnp.square(y_true - y_pred) * weights, axis=0))
        self.count.assign_add(jnp.sum(weights, axis=0))
        self.num_samples.assign_add(y_true.size)

    def result(self) -> jax.Array:
        mean = self.sum.value / self.count.value
        total = self.squared_sum.value - self.sum.value * mean
        scores = 1 - self.total_mse.value / total
        scores = jnp.where(jnp.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = jnp.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = jnp.sum(total * scores) / jnp.sum(total)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores: jax.Array) -> jax.Array:
        """The score for a number of inputs; with fewer samples than these, the plain one."""
        samples = self.num_samples.value
        free = samples - self.num_regressors - 1
        return jnp.where(free > 0, 1 - (1 - scores) * (samples - 1) / jnp.where(free > 0, free, 1), scores)

    def get_config(self) -> dict[str, Any]:
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **own}
