"""From a loss for every sample to the number that training makes smaller."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from lamella.errors import ArgumentError, ShapeError

REDUCTIONS = ("sum_over_batch_size", "sum", None, "none", "mean", "mean_with_sample_weight")
_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")


def standardize_reduction(reduction: Any) -> Any:
    """The reduction, if it is one.

    Raises: ArgumentError: it is none.
    """
    if reduction not in REDUCTIONS:
        raise ArgumentError("Invalid value for argument `reduction`.", expected=REDUCTIONS, received=repr(reduction))
    return reduction


def same_rank(x1: Any, x2: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """Both arrays, with a last axis of size 1 taken from (or given to) one of them if that makes their ranks equal.

    Example: >>> from lamella.losses import same_rank
             >>> [x.shape for x in same_rank(jnp.ones((8,)), jnp.ones((8, 1)))]
             [(8, 1), (8, 1)]
    """
    if x1.ndim == x2.ndim + 1:
        x2, x1 = same_rank(x2, x1, expand_rank_1)
    elif x2.ndim == x1.ndim + 1 and x2.shape[-1] == 1:
        if x1.ndim == 1 and expand_rank_1:
            return x1[:, None], x2
        return x1, x2[..., 0]
    return x1, x2


def pair(y_true: Any, y_pred: Any) -> tuple[jax.Array, jax.Array]:
    """Targets and predictions as arrays of one dtype and rank.

    Raises: ShapeError: their shapes cannot be compared.
    """
    y_pred = jnp.asarray(y_pred)
    y_true, y_pred = same_rank(jnp.asarray(y_true, y_pred.dtype), y_pred)
    try:
        jnp.broadcast_shapes(y_true.shape, y_pred.shape)
    except ValueError:
        raise ShapeError(
            "Targets and predictions have shapes that cannot be compared.",
            expected=f"y_true like y_pred, {y_pred.shape}",
            received=f"y_true {y_true.shape}",
        ) from None
    return y_true, y_pred


def pair_of_one_shape(y_true: Any, y_pred: Any) -> tuple[jax.Array, jax.Array]:
    """Targets and predictions as arrays of one dtype and the same shape.

    Raises: ShapeError: their shapes differ.
    """
    y_pred = jnp.asarray(y_pred)
    y_true = jnp.asarray(y_true, y_pred.dtype)
    if y_true.shape != y_pred.shape:
        raise ShapeError(
            "Targets and predictions must have the same shape.",
            expected=f"y_true {y_pred.shape}, like y_pred",
            received=f"y_true {y_true.shape}",
            fix="for class numbers as targets, use sparse_categorical_crossentropy" if y_pred.ndim > 1 else None,
        )
    return y_true, y_pred


def reduce_weighted_values(
    values: Any, sample_weight: Any = None, mask: Any = None, reduction: Any = "sum_over_batch_size", dtype: Any = None
) -> jax.Array:
    """Values times their weights, without what the mask hides, reduced."""
    values = jnp.asarray(values, dtype)
    weights = apply_mask(sample_weight, mask, values.dtype, reduction)
    if weights is not None:
        values, weights = same_rank(values, jnp.asarray(weights, values.dtype))
        values = jnp.where(weights == 0, 0, values * weights)  # NaN too
    return _reduced(values, weights, standardize_reduction(reduction))


def _reduced(values: jax.Array, weights: Any, reduction: Any) -> jax.Array:
    if reduction in (None, "none") or values.shape in ((), (0,)):
        return values
    total = jnp.sum(values)
    if reduction not in _MEANS:
        return total
    by_weight = reduction == "mean_with_sample_weight" and weights is not None
    divisor = jnp.sum(jnp.asarray(weights)) if by_weight else values.size
    return divide_no_nan(total, jnp.asarray(divisor, total.dtype))


def apply_mask(sample_weight: Any, mask: Any, dtype: Any, reduction: Any) -> Any:
    """Sample weights that are 0 where the mask hides; for means, the others make up for it."""
    if mask is None:
        return sample_weight
    mask = jnp.asarray(mask)
    weights = mask.astype(dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        scale = divide_no_nan(jnp.asarray(math.prod(mask.shape), dtype), jnp.sum(weights))
        weights = jnp.where(mask.astype("bool"), scale, jnp.zeros((), dtype))
    if sample_weight is None:
        return weights
    weights, sample_weight = same_rank(weights, jnp.asarray(sample_weight, dtype))
    sample_weight = sample_weight.reshape(sample_weight.shape + (1,) * (weights.ndim - sample_weight.ndim))
    return sample_weight * weights


def divide_no_nan(x: Any, y: Any) -> jax.Array:
    """x / y, and 0 where y is 0; gradients stay finite too."""
    safe = jnp.where(y == 0, 1, y)
    return jnp.where(y == 0, 0, x / safe)


def normalized(x: jax.Array, axis: Any, epsilon: float) -> jax.Array:
    """x with length 1 along an axis."""
    inverse = jax.lax.rsqrt(jnp.sum(jnp.square(x), axis=axis, keepdims=True))
    return x * jnp.minimum(inverse, 1 / epsilon)


def axes(axis: Any) -> Any:
    """An axis, or several as the tuple that jax.numpy takes."""
    return tuple(axis) if isinstance(axis, list) else axis
