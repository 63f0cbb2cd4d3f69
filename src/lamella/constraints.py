"""What a weight must obey after every update: Keras's `keras.constraints`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.config import epsilon
from lamella.registry import Catalog, serialize_keras_object


class Constraint:
    """A rule: subclass it, and return the weight that obeys it from `__call__`."""

    def __call__(self, w: Any) -> Any:
        return w

    def get_config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


class MaxNorm(Constraint):
    """Norms along an axis are at most `max_value`.

    Args:    axis: the axis or axes to sum squares over; 0 for a Dense kernel, [0, 1, 2] for a Conv2D one.
    Example: >>> MaxNorm(1.0)(jnp.array([[3.0], [4.0]])).round(3).tolist()
             [[0.6000000238418579], [0.800000011920929]]
    """

    def __init__(self, max_value: float = 2, axis: Any = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> jax.Array:
        w, norms = _with_norms(w, self.axis)
        return w * (jnp.clip(norms, 0, self.max_value) / (epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """No weight is negative."""

    def __call__(self, w: Any) -> jax.Array:
        return jnp.maximum(jnp.asarray(w), 0)


class UnitNorm(Constraint):
    """Norms along an axis are 1."""

    def __init__(self, axis: Any = 0):
        self.axis = axis

    def __call__(self, w: Any) -> jax.Array:
        w, norms = _with_norms(w, self.axis)
        return w / (epsilon() + norms)

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Norms along an axis lie between two values.

    Args: rate: how much of the way there an update goes, 1 for all.
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> jax.Array:
        w, norms = _with_norms(w, self.axis)
        desired = self.rate * jnp.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (desired / (epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}


def _with_norms(w: Any, axis: Any) -> tuple[jax.Array, jax.Array]:
    w = jnp.asarray(w)
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    return w, jnp.sqrt(jnp.sum(jnp.square(w), axis=axes, keepdims=True))


max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm
_CONSTRAINTS = Catalog("constraint", (Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm))


def serialize(constraint: Any) -> Any:
    """The config of a constraint."""
    return serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The constraint that a config describes."""
    return _CONSTRAINTS.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """A constraint from its name ("non_neg"), a config, or anything to call.

    Example: >>> get("max_norm").get_config()
             {'max_value': 2, 'axis': 0}
    """
    return _CONSTRAINTS.get(identifier)


__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]
