"""How many steps are handed to the device at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import accumulate, islice
from typing import Any

import jax
import numpy as np

from lamella import config
from lamella.lower import at_hand
from lamella.train.features import up_to_date
from lamella.train.feed import ArrayFeed, Feed
from lamella.train.joined import stacked
from lamella.train.step import Steps

_MOST_STEPS, _MOST_BYTES = 256, 8 << 20  # of one dispatch
_SECONDS = 0.1  # that one dispatch takes: the progress bar moves, and Ctrl-C is heard
_WORTH_IT = 4  # batches in an epoch
_SHORT = 0.3  # of an epoch: where batches take longer to make, they are made while the device computes


class Dispatch:
    """Runs the steps of one epoch in groups; a group is one program where that is faster.

    A group is what lies between two calls of the batch callbacks: `steps_per_execution`.  If none but the
    progress bar listens, and the data are arrays, so that nobody sees what is taken ahead, it is as many
    steps as go into a tenth of a second.

    Args: steps: of the model.
          kind: "train", "test" or "predict".
          every: `steps_per_execution`.
          listened: whether a callback wants every batch.
    """

    def __init__(self, steps: Steps, kind: str, data: Feed, every: int, listened: bool):
        self._steps, self._kind = steps, kind
        self._free = not listened and isinstance(data, ArrayFeed) and (data.num_batches or 0) >= _WORTH_IT
        self._joins = config.are_steps_joined() and (self._free or every > 1)
        self._most = min(_MOST_STEPS, _power_of_two(data.num_batches or 0)) if self._free else every
        self._like = kind, data.batch_size
        self._size = steps.paces.get(self._like, 1) if self._free and self._joins else every
        self._shapes: Any = None
        self._under_way: tuple[Any, int, float] | None = None
        self._kept: list[tuple[Any, int | None]] = []
        self._waits, self._last = True, None  # whether steps are waited for, so that each runs in this thread
        self._making = self._stepping = 0.0  # seconds, while they are and after the first

    def groups(self, batches: Iterator[Any]) -> Iterator[list[Any]]:
        """The batches between two calls of the callbacks."""
        begun, number = time.perf_counter(), 0
        while group := list(islice(batches, self._size)):
            made = time.perf_counter()
            yield group
            done = time.perf_counter()
            if not number:  # it compiled
                self._making = self._stepping = 0.0
            elif self._waits:
                self._making, self._stepping = self._making + made - begun, self._stepping + done - made
                self._waits = self._making <= _SHORT * (self._making + self._stepping)
            begun, number = done, number + 1

    def run(self, group: list[Any]) -> Any:
        """Makes a step on each batch; returns what the last one returned."""
        result, group = None, up_to_date(group)
        while group:
            alike = self._alike(group)
            result = self._together(group[:alike]) if alike else self._alone(group[0])
            group = group[alike or 1 :]
        return result

    def collected(self, begin: int = 0) -> Any:
        """What the steps of a prediction returned, one after the other, as NumPy arrays; None if there was none.

        Args: begin: the first step to collect, where a group begins.
        """
        firsts = accumulate((count or 1 for _, count in self._kept), initial=0)
        kept = [part for first, part in zip(firsts, self._kept, strict=False) if first >= begin]
        parts = [jax.tree.map(lambda leaf, count=count: _rows(leaf, count), result) for result, count in kept]
        return jax.tree.map(lambda *rows: np.concatenate(rows), *parts) if parts else None

    def _alone(self, batch: Any) -> Any:
        self._last = result = self._steps.run(self._kind, batch, self._waits, self._last)
        self._keep(result, None)
        return result

    def _together(self, batches: list[Any]) -> Any:
        begun = time.perf_counter()
        stack = stacked(batches, self._most)  # where steps are not waited for, the device is busy with those before
        if self._waits:
            self._making += (took := time.perf_counter() - begun)
            self._stepping -= took
        self._wait()
        result = self._steps.run_joined(self._kind, at_hand(stack) if self._waits else stack, len(batches))
        self._under_way = result, len(batches), time.perf_counter()
        self._keep(result, len(batches))
        return result

    def _keep(self, result: Any, count: int | None) -> None:
        if self._kind == "predict":
            self._kept.append((result, count))

    def _wait(self) -> None:
        """Until the steps before are done: no more than one group waits, and the pace is known."""
        if self._under_way is not None:
            result, count, since = self._under_way
            jax.block_until_ready(result)
            if self._free:
                pace = (time.perf_counter() - since) / count
                self._size = self._steps.paces[self._like] = max(1, min(self._most, int(_SECONDS / pace)))

    def _alike(self, group: list[Any]) -> int:
        """How many batches at the beginning of a group can be run as one program."""
        if not self._joins:
            return 0
        if self._shapes is None:
            self._begin(group[0])
        alike = 0
        while alike < min(len(group), self._most) and _shapes(group[alike]) == self._shapes:
            alike += 1
        return alike if self._joins and self._steps.joins(self._kind, group[0]) else 0

    def _begin(self, first: Any) -> None:
        """Decides by the first batch: how much memory a dispatch takes."""
        self._shapes = _shapes(first)
        self._most = min(self._most, _MOST_BYTES // max(sum(leaf.nbytes for leaf in jax.tree.leaves(first)), 1))
        self._joins = self._most > 1


def _shapes(batch: Any) -> Any:
    leaves, structure = jax.tree.flatten(batch)
    return structure, [(leaf.shape, leaf.dtype) for leaf in leaves]


def _power_of_two(number: int) -> int:
    """The next one: data of different lengths share compiled programs."""
    return 1 << (number - 1).bit_length()


def _rows(leaf: Any, count: int | None) -> np.ndarray:
    """The outputs of one step, or those of the first `count` steps of a stack, by rows."""
    array = np.asarray(leaf)
    return array if count is None else array[:count].reshape(-1, *array.shape[2:])
