"""A row: one piece of work, written once for every library that speaks Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

Work = Callable[[], Any]


@dataclass(frozen=True)
class Row:
    """What is measured, and how.

    Args:    prepare: sets up from the library (given as `keras`), unmeasured, and returns the work.
             title: what stands in the report.
             calls: pieces in one run of the work; seconds are per piece.
             repeats: measured runs, after two that do not count; their median is kept.
             cold: the very first run is the measured one.
             primed: a first process runs the same thing, and only the second one counts (cold, with caches on disk).
             before_import: `prepare` gets the library's name, and the work includes importing it.
             tolerance: by how much, relatively, peers' results may differ; None where they may be anything.
             needs: further packages.
             plain: libraries with the same work written by hand, in `plain_torch.py`, `plain_jax.py`.
    """

    prepare: Callable[[Any], Work]
    title: str
    calls: int = 1
    repeats: int = 5
    cold: bool = False
    primed: bool = False
    before_import: bool = False
    tolerance: float | None = 1e-3
    needs: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.prepare.__name__


ROWS: dict[str, Row] = {}


def row(title: str, **options: Any) -> Callable[[Callable[[Any], Work]], Callable[[Any], Work]]:
    """Adds the function below it to the table."""

    def add(prepare: Callable[[Any], Work]) -> Callable[[Any], Work]:
        ROWS[prepare.__name__] = Row(prepare, title, **options)
        return prepare

    return add


def measure(row: Row, work: Work, quick: bool = False) -> tuple[float, list[float]]:
    """Seconds for one piece of the work, and what its first run gave."""
    first, value = _timed(work)
    if row.cold:
        return first / row.calls, _summary(value)
    _timed(work)
    seconds = median(_timed(work)[0] for _ in range(1 if quick else row.repeats))
    return seconds / row.calls, _summary(value)


def _timed(work: Work) -> tuple[float, Any]:
    """Seconds until the result can be read, and the result."""
    start = perf_counter()
    value = work()
    value = [_read(leaf) for leaf in value] if isinstance(value, (list, tuple)) else [_read(value)]
    return perf_counter() - start, value


def _read(value: Any) -> Any:
    """The value as NumPy has it, which waits for whoever still computes it."""
    if value is None:
        return None
    import numpy as np

    return np.asarray(value.detach() if hasattr(value, "detach") else value)


def _summary(values: list[Any]) -> list[float]:
    """The root mean square of each result."""
    return [float((value.astype("float64") ** 2).mean() ** 0.5) for value in values[:32] if value is not None]
