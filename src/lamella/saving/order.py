"""Whether layers stand in the order in which a file has them, where they have names that tell."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lamella.state import to_snake_case


class Order:
    """The names that a file has for layers, by their places.

    Files find layers by class and number (`layers/dense_1`), whatever they are called.  Two layers of the same
    shapes that changed places would each get the weights of the other.

    Args:    names: {place in the file: the name of the layer there}.
    Example: >>> order = Order({"layers/dense": "first", "layers/dense_1": "second"})
             >>> order.moved(Dense(2, name="second"), "layers/dense")
             "it is of 'first' in the file; 'second' is at layers/dense_1 there"
             >>> order.moved(Dense(2, name="third"), "layers/dense") is None
             True
    """

    def __init__(self, names: Mapping[str, str]):
        self._names = dict(names)
        self._places: dict[tuple[str, str], str] = {}
        for place, name in names.items():
            self._places.setdefault((_around(place), name), place)

    def moved(self, layer: Any, place: str) -> str | None:
        """Why a layer is not the one that the file has at a place, or None.  Automatic names do not tell."""
        here, name = self._names.get(place), getattr(layer, "name", None)
        if here is None or name == here or not isinstance(name, str) or _is_automatic(layer, [name, here]):
            return None
        there = self._places.get((_around(place), name))
        return None if there is None else f"it is of {here!r} in the file; {name!r} is at {there} there"


def _around(place: str) -> str:
    return place.rpartition("/")[0]


def _is_automatic(layer: Any, names: Iterable[str]) -> bool:
    if getattr(layer, "auto_named", False):
        return True
    stem = re.escape(to_snake_case(type(layer).__name__))
    return any(re.fullmatch(rf"({stem}|model)(_\d+)?", name) for name in names)
