"""Counts of right and wrong decisions, precision, recall, and one at a given level of the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from lamella.errors import ArgumentError
from lamella.losses import divide_no_nan
from lamella.metrics.confusion import COUNTS, NEVER, Confusion, count, even_thresholds, evenly_spaced, thresholds_from
from lamella.metrics.metric import Metric


class _Count(Metric):
    """One of the four outcomes, at each threshold."""

    _outcome: str

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds, self.thresholds = thresholds, thresholds_from(thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), "zeros", name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        counts = count(y_true, y_pred, self.thresholds, evenly_spaced(self.thresholds), sample_weight)
        self.accumulator.assign_add(counts[self._outcome])

    def result(self) -> jax.Array:
        return _one_or_all(self.accumulator.value)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_Count):
    """How many positives were found.

    Example: >>> float(keras.metrics.TruePositives()([0, 1, 1], [0.9, 0.8, 0.1]))
             1.0
    """

    _outcome = "true_positives"


class FalsePositives(_Count):
    """How many negatives were taken for positives."""

    _outcome = "false_positives"


class TrueNegatives(_Count):
    """How many negatives were left alone."""

    _outcome = "true_negatives"


class FalseNegatives(_Count):
    """How many positives were missed."""

    _outcome = "false_negatives"


class _Ratio(Confusion):
    """true positives / (true positives + another outcome)."""

    _direction = "up"
    _other: str

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        self.init_thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        limits = thresholds_from(thresholds, default=0.5 if top_k is None else NEVER)
        super().__init__(limits, ("true_positives", self._other), name, dtype, top_k=top_k, class_id=class_id)

    def result(self) -> jax.Array:
        counts = self._counts()
        return _one_or_all(_share(counts["true_positives"], counts[self._other]))

    def get_config(self) -> dict[str, Any]:
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


class Precision(_Ratio):
    """The share of what was taken for positive that is positive.

    Args:    thresholds: what counts as a yes, a number or a list; 0.5 if None.
             top_k: only the k largest predictions of a sample can be a yes.
             class_id: looks at one class only.
    Example: >>> round(float(keras.metrics.Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
             0.6667
    """

    _other = "false_positives"


class Recall(_Ratio):
    """The share of positives that were found.

    Args:    thresholds: what counts as a yes, a number or a list; 0.5 if None.
             top_k: only the k largest predictions of a sample can be a yes.
             class_id: looks at one class only.
    Example: >>> round(float(keras.metrics.Recall()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
             0.6667
    """

    _other = "false_negatives"


class _BestAt(Confusion):
    """The best of one rate, over the thresholds at which another is at least a given value."""

    _direction = "up"
    _wanted: Callable[[dict[str, jax.Array]], jax.Array]
    _constrained: Callable[[dict[str, jax.Array]], jax.Array]
    _argument: str

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any):
        if not 0 <= value <= 1:
            raise ArgumentError(f"Argument `{self._argument}` must be in the range [0, 1].", received=value)
        if num_thresholds <= 0:
            raise ArgumentError("Argument `num_thresholds` must be an integer > 0.", received=num_thresholds)
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        setattr(self, self._argument, value)
        limits = [0.5] if num_thresholds == 1 else even_thresholds(num_thresholds)
        super().__init__(limits, COUNTS, name, dtype, class_id=class_id)

    def result(self) -> jax.Array:
        counts, kind = self._counts(), type(self)
        feasible = kind._constrained(counts) >= self.value
        return jnp.max(jnp.where(feasible, kind._wanted(counts), 0), initial=0)

    def get_config(self) -> dict[str, Any]:
        own = {"class_id": self.class_id, "num_thresholds": self.num_thresholds, self._argument: self.value}
        return {**super().get_config(), **own}


def _precision(counts: dict[str, jax.Array]) -> jax.Array:
    return _share(counts["true_positives"], counts["false_positives"])


def _sensitivity(counts: dict[str, jax.Array]) -> jax.Array:
    return _share(counts["true_positives"], counts["false_negatives"])


def _specificity(counts: dict[str, jax.Array]) -> jax.Array:
    return _share(counts["true_negatives"], counts["false_positives"])


def _share(part: jax.Array, rest: jax.Array) -> jax.Array:
    return divide_no_nan(part, part + rest)


def _one_or_all(values: jax.Array) -> jax.Array:
    return values[0] if len(values) == 1 else values


class SensitivityAtSpecificity(_BestAt):
    """The best sensitivity at which specificity is at least a given value.

    Args: specificity: in [0, 1].
          num_thresholds: how many thresholds are tried.
    """

    _argument, _wanted, _constrained = "specificity", _sensitivity, _specificity

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


class SpecificityAtSensitivity(_BestAt):
    """The best specificity at which sensitivity is at least a given value."""

    _argument, _wanted, _constrained = "sensitivity", _specificity, _sensitivity

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


class PrecisionAtRecall(_BestAt):
    """The best precision at which recall is at least a given value."""

    _argument, _wanted, _constrained = "recall", _precision, _sensitivity

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(recall, num_thresholds, class_id, name, dtype)


class RecallAtPrecision(_BestAt):
    """The best recall at which precision is at least a given value."""

    _argument, _wanted, _constrained = "precision", _sensitivity, _precision

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(precision, num_thresholds, class_id, name, dtype)
