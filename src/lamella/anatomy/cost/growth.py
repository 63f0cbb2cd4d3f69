"""How MACs grow with a size that is not known: counted at several sizes, and fitted by a polynomial."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from fractions import Fraction
from itertools import pairwise, zip_longest

_SIZES = tuple(192 * i for i in range(1, 7))
"""Sizes to count at: large enough for every window, whole multiples of every usual stride."""

_ODD = 257
"""A size that strides do not divide: a polynomial that holds here, too, is exact."""

_POWERS = ("", "·n", "·n²", "·n³", "·n⁴")


class Growth:
    """A number of MACs as a polynomial in n, where n stands for each size of the input that is not known.

    coefficients: of n⁰, n¹, n² …
    exact:        whether it holds at every size; if not, only the highest power is told.

    Example: >>> str(Growth([96, 6144])), str(Growth([-5, 3, 54], exact=False))
             ('6,144·n + 96', '≈ 54·n²')
    """

    def __init__(self, coefficients: list[Fraction] | list[int], exact: bool = True):
        self.coefficients = tuple(Fraction(c) for c in coefficients)
        self.exact = exact

    @property
    def degree(self) -> int:
        """The highest power of n; 0 where the number does not grow."""
        return max((power for power, c in enumerate(self.coefficients) if c), default=0)

    def at(self, n: int) -> Fraction:
        """The MACs where every unknown size is n."""
        return sum((c * n**power for power, c in enumerate(self.coefficients)), Fraction(0))

    def __add__(self, other: Growth) -> Growth:
        pairs = zip_longest(self.coefficients, other.coefficients, fillvalue=Fraction(0))
        return Growth([a + b for a, b in pairs], self.exact and other.exact)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Growth) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __str__(self) -> str:
        powers = range(self.degree, -1 if self.exact else self.degree - 1, -1)
        terms = [(self.coefficients[power], power) for power in powers if self.coefficients[power : power + 1]]
        text = "".join(f" {'-' if c < 0 else '+'} {_term(abs(c), power)}" for c, power in terms if c)
        return ("" if self.exact else "≈ ") + (
            text.removeprefix(" + ").replace(" - ", "-", text.startswith(" - ")) or "0"
        )

    def __repr__(self) -> str:
        return f"Growth({str(self)!r})"


def _term(c: Fraction, power: int) -> str:
    number = f"{c.numerator:,}" if c.denominator == 1 else f"{float(c):,.4g}"
    return (number + _POWERS[power]).removeprefix("1·")


def growths(count: Callable[[int], Mapping[Hashable, int | None]]) -> dict[Hashable, Growth]:
    """The growth of every count, from what `count(n)` gives at some sizes n.

    Args:    count: {what: its number at size n}; may refuse a size.
    Returns: {what: its growth}, without those that no polynomial fits.

    Example: >>> growths(lambda n: {"a": 3 * n, "b": 2**n, "c": None})
             {'a': Growth('3·n')}
    """
    tables = [count(n) for n in _SIZES[:4]]
    found = {what: _fitted([table.get(what) for table in tables], 2) for what in tables[0]}
    if any(growth is None for growth in found.values()):
        tables += [count(n) for n in _SIZES[4:]]
        numbers = {what: [table.get(what) for table in tables] for what, growth in found.items() if growth is None}
        found |= {what: _fitted(known, 4) for what, known in numbers.items()}
    elsewhere = count(_ODD)
    known = {what: growth for what, growth in found.items() if growth is not None}
    return {what: Growth(list(g.coefficients), g.at(_ODD) == elsewhere.get(what)) for what, g in known.items()}


def _fitted(numbers: list[int | None], degree: int) -> Growth | None:
    """The polynomial through numbers at `_SIZES`, if its degree is at most that: one number more is the proof."""
    if None in numbers:
        return None
    divided = [Fraction(n) for n in numbers if n is not None]
    differences = [divided[0]]  # Newton's
    for order in range(1, len(numbers)):
        divided = [(b - a) / (_SIZES[i + order] - _SIZES[i]) for i, (a, b) in enumerate(pairwise(divided))]
        differences.append(divided[0])
    if any(differences[degree + 1 :]):
        return None
    growth, product = Growth([0]), [Fraction(1)]
    for size, difference in zip(_SIZES, differences, strict=False):
        growth += Growth([difference * c for c in product])
        product = [a - size * b for a, b in zip_longest([Fraction(0), *product], product, fillvalue=Fraction(0))]
    return growth
