"""How numbers, shapes and lists are said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_POWERS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def spelled(number: int) -> str:
    """A number up to twelve as a word.

    Example: >>> spelled(3), spelled(40)
             ('three', '40')
    """
    return _SMALL[number] if 0 <= number < len(_SMALL) else f"{number:,}"


def counted(number: int, noun: str, plural: str | None = None, figures: bool = False) -> str:
    """A number of things.

    Example: >>> counted(1, "layer"), counted(12_000, "weight")
             ('one layer', '12,000 weights')
    """
    shown = f"{number:,}" if figures else spelled(number)
    return f"{shown} {noun if number == 1 else plural or noun + 's'}"


def ordinal(number: int) -> str:
    """A place in an order.

    Example: >>> ordinal(1), ordinal(12), ordinal(23)
             ('1st', '12th', '23rd')
    """
    ending = "th" if 10 <= number % 100 <= 20 else _ORDINALS.get(number % 10, "th")
    return f"{number}{ending}"


def power(base: int, exponent: int) -> str:
    """A power in figures.

    Example: >>> power(2, 5)
             '2⁵'
    """
    return f"{base}{str(exponent).translate(_POWERS)}" if exponent != 1 else str(base)


def listed(things: Iterable[str], most: int = 8) -> str:
    """Things in a row; what is more than `most` is counted only.

    Example: >>> listed(["a", "b", "c"])
             'a, b and c'
    """
    things = list(things)
    if len(things) > most:
        things = [*things[: most - 1], f"{len(things) - most + 1} more"]
    return f"{', '.join(things[:-1])} and {things[-1]}" if len(things) > 1 else "".join(things)


def quoted(names: Iterable[str], most: int = 8) -> str:
    """Names in a row, as code.

    Example: >>> quoted(["a", "b"])
             '`a` and `b`'
    """
    names = list(names)
    return listed([f"`{name}`" for name in names], most)


def by(sizes: Sequence[Any]) -> str:
    """Sizes, one times the other; one that is not known is "any".

    Example: >>> by((4, 4, 1280)), by((None, 3))
             ('4×4×1280', 'any×3')
    """
    return "×".join("any" if size is None else f"{size}" for size in sizes)


def shape(sizes: Sequence[Any]) -> str:
    """A shape as Python writes it.

    Example: >>> shape((None, 3))
             '(None, 3)'
    """
    return str(tuple(sizes))


def article(noun: str) -> str:
    """A noun with its article.

    Example: >>> article("Add"), article("Dense")
             ('an Add', 'a Dense')
    """
    spoken = noun[:1].lower() in "aeio" or noun[:3] in ("LST", "RNN", "ELU") or noun.startswith("Un")
    return f"{'an' if spoken else 'a'} {noun}"


def sentence(text: str) -> str:
    """Text with a capital first letter.

    Example: >>> sentence("two MACs.")
             'Two MACs.'
    """
    return text[:1].upper() + text[1:]
