"""Sums and means of values, and of functions (y_true, y_pred) → a value for each sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from lamella.losses import apply_mask, divide_no_nan, same_rank
from lamella.metrics.metric import Metric
from lamella.registry import deserialize_keras_object, serialize_keras_object
from lamella.state import get_mask


class Sum(Metric):
    """The sum of values, each times its weight.

    Example: >>> float(keras.metrics.Sum()([1.0, 2.0]))
             3.0
    """

    def __init__(self, name: str | None = "sum", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, _ = _for_each_sample(values, sample_weight, jnp.sum, self.dtype)
        self.total.assign_add(jnp.sum(values))

    def result(self) -> jax.Array:
        return self.total.value.astype(self.dtype)


class Mean(Metric):
    """The mean of values, each times its weight.

    Example: >>> float(keras.metrics.Mean()([1.0, 3.0], sample_weight=[3.0, 1.0]))
             1.5
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")
        self.count = self.add_variable((), "zeros", dtype=self.dtype, name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        values, weights = _for_each_sample(values, sample_weight, jnp.mean, self.dtype)
        self.total.assign_add(jnp.sum(values))
        self.count.assign_add(values.size if weights is None else jnp.sum(weights))

    def result(self) -> jax.Array:
        return divide_no_nan(self.total.value, self.count.value)


class MeanMetricWrapper(Mean):
    """The mean of a function of targets and predictions.

    Args:    fn: (y_true, y_pred, **kwargs) → a value for each sample.
    Example: >>> float(keras.metrics.MeanMetricWrapper(keras.losses.mean_squared_error)([[1.0]], [[3.0]]))
             4.0
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any):
        super().__init__(name=name, dtype=dtype)
        self._fn, self._fn_kwargs = fn, kwargs

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        super().update_state(values, apply_mask(sample_weight, get_mask(y_pred), self.dtype, reduction="sum"))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fn": serialize_keras_object(self._fn),
            **serialize_keras_object(self._fn_kwargs),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**(deserialize_keras_object(config) if "fn" in config else config))


class NamedMean(MeanMetricWrapper):
    """The mean of one of the functions here: the function's options are attributes, and its config."""

    def __init__(self, fn: Callable[..., Any], name: str | None, dtype: Any, **options: Any):
        self._option_names_ = tuple(options)
        super().__init__(fn, name, dtype, **options)

    @property
    def _fn_kwargs(self) -> dict[str, Any]:  # type: ignore[override]
        """The options as they are now: an attribute that is set anew holds at once."""
        return {name: getattr(self, name) for name in self._option_names_}

    @_fn_kwargs.setter
    def _fn_kwargs(self, options: dict[str, Any]) -> None:
        vars(self).update(options)

    def get_config(self) -> dict[str, Any]:
        return {**Metric.get_config(self), **self._fn_kwargs}


def _for_each_sample(
    values: Any, sample_weight: Any, reduce: Callable[..., jax.Array], dtype: Any
) -> tuple[jax.Array, jax.Array | None]:
    """A value for each sample, times its weight, and the weights; what is inside a sample is reduced."""
    mask = get_mask(values)
    values = jnp.asarray(values).astype(dtype)
    weights = None
    if sample_weight is not None:
        weights = apply_mask(jnp.asarray(sample_weight, dtype), mask, dtype, reduction="sum")
        values, weights = same_rank(values, weights)
        rank = weights.ndim
        if values.ndim > rank:
            values = reduce(values, axis=tuple(range(rank, values.ndim)))
        weights = jnp.broadcast_to(weights, values.shape)
        values = jnp.where(weights == 0, 0, values * weights)  # NaN too
        weights = _inside(weights, reduce)
    return _inside(values, reduce), weights


def _inside(values: jax.Array, reduce: Callable[..., jax.Array]) -> jax.Array:
    return reduce(values, axis=tuple(range(1, values.ndim))) if values.ndim > 1 else values
