"""Automatic names: `dense`, `dense_1`, … as Keras counts them."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

_counts: Counter[str] = Counter()


@lru_cache(maxsize=4096)
def to_snake_case(name: str) -> str:
    """A class name as an automatic name begins.

    Example: >>> to_snake_case("Conv2DTranspose"), to_snake_case("ReLU")
             ('conv2d_transpose', 're_lu')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """The next free automatic name for a class: `dense`, then `dense_1`."""
    prefix = to_snake_case(prefix)
    number = get_uid(prefix) - 1
    return f"{prefix}_{number}" if number else prefix


def get_uid(prefix: str = "") -> int:
    """Counts how often a prefix was asked for in this process, from 1."""
    _counts[prefix] += 1
    return _counts[prefix]


def reset_names() -> None:
    """Starts all counts anew (part of `clear_session`)."""
    _counts.clear()
