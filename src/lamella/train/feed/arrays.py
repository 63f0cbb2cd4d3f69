"""Batches of arrays in memory."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Any

import numpy as np

from lamella.errors import DataError
from lamella.train.feed.columns import as_batch, columns, common_length, mapped
from lamella.train.feed.pack import Batch
from lamella.train.feed.source import Feed
from lamella.train.feed.weights import check_class_weight, class_weight_to_sample_weights, weights_for_outputs


class ArrayFeed(Feed):
    """Cuts arrays into batches, row by row in step; shuffles with NumPy's global generator, as Keras does.

    Args:   shuffle: True for a new order of all samples in each pass; "batch" to shuffle inside of
              each batch only; False.
    Raises: DataError: the arrays cannot be used together.
    """

    num_samples: int
    batch_size: int

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool | str = False,
        class_weight: dict[int, float] | None = None,
    ):
        super().__init__(steps)
        x, y, sample_weight = columns(x, "x"), columns(y, "y"), columns(sample_weight, "sample_weight")
        self.num_samples = common_length(x, y, sample_weight)
        check_class_weight(class_weight, y, sample_weight)
        if class_weight is not None:
            sample_weight = class_weight_to_sample_weights(y, class_weight)
        self.columns = Batch(x, y, weights_for_outputs(y, sample_weight))
        self.batch_size = batch_size or (math.ceil(self.num_samples / steps) if steps else 32)
        self.shuffle = shuffle

    def known(self, batch: Batch) -> Batch:
        return self.columns

    def pass_length(self) -> int:
        return math.ceil(self.num_samples / self.batch_size)

    def order(self) -> np.ndarray | None:
        """The order of the samples in a new pass; None for the order they are in."""
        count, size = self.num_samples, self.batch_size
        if self.shuffle == "batch":
            starts = range(0, count, size)
            return np.concatenate([start + np.random.permutation(min(size, count - start)) for start in starts])
        return np.random.permutation(count) if self.shuffle else None

    def on_dry_run(self) -> None:
        self.order()  # one order is drawn and not used, so that the next ones are those of Keras

    def one_pass(self, skip: int = 0) -> Generator[Batch, None, None]:
        order, size = self.order(), self.batch_size
        for start in range(skip * size, self.num_samples, size):
            yield self.rows(slice(start, start + size) if order is None else order[start : start + size])

    def rows(self, rows: Any) -> Batch:
        """The samples at these places, as a batch."""
        return Batch(*mapped(lambda column: as_batch(column[rows]), self.columns), parts=self.columns.parts)

    def peek(self) -> Batch:
        return self.rows(slice(0, self.batch_size))


def check_batch_size(batch_size: Any) -> None:
    """Raises DataError unless it is a whole number of at least 1, or None."""
    if batch_size is None:
        return
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise DataError(
            "batch_size cannot be used.", expected="an integer of at least 1, or None", received=repr(batch_size)
        )
