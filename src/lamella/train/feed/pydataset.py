"""PyDataset: data that the user cuts into batches, by index."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import warnings
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from lamella.errors import DataError
from lamella.train.feed.columns import EmptyDataError, is_array
from lamella.train.feed.pack import Batch
from lamella.train.feed.source import Feed
from lamella.train.feed.streams import checked_batch


class PyDataset:
    """Subclass it and write `__getitem__(index)`, a batch, and `__len__` or `num_batches`.

    Args: workers: threads or processes that make batches ahead of time; 1 makes them in the loop.
          use_multiprocessing: processes in place of threads.
          max_queue_size: how many batches are made ahead, at most.
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10):
        self._workers, self._use_multiprocessing, self._max_queue_size = workers, use_multiprocessing, max_queue_size

    @property
    def workers(self) -> int:
        return self._setting("_workers", 1)

    @workers.setter
    def workers(self, value: int) -> None:
        self._workers = value

    @property
    def use_multiprocessing(self) -> bool:
        return self._setting("_use_multiprocessing", False)

    @use_multiprocessing.setter
    def use_multiprocessing(self, value: bool) -> None:
        self._use_multiprocessing = value

    @property
    def max_queue_size(self) -> int:
        return self._setting("_max_queue_size", 10)

    @max_queue_size.setter
    def max_queue_size(self, value: int) -> None:
        self._max_queue_size = value

    def _setting(self, name: str, default: Any) -> Any:
        if name not in vars(self):
            warnings.warn(
                f"{type(self).__name__}.__init__() does not call super().__init__(**kwargs): "
                "workers, use_multiprocessing and max_queue_size have their defaults.",
                stacklevel=3,
            )
            setattr(self, name, default)
        return vars(self)[name]

    def __getitem__(self, index: int) -> Any:
        """The batch at an index: x, (x, y) or (x, y, sample_weight)."""
        raise DataError(f"{type(self).__name__} does not define __getitem__(index).")

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    @property
    def num_batches(self) -> int | None:
        """The number of batches; a subclass may answer None for data without end."""
        if hasattr(self, "__len__"):
            return len(self)  # type: ignore[arg-type]
        raise DataError(
            f"{type(self).__name__} does not say how many batches it has.",
            fix="define __len__(), or the property num_batches",
        )

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch, e.g. to shuffle."""


class PyDatasetFeed(Feed):
    """The batches of a PyDataset, made by its workers if it has several.  Batches come in order of index.

    Args: shuffle: whether the order of the batches is drawn anew for each pass (by Python's generator, as in Keras).
          aligned: as in `checked_batch`.
    """

    def __init__(
        self,
        dataset: PyDataset,
        steps: int | None = None,
        shuffle: Any = False,
        class_weight: Any = None,
        aligned: bool = True,
    ):
        super().__init__(steps)
        self.dataset, self.shuffle, self.class_weight, self.aligned = dataset, shuffle, class_weight, aligned
        self._begun = False  # an epoch, by a look at its first batch
        if dataset.num_batches == 0:
            raise EmptyDataError(f"{type(dataset).__name__} is empty: it has 0 batches.")

    def pass_length(self) -> int | None:
        return self.dataset.num_batches

    def peek(self) -> Batch | None:
        self.on_epoch_begin()
        self._begun = True
        return super().peek()

    def on_epoch_begin(self) -> None:
        if not self._begun:
            self.dataset.on_epoch_begin()
        self._begun = False

    def on_epoch_end(self) -> None:
        self.dataset.on_epoch_end()

    def one_pass(self, skip: int = 0) -> Generator[Batch, None, None]:
        for index, batch in self._made(itertools.islice(self._order(), skip, None)):
            batch = (batch,) if is_array(batch) else batch  # as Keras has it; a dict stays as it is
            where = f"{type(self.dataset).__name__}[{index}]: "
            yield checked_batch(batch, self.class_weight, where, self.aligned)

    def _order(self) -> Iterator[int]:
        count = self.dataset.num_batches
        if count is None:
            return itertools.count()
        indices = list(range(count))
        if self.shuffle:
            random.shuffle(indices)
        return iter(indices)

    def _made(self, indices: Iterator[int]) -> Iterator[tuple[int, Any]]:
        if self.dataset.workers > 1 or (self.dataset.workers > 0 and self.dataset.use_multiprocessing):
            yield from _made_ahead(self.dataset, indices)
        else:
            for index in indices:
                yield index, self.dataset[index]


def _made_ahead(dataset: PyDataset, indices: Iterator[int]) -> Iterator[tuple[int, Any]]:
    """Yields (index, batch) in order, with a bounded number of batches in the making."""
    pool, batch_at = _pool(dataset)
    making: deque[tuple[int, Future[Any]]] = deque()
    try:
        for index in indices:
            making.append((index, pool.submit(batch_at, index)))
            if len(making) > max(dataset.max_queue_size, 1):
                yield _finished(making)
        while making:
            yield _finished(making)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _finished(making: deque[tuple[int, Future[Any]]]) -> tuple[int, Any]:
    index, future = making.popleft()
    return index, future.result()


def _pool(dataset: PyDataset) -> tuple[Executor, Any]:
    if not dataset.use_multiprocessing:
        return ThreadPoolExecutor(dataset.workers, thread_name_prefix="PyDataset"), dataset.__getitem__
    context = multiprocessing.get_context()
    return ProcessPoolExecutor(dataset.workers, context, initializer=_serve, initargs=(dataset,)), _batch_at


_served: list[PyDataset] = []  # in a worker process: the dataset it makes batches of


def _serve(dataset: PyDataset) -> None:
    _served[:] = [dataset]


def _batch_at(index: int) -> Any:
    return _served[0][index]
