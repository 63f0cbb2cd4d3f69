"""AUC: the area under the ROC, precision–recall or precision–recall–gain curve."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamella.config import epsilon
from lamella.errors import ArgumentError, ShapeError
from lamella.losses import divide_no_nan
from lamella.metrics.confusion import COUNTS, count, even_thresholds, evenly_spaced
from lamella.metrics.metric import Metric

_CURVES = ("ROC", "PR", "PRGAIN")
_METHODS = ("interpolation", "minoring", "majoring")


class AUC(Metric):
    """The area under a curve, from the counts at many thresholds.

    Args:    num_thresholds: how many; more are more exact.
             curve: "ROC", "PR" (precision over recall) or "PRGAIN" (their gains).
             summation_method: what is between two thresholds: "interpolation", "minoring" or "majoring".
             thresholds: in [0, 1], in place of `num_thresholds`.
             multi_label: an area for each label, averaged.
             num_labels: with multi_label, how many; else found at the first batch.
             label_weights: a weight for each label.
             from_logits: predictions are logits.
    Source:  Davis & Goadrich 2006 for the interpolation of "PR"; Flach & Kull 2015 for the gains.
    Example: >>> float(keras.metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
             0.75
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ):
        super().__init__(name=name, dtype=dtype)
        self.curve = _one_of(_CURVES, str(curve).upper(), "curve")
        self.summation_method = _one_of(_METHODS, str(summation_method).lower(), "summation_method")
        if num_labels and not multi_label:
            raise ArgumentError("`num_labels` is needed only when `multi_label` is True.")
        limits = (
            even_thresholds(_at_least_two(num_thresholds)) if thresholds is None else [0.0, *sorted(thresholds), 1.0]
        )
        self.num_thresholds = len(limits)
        self._init_from_thresholds = thresholds is not None
        self._even = evenly_spaced(limits)
        self._thresholds = np.array([-epsilon(), *limits[1:-1], 1.0 + epsilon()])
        self.multi_label, self.num_labels, self._from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else np.asarray(label_weights, self.dtype)
        self._built = False
        if num_labels or not multi_label:
            self._build((None, num_labels))

    @property
    def thresholds(self) -> list[float]:
        """The thresholds; the outermost lie just outside of [0, 1]."""
        return self._thresholds.tolist()

    def _build(self, shape: tuple[int | None, ...]) -> None:
        if len(shape) != 2:
            raise ShapeError(
                "With multi_label, predictions must have rank 2.", expected="(batch, labels)", received=shape
            )
        labels = shape[1:] if self.multi_label else ()
        for name in COUNTS:
            setattr(self, name, self.add_variable((self.num_thresholds, *labels), "zeros", name=name))
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_pred = jnp.asarray(y_pred)
        if not self._built:
            self._build(y_pred.shape)
        counts = count(
            y_true,
            jax.nn.sigmoid(y_pred) if self._from_logits else y_pred,
            self._thresholds,
            self._even,
            sample_weight,
            label_weights=None if self.multi_label else self.label_weights,
            multi_label=self.multi_label,
        )
        for name, number in counts.items():
            getattr(self, name).assign_add(number)

    def result(self) -> jax.Array:
        tp, fp, tn, fn = (getattr(self, name).value for name in COUNTS)
        if (self.curve, self.summation_method) == ("PR", "interpolation"):
            return self._averaged(_precision_recall_pieces(tp, fp, fn))
        x, y = _points(self.curve, tp, fp, tn, fn)
        left, right = y[:-1], y[1:]
        heights = {
            "interpolation": (left + right) / 2,
            "minoring": jnp.minimum(left, right),
            "majoring": jnp.maximum(left, right),
        }
        return self._averaged((x[:-1] - x[1:]) * heights[self.summation_method])

    def _averaged(self, pieces: jax.Array) -> jax.Array:
        areas = jnp.sum(pieces, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return jnp.mean(areas)
        return divide_no_nan(jnp.sum(areas * self.label_weights), jnp.sum(self.label_weights))

    def get_config(self) -> dict[str, Any]:
        own = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self._from_logits,
        }
        given = {"thresholds": self.thresholds[1:-1]} if self._init_from_thresholds else {}
        return {**super().get_config(), **own, **given}


def _points(curve: str, tp: jax.Array, fp: jax.Array, tn: jax.Array, fn: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The curve, a point for each threshold."""
    recall = divide_no_nan(tp, tp + fn)
    if curve == "ROC":
        return divide_no_nan(fp, fp + tn), recall
    if curve == "PR":
        return recall, divide_no_nan(tp, tp + fp)
    odds = divide_no_nan(tp + fn, tn + fp)
    recall_gain = jnp.where(tp == 0, 0.0, 1 - odds * divide_no_nan(fn, tp))
    precision_gain = jnp.where(tp == 0, 1.0, 1 - odds * divide_no_nan(fp, tp))
    return jnp.maximum(recall_gain, 0), precision_gain


def _precision_recall_pieces(tp: jax.Array, fp: jax.Array, fn: jax.Array) -> jax.Array:
    """Areas between thresholds where true positives, and not precision, run straight (Davis & Goadrich)."""
    p = tp + fp
    found, taken = tp[:-1] - tp[1:], p[:-1] - p[1:]
    slope = divide_no_nan(found, jnp.maximum(taken, 0))
    start = tp[1:] - slope * p[1:]
    ratio = jnp.where((p[:-1] > 0) & (p[1:] > 0), divide_no_nan(p[:-1], jnp.maximum(p[1:], 0)), 1.0)
    return divide_no_nan(slope * (found + start * jnp.log(ratio)), jnp.maximum(tp[1:] + fn[1:], 0))


def _one_of(options: tuple[str, ...], value: str, argument: str) -> str:
    if value not in options:
        raise ArgumentError(f"Invalid `{argument}` argument value.", expected=options, received=repr(value))
    return value


def _at_least_two(number: int) -> int:
    if number <= 1:
        raise ArgumentError("Argument `num_thresholds` must be an integer > 1.", received=number)
    return number
