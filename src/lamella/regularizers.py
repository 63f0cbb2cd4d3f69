"""Penalties on weights, added to the loss: Keras's `keras.regularizers`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from lamella.config import epsilon
from lamella.errors import ArgumentError, ShapeError, StateError
from lamella.registry import Catalog, serialize_keras_object


class Regularizer:
    """A penalty: subclass it, and compute a scalar from the weight in `__call__`."""

    def __call__(self, x: Any) -> Any:
        return 0.0

    def get_config(self) -> dict[str, Any]:
        raise StateError(
            f"{type(self).__name__} has no get_config().", fix="return the constructor's arguments as a dict"
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


class L1L2(Regularizer):
    """l1 · Σ|x| + l2 · Σx².

    Example: >>> float(L1L2(l1=1.0, l2=2.0)(jnp.array([1.0, -2.0])))
             13.0
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0):
        self.l1, self.l2 = _factor("l1", l1, 0.0), _factor("l2", l2, 0.0)

    def __call__(self, x: Any) -> jax.Array:
        x = jnp.asarray(x)
        return _sum(self.l1, jnp.abs, x) + _sum(self.l2, jnp.square, x)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(Regularizer):
    """l1 · Σ|x|."""

    def __init__(self, l1: float | None = 0.01):
        self.l1 = _factor("l1", l1, 0.01)

    def __call__(self, x: Any) -> jax.Array:
        return _sum(self.l1, jnp.abs, jnp.asarray(x))

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(Regularizer):
    """l2 · Σx²."""

    def __init__(self, l2: float | None = 0.01):
        self.l2 = _factor("l2", l2, 0.01)

    def __call__(self, x: Any) -> jax.Array:
        return _sum(self.l2, jnp.square, jnp.asarray(x))

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """Penalises rows (or columns) of a matrix that are not orthogonal: the mean |cosine| of all pairs.

    Args:  factor: strength of the penalty.
           mode: "rows" or "columns".
    Shape: the weight has rank 2.
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        if mode not in ("rows", "columns"):
            raise ArgumentError(
                "Invalid value for argument `mode`.", expected="'rows' or 'columns'", received=repr(mode)
            )
        self.factor, self.mode = _factor("factor", factor, 0.01), mode

    def __call__(self, inputs: Any) -> jax.Array:
        x = jnp.asarray(inputs)
        if x.ndim != 2:
            raise ShapeError("OrthogonalRegularizer needs a matrix: inputs must have rank 2.", received=x.shape)
        rows = x if self.mode == "rows" else x.T
        inverse = jax.lax.rsqrt(jnp.sum(jnp.square(rows), axis=1, keepdims=True))
        rows = rows * jnp.minimum(inverse, 1 / epsilon())
        size = rows.shape[0]
        cosines = (rows @ rows.T) * (1 - jnp.eye(size, dtype=x.dtype))
        return self.factor * 0.5 * jnp.sum(jnp.abs(cosines)) / (size * (size - 1) / 2)

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


def _sum(factor: float, cost: Callable[[jax.Array], jax.Array], x: jax.Array) -> jax.Array:
    """factor · Σ cost(x), in the dtype of x."""
    return jnp.asarray(factor, x.dtype) * jnp.sum(cost(x)) if factor else jnp.zeros((), x.dtype)


def _factor(name: str, value: Any, default: float) -> float:
    value = default if value is None else value
    number = isinstance(value, (int, float)) or hasattr(value, "item")
    if not number or not math.isfinite(value) or value < 0:
        raise ArgumentError(
            f"Invalid value for argument {name}.", expected="a number of at least 0", received=f"{name}={value!r}"
        )
    return float(value)


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer
_REGULARIZERS = Catalog("regularizer", (Regularizer, L1, L2, L1L2, OrthogonalRegularizer), {"l1_l2": L1L2})


def serialize(regularizer: Any) -> Any:
    """The config of a regularizer."""
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The regularizer that a config describes."""
    return _REGULARIZERS.deserialize(config, custom_objects)


def get(identifier: Any) -> Any:
    """A regularizer from its name ("l2"), a config, or anything to call.

    Example: >>> get("l2").get_config()
             {'l2': 0.01}
    """
    return _REGULARIZERS.get(identifier)


__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]
