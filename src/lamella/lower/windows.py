"""Maxima and sums over windows as maxima and sums of shifted arrays, whose derivatives a CPU computes far faster.

XLA's CPU backend is slow at the derivative of a maximum over windows (5 to 15
times slower than this) and of a sum over windows that overlap.
"""

from __future__ import annotations

import math
from functools import partial, reduce
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

MOST_TERMS = 25  # of one loop
MOST_PLACES = 64  # of a window along one axis


class Move(NamedTuple):
    """How a window moves along one axis."""

    axis: int
    size: int
    stride: int
    pads: tuple[int, int]


Moves = tuple[Move, ...]


def can_shift(inputs: Any, moves: Moves) -> bool:
    """Whether these are numbers under windows that fit and are not so large that they take long to compile."""
    fits = all(move.size <= min(MOST_PLACES, inputs.shape[move.axis] + sum(move.pads)) for move in moves)
    return bool(moves) and fits and math.prod(inputs.shape) > 0 and jnp.issubdtype(inputs.dtype, jnp.floating)


def overlap(moves: Moves) -> bool:
    return any(move.stride < move.size for move in moves)


@partial(jax.custom_jvp, nondiff_argnums=(1,))
def largest(inputs: Any, moves: Moves) -> Any:
    """The maximum under each place of a window; the first of equal ones has all of the gradient, as in XLA."""
    return reduce(lambda x, part: reduce(lax.max, _shifted(x, part, -jnp.inf)), _parts(moves), inputs)


@largest.defjvp
def _(moves: Moves, inputs: Any, slopes: Any) -> tuple[Any, Any]:
    """Windows that overlap axis by axis, the last first: the first in a row, then the first row."""
    parts = [(move,) for move in reversed(moves)] if overlap(moves) else _parts(moves)
    pair = inputs[0], slopes[0]
    for part in parts:
        pair = _first_of(*pair, part)
    return pair


def _first_of(inputs: Any, slopes: Any, moves: Moves) -> tuple[Any, Any]:
    """The maxima, and the slope of the first place that has it."""
    seen = _shifted(inputs, moves, -jnp.inf)
    most = reduce(lax.max, seen)
    first = jnp.full(most.shape, len(seen) - 1, "int16")
    for place in reversed(range(len(seen) - 1)):
        first = jnp.where(seen[place] == most, jnp.int16(place), first)
    chosen = [jnp.where(first == place, slope, 0) for place, slope in enumerate(_shifted(slopes, moves, 0))]
    return most, sum(chosen[1:], chosen[0])


def total(inputs: Any, moves: Moves) -> Any:
    """The sum under each place of a window."""
    return reduce(lambda x, part: sum(_shifted(x, part, 0)), _parts(moves), inputs)


def _parts(moves: Moves) -> list[Moves]:
    """All axes at once, or one after the other (the last first) where that would make too large a loop."""
    alone = [(move,) for move in reversed(moves)]
    return [moves] if math.prod(move.size for move in moves) <= MOST_TERMS else alone


def _shifted(x: Any, moves: Moves, outside: float) -> list[Any]:
    """What each place of the window sees."""
    margins = [(0, 0, 0)] * x.ndim
    for move in moves:
        margins[move.axis] = (*move.pads, 0)
    x = lax.pad(x, jnp.asarray(outside, x.dtype), margins)
    return [_seen(x, moves, place) for place in product(*(range(move.size) for move in moves))]


def _seen(x: Any, moves: Moves, place: tuple[int, ...]) -> Any:
    for (axis, size, stride, _), start in zip(moves, place, strict=True):
        reach = (x.shape[axis] - size) // stride * stride
        x = lax.slice_in_dim(x, start, start + reach + 1, stride, axis)
    return x
