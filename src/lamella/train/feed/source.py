"""Feed: batches for one epoch after another, whatever they come from."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterator
from itertools import chain, islice

from lamella.train.feed.pack import Batch


class Feed:
    """Gives the batches of an epoch; subclasses say how one pass over their data goes.

    With `steps`, an epoch is that many batches, and the next epoch goes on where
    this one stopped; without, an epoch is one pass.

    Args: steps: batches in an epoch, or None.
    """

    batch_size: int | None = None
    num_samples: int | None = None
    is_checked = False
    """Whether its targets were looked at, once."""
    asked_by: str | None = None
    """What errors begin with; else the method that takes the batches."""
    restarts = True
    """Whether a new pass can be begun (a Python generator runs only once)."""

    def __init__(self, steps: int | None = None):
        self.steps = steps
        self._pass: Generator[Batch, None, None] | None = None
        self._ahead: list[Batch] = []  # at most one batch, that was looked at
        self._seen = 0  # batches of the present pass
        self._counted: int | None = None  # batches of the last whole pass

    def one_pass(self, skip: int = 0) -> Generator[Batch, None, None]:
        """Yields (x, y, sample_weight) once over the data, without the first `skip` batches."""
        raise TypeError(f"{type(self).__name__} does not define one_pass().")

    def pass_length(self) -> int | None:
        """The number of batches in a pass, or None if only the data knows."""
        return None

    @property
    def num_batches(self) -> int | None:
        """The number of batches in an epoch; None until it is known."""
        return self.steps or self.pass_length() or self._counted

    def batches(self, skip: int = 0) -> Iterator[Batch]:
        """Yields the batches of one epoch as (x, y, sample_weight).

        Args:  skip: leaves out so many at the start (to resume inside of an epoch).
        Warns: the data ended before `steps`.
        """
        taken = skip
        try:
            for batch in self._from_here(skip):
                taken += 1
                yield batch
                if taken == self.steps:
                    return
            self._say_if_short(taken)
        finally:
            if self.steps is None:
                self.close()

    def peek(self) -> Batch | None:
        """The first batch of the next epoch, which still gives it; None if there is none."""
        for batch in self._from_here(0):
            self._ahead.append(batch)
            self._seen -= 1
            return batch
        return None

    def known(self, batch: Batch) -> Batch:
        """What can be looked at before the first step: all data if they are there, else the first batch."""
        return batch

    def on_dry_run(self) -> None:
        """Called before the first epoch of a model that is not built yet, which Keras runs dry on a first batch."""

    def on_epoch_begin(self) -> None:
        """Called by the loop before the batches of an epoch."""

    def on_epoch_end(self) -> None:
        """Called by the loop after the batches of an epoch."""

    def close(self) -> None:
        """Ends a pass that was begun, with whatever threads it has; the next epoch begins a new one."""
        begun, self._pass, self._seen = self._pass, None, 0
        self._ahead.clear()
        if begun is not None:
            begun.close()

    def _from_here(self, skip: int) -> Iterator[Batch]:
        """The batches to the end of the present pass, or of a new one if that is at its end."""
        if self._seen and self._seen == self.pass_length():
            self.close()
        again = self._seen > 0 and self.restarts
        for batch in self._to_end(skip):
            again = False
            yield batch
        if again:
            yield from self._to_end(skip)

    def _to_end(self, skip: int) -> Iterator[Batch]:
        if self._pass is None:
            self._pass, self._seen = self.one_pass(skip), skip
        elif skip:
            self._seen += sum(1 for _ in islice(chain(self._ahead, self._pass), skip))
            self._ahead.clear()
        for batch in chain(self._ahead[:], self._pass):
            self._ahead.clear()
            self._seen += 1
            yield batch
        self._counted = self._seen
        self.close()

    def _say_if_short(self, taken: int) -> None:
        if self.steps and taken < self.steps:
            warnings.warn(
                f"The data ended after {taken} of {self.steps} steps of the epoch. "
                "Pass a smaller steps_per_epoch, or data that goes on (`.repeat()` for a tf.data.Dataset).",
                stacklevel=3,
            )
        elif not taken:
            warnings.warn(
                "The data had no more batches for this epoch. A generator runs only once: "
                "pass steps_per_epoch and let it run on, or a PyDataset, which begins anew.",
                stacklevel=3,
            )
