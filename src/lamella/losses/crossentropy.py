"""Crossentropies: predictions are probabilities, or logits with `from_logits=True`."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp

from lamella.config import epsilon
from lamella.errors import ArgumentError, ShapeError
from lamella.losses.loss import NamedLoss
from lamella.losses.reduction import axes, pair_of_one_shape
from lamella.state import set_mask


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: Any = -1
) -> jax.Array:
    """mean(-y_true · log(p) - (1 - y_true) · log(1 - p)).

    Args:    label_smoothing: moves targets this part of the way to 0.5.
             axis: the axis or axes to take the mean over.
    Example: >>> keras.losses.binary_crossentropy([[1.0]], [[0.0]], from_logits=True).round(4).tolist()
             [0.6930999755859375]
    """
    y_true, y_pred = pair_of_one_shape(y_true, y_pred)
    return jnp.mean(_binary(_smooth(y_true, label_smoothing, 2), y_pred, from_logits), axis=axes(axis))


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: Any = -1,
) -> jax.Array:
    """Binary crossentropy, times (1 - p)^gamma of the right class: what is easy counts little.

    Args:   apply_class_balancing: weigh class 1 by alpha and class 0 by 1 - alpha.
    Source: Lin et al. 2017, "Focal loss for dense object detection".
    """
    y_true, y_pred = pair_of_one_shape(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, 2)
    p = jax.nn.sigmoid(y_pred) if from_logits else y_pred
    right = y_true * p + (1 - y_true) * (1 - p)
    focal = jnp.power(1 - right, gamma) * _binary(y_true, p, from_logits=False)
    if apply_class_balancing:
        focal = (y_true * alpha + (1 - y_true) * (1 - alpha)) * focal
    return jnp.mean(focal, axis=axes(axis))


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> jax.Array:
    """-Σ y_true · log(p) over the classes.

    Args:    y_true: one-hot, or a distribution.
             label_smoothing: takes this part from the targets and spreads it over all classes.
             axis: the axis of the classes.
    Example: >>> keras.losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).round(4).tolist()
             [0.6930999755859375]
    """
    y_true, y_pred = _classes(y_true, y_pred, axis, "categorical_crossentropy")
    y_true = _smooth(y_true, label_smoothing, y_true.shape[-1])
    return -jnp.sum(y_true * _log_probabilities(y_pred, from_logits, axis), axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> jax.Array:
    """Categorical crossentropy, times alpha · (1 - p)^gamma.

    Source: Lin et al. 2017, "Focal loss for dense object detection".
    """
    y_true, y_pred = _classes(y_true, y_pred, axis, "categorical_focal_crossentropy")
    y_true = _smooth(y_true, label_smoothing, y_true.shape[-1])
    p = _probabilities(jax.nn.softmax(y_pred, axis=axis) if from_logits else y_pred, axis)
    return jnp.sum(alpha * jnp.power(1 - p, gamma) * -y_true * jnp.log(p), axis=axis)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> jax.Array:
    """-log(p) of the right class.

    Args:    y_true: the number of the right class.
             ignore_class: targets of this number do not count (255 for the void of segmentation maps).
    Example: >>> keras.losses.sparse_categorical_crossentropy([1], [[0.5, 0.5]]).round(4).tolist()
             [0.6930999755859375]
    """
    y_true, y_pred = jnp.asarray(y_true), jnp.asarray(y_pred)
    if y_true.ndim == y_pred.ndim and y_true.shape[axis] == 1:
        y_true = jnp.squeeze(y_true, axis)
    labels = y_true.astype("int32")
    _check_labels(labels, y_pred, axis)
    counts = None if ignore_class is None else labels != ignore_class
    if counts is not None:
        labels = jnp.where(counts, labels, 0)
        y_pred = jnp.where(jnp.expand_dims(counts, axis), y_pred, 0)
    right = jax.nn.one_hot(labels, y_pred.shape[axis], axis=axis, dtype=y_pred.dtype)
    values = -jnp.sum(right * _log_probabilities(y_pred, from_logits, axis), axis=axis)
    if counts is not None:
        values = jnp.where(counts, values, 0)
        set_mask(values, counts)
    return values


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> jax.Array:
    """(1 - p^q) / q of the right class: between crossentropy (q → 0) and absolute error (q = 1).

    Args:   y_true: the number of the right class; some may be wrong.
    Source: Zhang & Sabuncu 2018.
    """
    y_true, y_pred = jnp.asarray(y_true), jnp.asarray(y_pred)
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true[..., 0]
    right = jax.nn.one_hot(y_true.astype("int32"), y_pred.shape[-1], dtype=y_pred.dtype)
    return (1 - jnp.power(jnp.sum(y_pred * right, axis=-1), q)) / q


def _binary(y_true: jax.Array, y_pred: jax.Array, from_logits: bool) -> jax.Array:
    if from_logits:
        return -y_true * jax.nn.log_sigmoid(y_pred) - (1 - y_true) * jax.nn.log_sigmoid(-y_pred)
    p = jnp.clip(y_pred, epsilon(), 1 - epsilon())
    return -(y_true * jnp.log(p) + (1 - y_true) * jnp.log(1 - p))


def _log_probabilities(y_pred: jax.Array, from_logits: bool, axis: int) -> jax.Array:
    return jax.nn.log_softmax(y_pred, axis=axis) if from_logits else jnp.log(_probabilities(y_pred, axis))


def _probabilities(y_pred: jax.Array, axis: int) -> jax.Array:
    return jnp.clip(y_pred / jnp.sum(y_pred, axis=axis, keepdims=True), epsilon(), 1 - epsilon())


def _smooth(y_true: jax.Array, label_smoothing: float, classes: int) -> jax.Array:
    return y_true * (1 - label_smoothing) + label_smoothing / classes if label_smoothing else y_true


def _classes(y_true: Any, y_pred: Any, axis: Any, name: str) -> tuple[jax.Array, jax.Array]:
    if isinstance(axis, bool):
        raise ArgumentError("`axis` must be of type `int`.", received=repr(axis))
    y_true, y_pred = pair_of_one_shape(y_true, y_pred)
    if y_pred.shape[-1:] == (1,):
        warnings.warn(
            f"{name} was given predictions of shape {y_pred.shape}: of a single class. "
            "For two classes in one number, use binary_crossentropy.",
            SyntaxWarning,
            stacklevel=3,
        )
    return y_true, y_pred


def _check_labels(labels: jax.Array, y_pred: jax.Array, axis: int) -> None:
    expected = list(y_pred.shape)
    if not expected:
        raise ShapeError(
            "sparse_categorical_crossentropy needs predictions for several classes.", received="a single number"
        )
    del expected[axis]
    if labels.shape != tuple(expected):
        raise ShapeError(
            "sparse_categorical_crossentropy needs one class number for each prediction.",
            expected=f"y_true {tuple(expected)} for y_pred {y_pred.shape}",
            received=f"y_true {labels.shape}",
            fix="for one-hot targets, use categorical_crossentropy" if labels.shape == y_pred.shape else None,
        )


class BinaryCrossentropy(NamedLoss):
    """mean(-y_true · log(p) - (1 - y_true) · log(1 - p)).

    Example: >>> round(float(BinaryCrossentropy()([[1.0], [0.0]], [[0.5], [0.5]])), 4)
             0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: Any = -1,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(binary_crossentropy, reduction, name, dtype, **options)


class BinaryFocalCrossentropy(NamedLoss):
    """Binary crossentropy in which what is easy counts little."""

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: Any = -1,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        focus = {"apply_class_balancing": apply_class_balancing, "alpha": alpha, "gamma": gamma}
        super().__init__(binary_focal_crossentropy, reduction, name, dtype, **options, **focus)


class CategoricalCrossentropy(NamedLoss):
    """-Σ y_true · log(p), for one-hot targets."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(categorical_crossentropy, reduction, name, dtype, **options)


class CategoricalFocalCrossentropy(NamedLoss):
    """Categorical crossentropy in which what is easy counts little."""

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(categorical_focal_crossentropy, reduction, name, dtype, **options, alpha=alpha, gamma=gamma)


class SparseCategoricalCrossentropy(NamedLoss):
    """-log(p) of the right class, for class numbers as targets."""

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: Any = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, **options)


class CategoricalGeneralizedCrossEntropy(NamedLoss):
    """(1 - p^q) / q of the right class, robust to wrong labels.

    Args: q: between 0 and 1.
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: Any = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ):
        if not 0 < q < 1:
            raise ArgumentError("q must be in the interval (0, 1).", received=q)
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
