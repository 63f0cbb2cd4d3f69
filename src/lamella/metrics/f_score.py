"""F-scores: the harmonic mean of precision and recall."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.config import epsilon
from lamella.errors import ArgumentError, ShapeError
from lamella.losses import counted, without_uncounted
from lamella.metrics.metric import Metric

_AVERAGES = (None, "micro", "macro", "weighted")
_COUNTS = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")


class FBetaScore(Metric):
    """(1 + β²) · precision · recall / (β² · precision + recall), for each class or averaged.

    Args:    average: None (a score for each class), "micro" (over all decisions), "macro" (mean of the classes),
                 or "weighted" (by how often a class occurs).
             beta: above 1 recall counts more, below 1 precision.
             threshold: what counts as a yes; the largest prediction of a sample if None.
    Shape:   targets and predictions (batch, classes)
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ):
        super().__init__(name=name, dtype=dtype)
        if average not in _AVERAGES:
            raise ArgumentError("Invalid `average` argument value.", expected=_AVERAGES, received=repr(average))
        if not isinstance(beta, float) or beta <= 0:
            raise ArgumentError("Invalid `beta` argument value.", expected="a float above 0", received=repr(beta))
        if threshold is not None and not (isinstance(threshold, float) and 0 < threshold <= 1):
            raise ArgumentError(
                "Invalid `threshold` argument value.", expected="a float, 0 < threshold <= 1", received=repr(threshold)
            )
        self.average, self.beta, self.threshold = average, beta, threshold
        self.axis = None if average == "micro" else 0
        self._built = False

    def _build(self, y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]) -> None:
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2:
            raise ShapeError(
                f"{type(self).__name__} expects 2D inputs.",
                expected="(batch, classes), one-hot",
                received=f"y_true {y_true_shape}, y_pred {y_pred_shape}",
            )
        for name in _COUNTS:
            shape = () if self.average == "micro" else y_pred_shape[1:]
            setattr(self, name, self.add_variable(shape, "zeros", dtype=self.dtype, name=name))
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        y_true, y_pred = jnp.asarray(y_true, self.dtype), jnp.asarray(y_pred, self.dtype)
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        if sample_weight is not None:
            where = counted(sample_weight, None)
            y_true, y_pred = (without_uncounted(y, where, 0) for y in (y_true, y_pred))
        yes = self._decided(y_pred).astype(self.dtype)
        weights = 1 if sample_weight is None else jnp.asarray(sample_weight, self.dtype)[:, None]
        for name, part in zip(_COUNTS, (yes * y_true, yes * (1 - y_true), (1 - yes) * y_true, y_true), strict=True):
            getattr(self, name).assign_add(jnp.sum(part * weights, axis=self.axis))

    def _decided(self, y_pred: jax.Array) -> jax.Array:
        if self.threshold is not None:
            return y_pred > self.threshold
        return (y_pred >= jnp.max(y_pred, axis=-1, keepdims=True)) & (jnp.abs(y_pred) > 1e-9)

    def result(self) -> jax.Array:
        right, added, missed, weights = (getattr(self, name).value for name in _COUNTS)
        precision, recall = right / (right + added + epsilon()), right / (right + missed + epsilon())
        squared = self.beta**2
        score = precision * recall / (squared * precision + recall + epsilon()) * (1 + squared)
        if self.average == "weighted":
            return jnp.sum(score * weights / (jnp.sum(weights) + epsilon()))
        return score if self.average is None else jnp.mean(score)

    def get_config(self) -> dict[str, Any]:
        own = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return {**super().get_config(), **own}


class F1Score(FBetaScore):
    """2 · precision · recall / (precision + recall), for each class or averaged.

    Example: >>> keras.metrics.F1Score(threshold=0.5)([[1, 0], [0, 1]], [[0.9, 0.1], [0.2, 0.8]]).round(3).tolist()
             [1.0, 1.0]
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ):
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        return {key: value for key, value in super().get_config().items() if key != "beta"}
