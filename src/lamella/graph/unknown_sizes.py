"""Running a function on shapes in which some sizes are unknown (None).

Unknown sizes get numbers, and a result is called known where it is the same for
several of them.  Usually two numbers with many divisors do.  A function that does
not run with these (a fixed number of tokens, a table of a fixed length, two
tensors that complete each other) is searched for numbers with which it runs: the
sizes that its error names tell which ones to try.  So None never refuses what
some size makes right, and what no size makes right still fails with its error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, product
from typing import Any, TypeVar

import jax

from lamella.errors import LamellaError, ShapeError, UnknownSizeError
from lamella.state import Trial, frame

R = TypeVar("R")
Shape = tuple[int | None, ...]
Place = tuple[int, int]
"""Which unknown size: (number of the tensor, axis)."""

STAND_INS = (2520, 5040)
_SMALLER = (264, 44)  # for functions that limit a length
_ALL_STAND_INS = frozenset({*STAND_INS, *_SMALLER})
_RUNS = 48  # of one search
_CANDIDATES = 6  # of one group of sizes
_TUPLE = re.compile(r"\((\d+(?:, ?\d+)+),?\)")


def run_on_shapes(run: Callable[[list[tuple[int, ...]]], R], shapes: Sequence[Shape]) -> list[R]:
    """Runs a function on shapes, with numbers in place of unknown sizes.

    Args:    run: takes a list of shapes without None.
             shapes: what it is run on, with None for unknown sizes.
    Returns: the results of one run or more.  What differs between them depends on unknown sizes.
    Raises:  the function's own error, where no size is found with which it runs.
    """
    places = [(index, axis) for index, shape in enumerate(shapes) for axis, size in enumerate(shape) if size is None]
    if not places:
        return [run([tuple(shape) for shape in shapes])]  # type: ignore[misc]
    search = _Search(run, shapes, places)
    try:
        return [search.attempt(dict.fromkeys(places, size)) for size in STAND_INS]
    except Exception as error:
        found = search.find(error) if _is_about_sizes(error) else None
        if found is None:
            raise
        return found


def common_shape(shapes: Sequence[Sequence[int]]) -> Shape:
    """One shape for several: None where they differ."""
    return tuple(sizes[0] if len({*sizes}) == 1 else None for sizes in zip(*shapes, strict=True))


class _Search:
    """Looks for sizes with which a function runs."""

    def __init__(self, run: Callable[[list[tuple[int, ...]]], Any], shapes: Sequence[Shape], places: list[Place]):
        self._run, self._shapes, self._places = run, shapes, places
        self._left = _RUNS

    def attempt(self, sizes: dict[Place, int]) -> Any:
        filled = [
            tuple(sizes[index, axis] if size is None else size for axis, size in enumerate(shape))
            for index, shape in enumerate(self._shapes)
        ]
        trial = Trial(_ALL_STAND_INS & {*sizes.values()})
        try:
            with frame(trial=trial):
                return self._run(filled)
        except Exception:
            for undo in reversed(trial.undo):
                undo()
            raise

    def find(self, error: Exception) -> list[Any] | None:
        """The results of runs that work, or None."""
        start = dict.fromkeys(self._places, STAND_INS[0])
        others = [dict.fromkeys(self._places, size) for size in _SMALLER]
        pending = [(start, error)]
        try:
            while pending:
                start, error = pending.pop(0)
                for sizes in (*others, *self._proposals(start, error)):
                    result = self._try(sizes)
                    if not isinstance(result, Exception):
                        return [result, *self._variations(sizes)]
                    if _numbers(result)[0] != _numbers(error)[0]:  # it came further, perhaps
                        pending.append((sizes, result))
                others = []
        except _Exhausted:
            pass
        return None

    def _try(self, sizes: dict[Place, int]) -> Any:
        """The result, or the error."""
        if not self._left:
            raise _Exhausted
        self._left -= 1
        try:
            return self.attempt(sizes)
        except Exception as error:
            return error

    def _proposals(self, start: dict[Place, int], error: Exception) -> Iterator[dict[Place, int]]:
        """Sizes to try: changes of one group that its error suggests, then of two."""
        groups: list[tuple[frozenset[Place], list[int]]] = []
        for group in self._groups(start):
            before = {start[place] for place in group}
            if before != {STAND_INS[0]}:
                continue  # chosen already
            changed = {**start, **dict.fromkeys(group, STAND_INS[1])}
            other = self._try(changed)
            if not isinstance(other, Exception):
                yield changed
                continue
            sizes = _solutions(error, other)[:_CANDIDATES]
            groups.append((group, sizes))
            yield from ({**start, **dict.fromkeys(group, size)} for size in sizes)
        for (one, its_sizes), (another, other_sizes) in combinations(groups, 2):
            if not one & another:
                for a, b in product(its_sizes, other_sizes):
                    yield {**start, **dict.fromkeys(one, a), **dict.fromkeys(another, b)}

    def _groups(self, sizes: dict[Place, int]) -> list[frozenset[Place]]:
        """Sizes that may have to change together: equal ones, those of one axis, single ones."""
        equal = [[p for p in self._places if sizes[p] == size] for size in dict.fromkeys(sizes.values())]
        axes = [[p for p in self._places if p[1] == axis] for axis in dict.fromkeys(p[1] for p in self._places)]
        single = [[p] for p in self._places]
        return list(dict.fromkeys(frozenset(group) for group in (*single, *axes, *equal)))

    def _variations(self, sizes: dict[Place, int]) -> Iterator[Any]:
        """Results with other sizes, for each unknown size that may be another."""
        varied: set[Place] = set()
        for group in reversed(self._groups(sizes)):
            if group <= varied:
                continue
            for change in (lambda n: 2 * n, lambda n: n // 2, lambda n: n - 1):
                other = {**sizes, **{place: change(sizes[place]) for place in group}}
                result = self._try(other) if all(other.values()) else None
                if result is not None and not isinstance(result, Exception):
                    varied |= group
                    yield result
                    break


class _Exhausted(Exception):  # noqa: N818 - not an error: the search stops
    pass


def _is_about_sizes(error: Exception) -> bool:
    """Whether other sizes might help: not where weights need a size, or values."""
    if isinstance(error, (UnknownSizeError, jax.errors.JAXTypeError, NotImplementedError)):
        return False
    return isinstance(error, ShapeError) or (not isinstance(error, LamellaError) and bool(_numbers(error)[1]))


def _numbers(error: Exception) -> tuple[str, list[int]]:
    """An error's text without its numbers; its numbers, and the products of its shapes."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    text = str(error)
    numbers = [int(n) for n in re.findall(r"(?<![\w.])\d{1,12}(?![\w.])", text)]
    products = []
    for shape in _TUPLE.findall(text):
        total = 1
        for size in shape.split(","):
            total *= int(size)
        products.append(total)
    return re.sub(r"\d+", "#", text), [*numbers, *products]


def _solutions(error: Exception, other: Exception) -> list[int]:
    """Sizes that would make a number in an error equal to another one there.

    The two errors come from runs that differ in one size, which is the first
    of `STAND_INS` in one and the second in the other.  A number that differs
    between them is taken for a linear function of that size.
    """
    (text, before), (other_text, after) = _numbers(error), _numbers(other)
    start, step = STAND_INS[0], STAND_INS[1] - STAND_INS[0]
    if text != other_text or before == after:
        return [n for n in dict.fromkeys(before) if 0 < n < start]
    moving = [(a, b - a) for a, b in zip(before, after, strict=True) if a != b]
    fixed = [a for a, b in zip(before, after, strict=True) if a == b]
    found: dict[int, None] = {}
    for (value, slope), target in product(moving, fixed):
        offset, rest = divmod((target - value) * step, slope)
        if not rest and start + offset > 0 and start + offset not in STAND_INS:
            found[start + offset] = None
    return list(found)
