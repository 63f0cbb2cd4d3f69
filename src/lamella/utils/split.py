"""split_dataset: one part to train on, one to test on."""

from __future__ import annotations

import random
from typing import Any

import jax
import numpy as np

from lamella.errors import ArgumentError, DataError
from lamella.utils.indexed import IndexedBatches


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:
    """Splits samples into a left and a right part.

    Args:    dataset: an array, a list or tuple of arrays of one length, or an iterable of samples.
             left_size, right_size: fractions, or numbers of samples; one may be None.
             preferred_backend: accepted for Keras code; samples are NumPy arrays.
    Returns: two datasets that yield samples (tuples of them for a list or tuple).
    Raises:  ArgumentError: sizes that do not fit.  DataError: no samples, or arrays of several lengths.
    Example: >>> left, right = split_dataset(np.arange(10), left_size=0.8)
             >>> len(left), len(right)
             (8, 2)
    """
    samples = _samples(dataset)
    left, right = _sizes(left_size, right_size, len(samples))
    if shuffle:
        random.Random(seed).shuffle(samples)
    return _as_dataset(samples[:left]), _as_dataset(samples[len(samples) - right :])


def _samples(dataset: Any) -> list[Any]:
    if isinstance(dataset, (list, tuple)):
        lengths = {len(array) if isinstance(array, np.ndarray) else None for array in dataset}
        if len(lengths) != 1 or None in lengths:
            raise DataError("split_dataset() takes arrays of one length.", received=[np.shape(a) for a in dataset])
        dataset = zip(*dataset, strict=True)
    elif not hasattr(dataset, "__iter__"):
        if not hasattr(dataset, "__getitem__"):
            raise DataError("split_dataset() takes arrays, or an iterable of samples.", received=type(dataset).__name__)
        dataset = (dataset[index] for index in range(len(dataset)))  # a torch Dataset
    samples = list(dataset)
    if not samples:
        raise DataError("split_dataset() got no samples.")
    return samples


def _sizes(left: float | None, right: float | None, total: int) -> tuple[int, int]:
    if left is None and right is None:
        raise ArgumentError("split_dataset() needs left_size or right_size.")
    counts = [_count(name, size, total) for name, size in (("left_size", left), ("right_size", right))]
    first, second = (total - (counts[1 - i] or 0) if counts[i] is None else counts[i] or 0 for i in (0, 1))
    if first + second > total or first == 0 or second == 0:
        raise ArgumentError(
            f"{total} samples cannot be split like this: no part may be empty, and both must fit.",
            received=f"left_size={left}, right_size={right}",
        )
    return first, second


def _count(name: str, size: float | None, total: int) -> int | None:
    if size is None:
        return None
    if isinstance(size, float) and 0 <= size <= 1:
        return round(size * total)
    if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < total:
        return size
    raise ArgumentError(f"{name} is a fraction, or a number of samples below {total}.", received=repr(size))


def _as_dataset(samples: list[Any]) -> IndexedBatches:
    def sample(index: Any) -> Any:
        return jax.tree.map(np.asarray, samples[index])

    return IndexedBatches(np.arange(len(samples)), sample, batch_size=None, shuffle=False, seed=None)
