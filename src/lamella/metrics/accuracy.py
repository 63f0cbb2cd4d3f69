"""How often predictions are right."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamella.config import floatx
from lamella.errors import ShapeError
from lamella.losses import pair, same_rank
from lamella.metrics.mean import NamedMean


def accuracy(y_true: Any, y_pred: Any) -> jax.Array:
    """1 where both are equal, else 0."""
    y_true, y_pred = pair(y_true, y_pred)
    return _ones(y_true == y_pred)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> jax.Array:
    """1 where a prediction is on the right side of the threshold, else 0.

    Example: >>> keras.metrics.binary_accuracy([1, 0], [0.9, 0.8]).tolist()
             [1.0, 0.0]
    """
    y_true, y_pred = same_rank(jnp.asarray(y_true), jnp.asarray(y_pred))
    return _ones((y_pred > threshold).astype(y_true.dtype) == y_true)


def categorical_accuracy(y_true: Any, y_pred: Any) -> jax.Array:
    """1 where the largest prediction is at the place of the largest target (one-hot), else 0."""
    return _ones(jnp.argmax(jnp.asarray(y_true), axis=-1) == jnp.argmax(jnp.asarray(y_pred), axis=-1))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> jax.Array:
    """1 where the largest prediction is at the place that the target names, else 0.

    Example: >>> keras.metrics.sparse_categorical_accuracy([1], [[0.1, 0.9]]).tolist()
             [1.0]
    """
    labels, y_pred = _labels(y_true, y_pred)
    right = _ones(jnp.argmax(y_pred, axis=-1) == labels).reshape(np.shape(y_true))
    return right[..., 0] if right.ndim > 1 and right.shape[-1] == 1 else right


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> jax.Array:
    """1 where the target (one-hot) is among the k largest predictions, else 0."""
    return _among_top(jnp.argmax(jnp.asarray(y_true), axis=-1), jnp.asarray(y_pred), k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> jax.Array:
    """1 where the class that the target names is among the k largest predictions, else 0.

    Args: from_sorted_ids: predictions are class numbers, best first.
    """
    labels, y_pred = _labels(y_true, y_pred)
    if from_sorted_ids:
        right = _ones(jnp.any(labels[..., None] == y_pred[..., :k], axis=-1))
    else:
        right = _among_top(labels, y_pred, k)
    return right.reshape(np.shape(y_true))


def _ones(right: jax.Array) -> jax.Array:
    return right.astype(floatx())


def _labels(y_true: Any, y_pred: Any) -> tuple[jax.Array, jax.Array]:
    """Class numbers in the shape of the samples that were predicted, and predictions for the classes."""
    y_true, y_pred = jnp.asarray(y_true), jnp.asarray(y_pred)
    if not _differ_in_ones(y_true.shape, y_pred.shape[:-1]):
        raise ShapeError(
            "Each prediction needs the number of its class.",
            expected=f"y_true {y_pred.shape[:-1]} for y_pred {y_pred.shape}",
            received=f"y_true {y_true.shape}",
            fix="for one-hot targets, use the metric without 'sparse'" if y_true.shape == y_pred.shape else None,
        )
    return y_true.astype("int32").reshape(y_pred.shape[:-1]), y_pred


def _differ_in_ones(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two shapes are the same but for axes of size 1, or for one of them being flat."""
    sizes, others = ([size for size in one if size != 1] for one in (shape, other))
    return sizes == others or (math.prod(sizes) == math.prod(others) and 1 in (len(shape), len(other)))


def _among_top(labels: jax.Array, y_pred: jax.Array, k: int) -> jax.Array:
    """Whether fewer than k classes score higher than the right one."""
    score = jnp.take_along_axis(y_pred, labels[..., None], axis=-1)
    score = jnp.where(jnp.isnan(score), -jnp.inf, score)
    return _ones(jnp.sum(y_pred > score, axis=-1) < k)


class Accuracy(NamedMean):
    """How often predictions equal targets.

    Example: >>> float(keras.metrics.Accuracy()([1, 2], [1, 3]))
             0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: Any = None):
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(NamedMean):
    """How often predictions are on the right side of the threshold."""

    _direction = "up"

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5):
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(NamedMean):
    """How often the largest prediction is the right one, for one-hot targets."""

    _direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None):
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(NamedMean):
    """How often the largest prediction is the right one, for class numbers as targets."""

    _direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(NamedMean):
    """How often the right class is among the k largest predictions, for one-hot targets."""

    _direction = "up"

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(NamedMean):
    """How often the right class is among the k largest predictions, for class numbers as targets."""

    _direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ):
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
