"""Span: which places of an axis of the input each place along an axis has been computed from.  Sight: all axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial, reduce


@dataclass(frozen=True)
class Span:
    """Place i sees the places first[i] … last[i] of axis `of` of the input.

    The pattern repeats: place i + len(first) sees `stride` places further on.
    Without strides below 1 (transposed convolutions, upsampling) one entry is
    the whole pattern.
    """

    of: int
    first: tuple[int, ...] = (0,)
    last: tuple[int, ...] = (0,)
    stride: int = 1

    @property
    def size(self) -> int:
        """How many places one place sees, at most."""
        return max(last - first for first, last in zip(self.first, self.last, strict=True)) + 1

    @property
    def jump(self) -> int | Fraction:
        """How many places further the next place sees, on average."""
        jump = Fraction(self.stride, len(self.first))
        return jump.numerator if jump.denominator == 1 else jump

    @property
    def start(self) -> int:
        """The first that place 0 sees; negative in the padding."""
        return self.first[0]

    @property
    def centre(self) -> Fraction:
        """The middle of what place 0 sees."""
        return Fraction(self.first[0] + self.last[0], 2)

    def at(self, low: int, high: int) -> tuple[int, int]:
        """What the places low … high see together."""
        period = len(self.first)
        start, end = low // period, high // period
        return self.first[low % period] + start * self.stride, self.last[high % period] + end * self.stride

    def seen(self, low: Callable[[int], int], high: Callable[[int], int], down: int = 1, up: int = 1) -> Span:
        """What new places see: place i takes the old places low(i) … high(i).

        Args: down, up: `up` new places for every `down` old ones.
        """
        period = len(self.first) * up
        period //= math.gcd(period, down)
        pairs = [self.at(low(i), high(i)) for i in range(period)]
        first, last = zip(*pairs, strict=True)
        return Span(self.of, first, last, int(self.jump * period * down / up))._shortest()

    def windowed(self, span: int, stride: int = 1, before: int = 0) -> Span:
        """Under a window of a reach of `span`, with `before` places of padding."""
        before = int(before)  # JAX computes paddings with NumPy
        return self.seen(lambda i: i * stride - before, lambda i: i * stride - before + span - 1, down=stride)

    def spread(self, span: int, stride: int, before: int = 0) -> Span:
        """Each place spread over `span` new ones, `stride` apart, of which `before` are cut off."""
        before = int(before)
        return self.seen(lambda i: -((span - 1 - before - i) // stride), lambda i: (i + before) // stride, up=stride)

    def joined(self, other: Span) -> Span | None:
        """What places see by two ways; None if these do not keep step."""
        if self.of != other.of or self.jump != other.jump:
            return None
        period = math.lcm(len(self.first), len(other.first))
        pairs = [(self.at(i, i), other.at(i, i)) for i in range(period)]
        first, last = zip(*((min(a[0], b[0]), max(a[1], b[1])) for a, b in pairs), strict=True)
        return Span(self.of, first, last, int(self.jump * period))._shortest()

    def _shortest(self) -> Span:
        """The same with the shortest pattern."""
        period = len(self.first)
        for length in range(1, period):
            step = Fraction(self.jump * length)
            if period % length == 0 and step.denominator == 1 and self._repeats(length, int(step)):
                return Span(self.of, self.first[:length], self.last[:length], int(step))
        return self

    def _repeats(self, length: int, step: int) -> bool:
        return all(
            ends[i + length] == ends[i] + step for ends in (self.first, self.last) for i in range(len(ends) - length)
        )


Axes = tuple[Span | None, ...]


@dataclass(frozen=True)
class Sight:
    """What a value sees of the input.

    axes:   for each axis of the value, what its places see; None for an axis that is none of the input's.
    whole:  on some way it has seen the whole input.
    reason: why it is unknown on some way.
    """

    axes: Axes
    whole: bool = False
    reason: str | None = None

    @property
    def local(self) -> bool:
        """Whether it has places that each see a part."""
        return any(axis is not None for axis in self.axes)


Seen = Sight | None
"""None for what does not follow from the input."""


def joined(sights: Iterable[Seen], rank: int) -> Seen:
    """What is seen by any of several values of one shape."""
    found = [sight for sight in sights if sight is not None]
    return reduce(partial(_both, rank), found) if found else None


def _both(rank: int, one: Sight, other: Sight) -> Sight:
    reason = one.reason or other.reason
    axes: list[Span | None] = []
    for a, b in zip(_of_rank(one, rank), _of_rank(other, rank), strict=True):
        both = a.joined(b) if a and b else a or b
        if a and b and both is None:
            reason = reason or "its paths do not keep step: their strides differ"
        axes.append(both)
    return Sight(tuple(axes), one.whole or other.whole, reason)


def _of_rank(sight: Sight, rank: int) -> Axes:
    return sight.axes if len(sight.axes) == rank else (None,) * rank
