"""Work that leaves no trace in what this process counts and draws."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

from lamella.state.names import _counts
from lamella.state.seed import _global


@contextmanager
def untouched() -> Iterator[None]:
    """Leaves the counts of automatic names, the global seed and Python's generator as they were.

    Example: >>> with untouched():
             ...     _ = SeedGenerator(name="x")
             >>> from lamella.state.names import auto_name
             >>> auto_name("untouched_example")
             'untouched_example'
    """
    counts, drawn, generator = _counts.copy(), list(_global), random.getstate()
    try:
        yield
    finally:
        _counts.clear()
        _counts.update(counts)
        _global[:] = drawn
        random.setstate(generator)
