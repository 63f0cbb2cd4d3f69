"""Batches that come one after the other: generators, iterables, tf.data, torch."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any

from lamella.errors import DataError
from lamella.train.feed.columns import columns, common_length, is_array, is_data, mapped
from lamella.train.feed.pack import Batch, unpack_x_y_sample_weight
from lamella.train.feed.source import Feed
from lamella.train.feed.weights import check_class_weight, class_weight_to_sample_weights, weights_for_outputs


class StreamFeed(Feed):
    """Takes ready batches from an iterator, or from an iterable anew for each pass.

    Args:   source: yields x, (x, y) or (x, y, sample_weight).
            aligned: as in `checked_batch`.
    Raises: DataError: a batch cannot be used; its number is named.
    """

    def __init__(self, source: Iterable[Any], steps: int | None = None, class_weight: Any = None, aligned: bool = True):
        super().__init__(steps)
        self.source, self.class_weight, self.aligned = source, class_weight, aligned
        self.restarts = not isinstance(source, Iterator)
        self._given = 0

    def one_pass(self, skip: int = 0) -> Generator[Batch, None, None]:
        self._given = self._given if not self.restarts else 0
        for batch in self._opened():
            self._given += 1
            if skip:
                skip -= 1
            else:
                yield self._checked(batch)

    def _opened(self) -> Iterable[Any]:
        """The source, to go through once."""
        return self.source

    def _checked(self, batch: Any) -> Batch:
        return checked_batch(batch, self.class_weight, f"Batch {self._given - 1}: ", self.aligned)


class TensorFlowFeed(StreamFeed):
    """A tf.data.Dataset."""

    def pass_length(self) -> int | None:
        count = self.source.cardinality()  # type: ignore[attr-defined]
        count = int(count.numpy() if hasattr(count, "numpy") else count)
        return count if count >= 0 else None

    def _opened(self) -> Iterable[Any]:
        return self.source.as_numpy_iterator()  # type: ignore[attr-defined]


class TorchFeed(StreamFeed):
    """A torch DataLoader."""

    def __init__(self, source: Any, steps: int | None = None, class_weight: Any = None, aligned: bool = True):
        super().__init__(source, steps, class_weight, aligned)
        self.batch_size = source.batch_size

    def pass_length(self) -> int | None:
        loader: Any = self.source
        return len(loader) if hasattr(loader.dataset, "__len__") else None


def checked_batch(batch: Any, class_weight: Any, where: str, aligned: bool = True) -> Batch:
    """A user's batch as (x, y, sample_weight) of arrays.

    Only where x and y are one array each do their first axes certainly count the same samples: those of a graph's
    nodes and edges, or of a network that pools sets, differ.

    Args:   where: what to begin an error with.
            aligned: whether the first axes of x and y count the same samples, so far as that can be known.
    Raises: DataError: it is none, or its parts do not fit together.
    """
    if not (is_array(batch) or (isinstance(batch, (list, tuple, dict)) and is_data(batch))):
        raise DataError(
            f"{where}this is no batch of arrays.",
            expected="x, (x, y) or (x, y, sample_weight)",
            received=f"{type(batch).__name__} {batch!r}"[:100],
        )
    x, y, sample_weight = (
        _ready(part, name) for part, name in zip(unpack_x_y_sample_weight(batch), _NAMES, strict=True)
    )
    if aligned and is_array(x) and is_array(y):
        common_length(x, y, sample_weight, where)
    check_class_weight(class_weight, y, sample_weight)
    if class_weight is not None:
        sample_weight = class_weight_to_sample_weights(y, class_weight)
    parts = len(batch) if isinstance(batch, (list, tuple)) else 0
    return Batch(x, y, weights_for_outputs(y, sample_weight), parts)


_NAMES = ("x", "y", "sample_weight")


def _ready(part: Any, name: str) -> Any:
    if is_array(part) and hasattr(part, "addressable_shards"):  # a jax array is where it should be
        return part
    return mapped(lambda column: column[:], columns(part, name))
