"""Intersection over union of segmentations, by class."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from lamella.config import epsilon
from lamella.errors import ArgumentError
from lamella.metrics.metric import Metric


class IoU(Metric):
    """The mean, over some classes, of |both| / |either|.

    Args:    num_classes: how many classes there are.
             target_class_ids: the classes that count.
             ignore_class: targets of this class number do not count.
             sparse_y_true, sparse_y_pred: class numbers; if False, one-hot or scores along `axis`.
    State:   total_confusion_matrix (num_classes, num_classes)
    Example: >>> round(float(IoU(2, [0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
             0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Any,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(name=name, dtype=dtype or "int32")
        if max(target_class_ids) >= num_classes:
            raise ArgumentError(
                f"Target class id {max(target_class_ids)} is out of range.", expected=f"less than {num_classes}"
            )
        self.num_classes, self.ignore_class, self.axis = num_classes, ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.target_class_ids = list(target_class_ids)
        shape = (num_classes, num_classes)
        self.total_cm = self.add_variable(shape, "zeros", dtype=self.dtype, name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        true, predicted = self._numbers(y_true, self.sparse_y_true), self._numbers(y_pred, self.sparse_y_pred)
        weights = jnp.asarray(1 if sample_weight is None else sample_weight).astype(self.dtype)
        weights = jnp.broadcast_to(weights.reshape(-1) if weights.ndim > 1 else weights, true.shape)
        counts = self._exists(true) & self._exists(predicted)
        if self.ignore_class is not None:
            counts &= true != self.ignore_class
        cells = jnp.where(counts, true, 0), jnp.where(counts, predicted, 0)
        self.total_cm.assign(self.total_cm.value.at[cells].add(jnp.where(counts, weights, 0)))

    def _numbers(self, y: Any, sparse: bool) -> jax.Array:
        y = jnp.asarray(y) if sparse else jnp.argmax(jnp.asarray(y), axis=self.axis)
        return y.astype("int32").reshape(-1)

    def _exists(self, numbers: jax.Array) -> jax.Array:
        return (numbers >= 0) & (numbers < self.num_classes)

    def result(self) -> jax.Array:
        matrix = self.total_cm.value.astype("float32")
        both = jnp.diag(matrix)
        either = jnp.sum(matrix, axis=0) + jnp.sum(matrix, axis=1) - both
        chosen = jnp.asarray(self.target_class_ids)
        both, either = both[chosen], either[chosen]
        occurs = either > 1e-9
        return jnp.sum(jnp.where(occurs, both / (either + epsilon()), 0)) / (jnp.sum(occurs) + epsilon())

    _config_names = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in self._config_names}}


class BinaryIoU(IoU):
    """IoU of the two classes on both sides of a threshold.

    Example: >>> round(float(BinaryIoU()([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
             0.5833
    """

    _config_names = ("target_class_ids", "threshold")

    def __init__(
        self,
        target_class_ids: Any = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        super().update_state(y_true, jnp.asarray(y_pred, "float32") >= self.threshold, sample_weight)


class MeanIoU(IoU):
    """The mean of the IoU of all classes."""

    _config_names = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        classes = range(num_classes)
        super().__init__(num_classes, classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """IoU for one-hot targets."""

    _config_names = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Any,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """The mean of the IoU of all classes, for one-hot targets."""

    _config_names = ("num_classes", "ignore_class", "sparse_y_pred", "axis")

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
