"""feed(): whatever the user passes to fit, evaluate or predict, as a Feed."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from lamella.errors import DataError
from lamella.train.feed.arrays import ArrayFeed, check_batch_size
from lamella.train.feed.columns import as_batch, is_data, mapped
from lamella.train.feed.pack import Batch
from lamella.train.feed.pydataset import PyDataset, PyDatasetFeed
from lamella.train.feed.source import Feed
from lamella.train.feed.streams import StreamFeed, TensorFlowFeed, TorchFeed, checked_batch


def feed(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool | str = False,
    class_weight: dict[int, float] | None = None,
    aligned: bool = True,
) -> Feed:
    """Batches of whatever `fit` takes.

    Args:    x: arrays, or one source of batches: a `PyDataset`, a generator or other iterable,
               a tf.data.Dataset, a torch DataLoader.
             y, sample_weight: arrays; a source of batches brings its own.
             batch_size: for arrays; 32 if None, or what makes `steps` batches.
             steps: batches in an epoch; None for all there are.
             shuffle: True, False, or "batch"; arrays and PyDatasets only.
             class_weight: {class: weight}, for one output.
             aligned: whether x and y of a ready batch must have as many samples.
    Raises:  DataError: said before the first step where it can be known.
    Example: >>> [b.tolist() for b, _, _ in feed(np.arange(5), batch_size=2).batches()]
             [[0, 1], [2, 3], [4]]
    """
    check_batch_size(batch_size)
    _check_steps(steps)
    if shuffle not in (True, False, "batch", None):
        raise DataError("shuffle cannot be used.", expected='True, False or "batch"', received=repr(shuffle))
    if isinstance(x, Feed):
        return x
    if _is_arrays(x):
        _check_target(y, "y")
        _check_target(sample_weight, "sample_weight")
        return ArrayFeed(x, y, sample_weight, batch_size, steps, shuffle or False, class_weight)
    _check_alone(x, y, sample_weight)
    if isinstance(x, PyDataset):
        return PyDatasetFeed(x, steps, shuffle, class_weight, aligned)
    kind = next((kind for kind, name, module in _FOREIGN if _is_a(x, name, module)), None)
    if kind is None and (not isinstance(x, Iterable) or isinstance(x, (str, bytes, set))):
        raise _not_data(x)
    if shuffle == "batch":  # True is what fit() passes when nobody chose
        warnings.warn(f"shuffle has no effect on a {type(x).__name__}: shuffle where it is made.", stacklevel=4)
    return (kind or StreamFeed)(x, steps, class_weight, aligned)


def only_batch(
    x: Any, y: Any = None, sample_weight: Any = None, class_weight: dict[int, float] | None = None, parts: int = 3
) -> Batch:
    """All samples of arrays as one batch, which need not be as many in x as in y; the first one of a source of batches.

    Args:    parts: of `Batch`, for arrays.
    Raises:  DataError: there is none, or it cannot be used.
    """
    if _is_arrays(x):
        _check_target(y, "y")
        _check_target(sample_weight, "sample_weight")
        batch = checked_batch((x, y, sample_weight), class_weight, "", aligned=False)
        return Batch(*mapped(as_batch, tuple(batch)), parts=parts)
    first = feed(x, y, sample_weight, class_weight=class_weight, aligned=False).peek()
    if first is None:
        raise DataError("There is no batch: the data is empty.", fix="pass at least one sample")
    return first


_FOREIGN = [
    (TensorFlowFeed, "DatasetV2", "tensorflow."),
    (TorchFeed, "DataLoader", "torch.utils.data"),
]


def _is_a(value: Any, name: str, module: str) -> bool:
    """Whether one of a value's classes is `name` from a package that need not be installed."""
    return any(cls.__name__ == name and cls.__module__.startswith(module) for cls in type(value).__mro__)


def _is_arrays(x: Any) -> bool:
    return isinstance(x, (list, tuple, dict)) or (is_data(x) and not isinstance(x, (str, bytes, PyDataset)))


def _check_target(value: Any, name: str) -> None:
    if value is not None and not is_data(value):
        raise DataError(f"{name} is no array.", expected="arrays, like x", received=type(value).__name__)


def _check_alone(x: Any, y: Any, sample_weight: Any) -> None:
    for value, name in ((y, "y"), (sample_weight, "sample_weight")):
        if value is not None:
            raise DataError(
                f"{name} was given beside a {type(x).__name__}, which brings its own.",
                expected=f"{name} as a part of each batch: (x, y) or (x, y, sample_weight)",
                fix=f"leave {name} out of the call",
            )


def _check_steps(steps: Any) -> None:
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1):
        raise DataError(
            "The number of steps cannot be used.", expected="an integer of at least 1, or None", received=repr(steps)
        )


def _not_data(x: Any) -> DataError:
    is_function = callable(x) and not isinstance(x, Iterator)
    return DataError(
        "x is nothing that batches can be made of." if x is not None else "There is no data: x is None.",
        expected="arrays, a PyDataset, a generator, a tf.data.Dataset or a DataLoader",
        received=type(x).__name__,
        fix="call the function: the generator it returns is the data" if is_function else None,
    )
