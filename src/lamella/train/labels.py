"""Class numbers that no class has: a loss would not notice them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lamella import losses
from lamella.errors import DataError


class Classes(NamedTuple):
    """What the targets of an output may be.

    output:  its place among the model's outputs.
    name:    its name, where the model gives one.
    count:   of its classes.
    ignored: a number that stands for no class, or None.
    """

    output: int
    name: str | None
    count: int
    ignored: int | None


def classes_of(loss: Any, y_pred: Any, output: int, name: str | None) -> Classes | None:
    """The classes that a loss expects as numbers; None if it expects something else."""
    if getattr(loss, "fn", None) is not losses.sparse_categorical_crossentropy or not y_pred.shape:
        return None
    options = loss._fn_kwargs
    count = y_pred.shape[options.get("axis", -1)]
    return (
        None if not isinstance(count, int) or count < 2 else Classes(output, name, count, options.get("ignore_class"))
    )


def check_labels(classes: Classes, labels: Any, weights: Any, where: str) -> None:
    """Looks for class numbers out of range; those of weight 0 may be anything.

    Args:   labels: the targets of an output; only NumPy arrays are looked at.
            weights: of the samples, or None.
            where: what errors begin with, such as "fit()".
    Raises: DataError: there is one.
    """
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iuf" or not labels.size:
        return
    if labels.min() >= 0 and labels.max() < classes.count:
        return
    wrong = ~((labels >= 0) & (labels < classes.count))  # NaN too
    if classes.ignored is not None:
        wrong &= labels != classes.ignored
    if isinstance(weights, np.ndarray) and weights.shape == labels.shape[: weights.ndim]:
        wrong &= weights.reshape(weights.shape + (1,) * (labels.ndim - weights.ndim)) != 0
    places = np.argwhere(wrong)
    if not len(places):
        return
    more = f"give the last layer {int(labels.max()) + 1} units, " if labels.max() >= classes.count else ""
    raise DataError(
        f"{where}: y has label {labels[tuple(places[0])]:g} at sample {places[0][0]} "
        f"({len(np.unique(places[:, 0]))} of {len(labels)} samples have such a one), "
        f"but {f'output {classes.name!r}' if classes.name else 'the output'} has {classes.count} classes.",
        expected=f"labels from 0 to {classes.count - 1}",
        fix=f"{more}number the labels from 0 (np.unique(y, return_inverse=True)), or name the one that is not to "
        "count: SparseCategoricalCrossentropy(ignore_class=…)",
    )
