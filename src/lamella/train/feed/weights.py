"""Weights of samples: given, or by their class."""

from __future__ import annotations

from numbers import Real
from typing import Any

import jax.numpy as jnp
import numpy as np

from lamella.config import floatx
from lamella.errors import DataError
from lamella.train.feed.columns import mapped


def class_weight_to_sample_weights(y: Any, class_weight: dict[int, float]) -> np.ndarray:
    """One weight a sample, from integer labels (…, or …, 1) or one-hot rows.  A class not named weighs 1.

    Example: >>> class_weight_to_sample_weights(np.array([0, 1, 2]), {0: 0.5, 2: 3.0}).tolist()
             [0.5, 1.0, 3.0]
    """
    y = np.asarray(y)
    if y.ndim > 1:
        y = y.argmax(-1) if y.shape[-1] != 1 else y[..., 0]
    labels, places = np.unique(np.round(y).astype("int32"), return_inverse=True)
    table = [class_weight.get(int(label), 1.0) for label in labels]
    return np.array(table, jnp.dtype(floatx()))[places.reshape(y.shape)]


def check_class_weight(class_weight: Any, y: Any, sample_weight: Any) -> None:
    """Raises DataError where class_weight cannot be used with these targets."""
    if class_weight is None:
        return
    if sample_weight is not None:
        raise DataError("class_weight and sample_weight cannot both be given.", fix="multiply them into sample_weight")
    if isinstance(y, (list, tuple, dict)):
        raise DataError(
            "class_weight needs a model with one output.", fix="pass sample_weight, one array for each output"
        )
    if y is None:
        raise DataError("class_weight needs y.")
    if not isinstance(class_weight, dict) or not all(_is_weight(*item) for item in class_weight.items()):
        raise DataError("class_weight is a dict {class index: weight}.", received=repr(class_weight)[:80])


def _is_weight(label: Any, weight: Any) -> bool:
    return isinstance(label, (int, np.integer)) and isinstance(weight, (Real, np.number))


def weights_for_outputs(y: Any, sample_weight: Any) -> Any:
    """Sample weights in the structure of y: one array serves all outputs.

    Raises: DataError: other outputs than y has, or weights that are not one a sample.
    """
    if sample_weight is None or not isinstance(y, (list, tuple, dict)):
        return sample_weight
    if not isinstance(sample_weight, (list, tuple, dict)):
        shape = sample_weight.shape
        if len(shape) > 1 and shape[1:] != (1,):
            raise DataError(
                "One sample_weight for several outputs has one number a sample.",
                expected=f"shape ({shape[0]},)",
                received=f"shape {shape}",
                fix="pass one array for each output",
            )
        return mapped(lambda _: sample_weight, y)
    ours, theirs = _keys(sample_weight), _keys(y)
    if ours != theirs:
        raise DataError("sample_weight does not match the outputs in y.", expected=theirs, received=ours)
    return sample_weight


def _keys(data: Any) -> Any:
    return sorted(map(str, data)) if isinstance(data, dict) else f"{len(data)} outputs"
