"""IndexedBatches: batches made when they are asked for, from the numbers of their samples."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from lamella.errors import StateError
from lamella.train.feed import PyDataset


class IndexedBatches(PyDataset):
    """Batches made from sample numbers, whose order is drawn anew every epoch if asked for.

    Args: order: the numbers of the samples.
          make: a batch from an array of sample numbers (from one number if `batch_size` is None).
    """

    def __init__(
        self, order: np.ndarray, make: Callable[[Any], Any], batch_size: int | None, shuffle: bool, seed: int | None
    ):
        super().__init__()
        self._order, self._make, self._batch_size, self._seed = order, make, batch_size, seed
        self._generator = np.random.RandomState(seed) if shuffle else None
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self._order) / (self._batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(index)
        if self._batch_size is None:
            return self._make(self._order[index])
        return self._make(self._order[index * self._batch_size : (index + 1) * self._batch_size])

    def on_epoch_end(self) -> None:
        if self._generator is not None:
            self._order = self._generator.permutation(self._order)

    def batch(self, batch_size: int) -> IndexedBatches:
        """The same samples, so many at a time."""
        if self._batch_size is not None:
            raise StateError(f"The dataset has batches already, of {self._batch_size} samples.")
        make, shuffles = self._make, self._generator is not None

        def stacked(numbers: Any) -> Any:
            return jax.tree.map(lambda *parts: np.stack(parts), *[make(number) for number in numbers])

        return IndexedBatches(self._order, stacked, batch_size, shuffles, self._seed)
