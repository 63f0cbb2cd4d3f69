"""Counting what is right and wrong at one or many thresholds."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamella.config import epsilon
from lamella.errors import ArgumentError, ShapeError
from lamella.losses import counted, same_rank, without_uncounted
from lamella.metrics.metric import Metric
from lamella.state import Variable

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
NEVER = -1e10  # a threshold that every prediction is above, and a prediction that is below every other


class Confusion(Metric):
    """A metric that counts some of the four outcomes at each of its thresholds.

    State: a variable for each outcome counted, (thresholds,)
    """

    def __init__(self, thresholds: Any, counted: tuple[str, ...], name: str | None, dtype: Any, **options: Any):
        super().__init__(name=name, dtype=dtype)
        self.thresholds = thresholds
        self._even = evenly_spaced(thresholds)
        self._options = options
        for outcome in counted:
            setattr(self, outcome, self.add_variable((len(thresholds),), "zeros", name=outcome))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        counts = count(y_true, y_pred, self.thresholds, self._even, sample_weight, **self._options)
        for outcome, number in counts.items():
            if outcome in vars(self):
                getattr(self, outcome).assign_add(number)

    def _counts(self) -> dict[str, jax.Array]:
        """The values of the outcomes it counts."""
        return {name: held.value for name in COUNTS if isinstance(held := vars(self).get(name), Variable)}


def thresholds_from(thresholds: Any, default: float = 0.5) -> list[float]:
    """Thresholds as a list.

    Raises: ArgumentError: one is outside of [0, 1].
    """
    if thresholds is None:
        return [default]
    found = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    wrong = [t for t in found if t is None or not 0 <= t <= 1]
    if wrong:
        raise ArgumentError("Threshold values must be in [0, 1].", received=wrong)
    return found


def even_thresholds(number: int) -> list[float]:
    """`number` thresholds from 0 to 1.

    Example: >>> from lamella.metrics.confusion import even_thresholds
             >>> even_thresholds(3)
             [0.0, 0.5, 1.0]
    """
    return [0.0, *((i + 1) / (number - 1) for i in range(number - 2)), 1.0]


def evenly_spaced(thresholds: Any) -> bool:
    """Whether thresholds are spread evenly over [0, 1], so that a prediction's place among them can be computed."""
    number = len(thresholds)
    return number > 2 and np.allclose(thresholds, np.linspace(0, 1, number), atol=epsilon())


def count(
    y_true: Any,
    y_pred: Any,
    thresholds: Any,
    even: bool,
    sample_weight: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
    label_weights: Any = None,
    multi_label: bool = False,
) -> dict[str, jax.Array]:
    """The four outcomes at each threshold, as sums of weights.

    Args:    top_k: only the k largest predictions of a sample can be a yes.
             class_id: looks at one class only.
             label_weights: a weight for each label.
             multi_label: counts each label apart.
    Shape:   (thresholds,), with multi_label (thresholds, labels)
    """
    y_pred, y_true = same_rank(jnp.asarray(y_pred, "float32"), jnp.asarray(y_true, "float32"))
    weights = _weights(y_true, sample_weight)
    if sample_weight is not None:
        where = counted(sample_weight, None)
        y_true, y_pred = (without_uncounted(y, where, 0) for y in (y_true, y_pred))
    if top_k is not None:
        y_pred = _only_top(y_pred, top_k)
    if class_id is not None:
        y_true, y_pred = _of_class(y_true, class_id), _of_class(y_pred, class_id)
    if label_weights is not None:
        weights = weights * jnp.asarray(label_weights, "float32")
    weights = jnp.broadcast_to(weights, y_pred.shape)
    labels = y_true.shape[1:] if multi_label else (1,)
    true, predicted, weights = (array.reshape(-1, *labels) for array in (y_true.astype("bool"), y_pred, weights))
    positive, negative = jnp.where(true, weights, 0), jnp.where(true, 0, weights)
    above = _above_even if even else _above
    tp, fp = (above(predicted, part, thresholds) for part in (positive, negative))
    counts = tp, fp, jnp.sum(negative, axis=0) - fp, jnp.sum(positive, axis=0) - tp
    return {name: number if multi_label else number[:, 0] for name, number in zip(COUNTS, counts, strict=True)}


def _above(predicted: jax.Array, weights: jax.Array, thresholds: Any) -> jax.Array:
    """For each threshold, the weight of the predictions above it."""
    limits = jnp.asarray(np.asarray(thresholds), "float32").reshape(-1, 1, 1)
    return jnp.sum(jnp.where(predicted > limits, weights, 0), axis=1)


def _above_even(predicted: jax.Array, weights: jax.Array, thresholds: Any) -> jax.Array:
    """The same for even thresholds, in one pass: put each prediction into its bucket, and sum the buckets up."""
    number = len(thresholds)
    bucket = jnp.ceil(jnp.clip(predicted, 0, 1) * (number - 1)).astype("int32") - 1
    if thresholds[0] < 0:
        bucket = jnp.maximum(bucket, 0)
    bucket = jnp.where(bucket < 0, number, bucket)  # above no threshold: in no bucket
    label = jnp.broadcast_to(jnp.arange(predicted.shape[1]), predicted.shape)
    buckets = jnp.zeros((number, predicted.shape[1]), weights.dtype).at[bucket, label].add(weights, mode="drop")
    return jnp.cumsum(buckets[::-1], axis=0)[::-1]


def _weights(y_true: jax.Array, sample_weight: Any) -> jax.Array:
    if sample_weight is None:
        return jnp.ones((), "float32")
    weights = jnp.asarray(sample_weight, "float32")[..., None]
    return same_rank(y_true, weights, expand_rank_1=False)[1]


def _only_top(y_pred: jax.Array, k: int) -> jax.Array:
    top = jax.nn.one_hot(jax.lax.top_k(y_pred, k)[1], y_pred.shape[-1]).sum(axis=-2)
    return jnp.where(top > 0, y_pred, NEVER)


def _of_class(y: jax.Array, class_id: int) -> jax.Array:
    if y.ndim == 1:
        raise ShapeError(
            "`class_id` needs predictions for several classes.", expected="(samples, classes)", received=y.shape
        )
    return y[..., class_id, None]
