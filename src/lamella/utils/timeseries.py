"""Windows over a series, in batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamella.errors import ArgumentError
from lamella.utils.indexed import IndexedBatches


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> IndexedBatches:
    """Windows over a series, in batches.

    Args:    data: steps first.
             targets: the target at i belongs to the window that begins at i; None: windows alone.
             sequence_length: steps in a window.
             sequence_stride: steps from the begin of a window to that of the next.
             sampling_rate: steps from one step of a window to the next.
             start_index, end_index: use only this part of the data.
    Shape:   a batch of windows is (batch, sequence_length, ...)
    Raises:  ArgumentError: a number that does not fit the data.
    Example: >>> windows, next_steps = timeseries_dataset_from_array(np.arange(9), np.arange(3, 9), 3)[0]
             >>> windows.shape, next_steps.tolist()
             ((6, 3), [3, 4, 5, 6, 7, 8])
    """
    _check_series(len(data), start_index, end_index, sampling_rate, sequence_stride, format)
    start, end = start_index or 0, len(data) if end_index is None else end_index
    data = np.asarray(data)[start:end]
    count = end - start - (sequence_length - 1) * sampling_rate
    if targets is not None:
        targets = np.asarray(targets)[start:end]
        count = min(count, len(targets))
    steps = np.arange(sequence_length) * sampling_rate

    def make(begins: Any) -> Any:
        windows = data[np.expand_dims(begins, -1) + steps]
        return windows if targets is None else (windows, targets[begins])

    begins = np.arange(0, max(count, 0), sequence_stride)
    return IndexedBatches(begins, make, batch_size, shuffle, seed)


def _check_series(
    length: int, start: int | None, end: int | None, sampling_rate: int, stride: int, format: str
) -> None:
    rules = [
        ("start_index", start, 0, length),
        ("end_index", end, (start or 0) + 1, length),
        ("sampling_rate", sampling_rate, 1, length),
        ("sequence_stride", stride, 1, length),
    ]
    for name, value, least, limit in rules:
        if value is not None and not least <= value < limit:
            raise ArgumentError(
                f"timeseries_dataset_from_array() cannot take {name}={value} for data of length {length}.",
                expected=f"at least {least}, below {limit}",
            )
    if format not in ("tf", "grain"):
        raise ArgumentError("`format` is 'tf' or 'grain' (batches are NumPy arrays for both).", received=repr(format))
