"""Counting batches, to do something after every so many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamella.errors import ArgumentError


class Every:
    """Says when `freq` batches have gone by; batch numbers may jump, and begin anew each epoch.

    Args:   freq: a number of batches, or "epoch": never here.
    Raises: ArgumentError: `freq` is neither.
    """

    def __init__(self, freq: int | str):
        if freq != "epoch" and (not isinstance(freq, int) or isinstance(freq, bool) or freq < 1):
            raise ArgumentError(
                "save_freq cannot be used.", expected="'epoch', or a number of batches", received=repr(freq)
            )
        self.freq = freq
        self._waiting = 0
        self._last = -1

    def is_due(self, batch: int) -> bool:
        """Counts up to a batch, and whether that is enough."""
        self._waiting += batch + 1 if batch <= self._last else batch - self._last
        self._last = batch
        if not isinstance(self.freq, int) or self._waiting < self.freq:
            return False
        self._waiting = 0
        return True


def idle_if(rests: Callable[[Any], bool]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Marks a moment of batches at which its callback does not listen while `rests(callback)`."""

    def mark(method: Callable[..., Any]) -> Callable[..., Any]:
        method.is_idle = rests  # type: ignore[attr-defined]
        return method

    return mark


counting = idle_if(lambda callback: callback.save_freq == "epoch")
"""Marks a moment at which its callback only counts batches: with `save_freq="epoch"` it does not listen."""
