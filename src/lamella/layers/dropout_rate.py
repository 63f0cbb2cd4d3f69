"""A share that may be set at any time: how much a layer drops, or disturbs."""

from __future__ import annotations

from typing import Any

from lamella.state import SeedGenerator


class Share:
    """An attribute from 0 to 1; the layer has a `seed_generator`, from its `seed`, once it is above 0.

    Raises: RefusedError: another value is set.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        if layer is None:
            return self
        try:
            return vars(layer)[self._name]
        except KeyError:
            raise AttributeError(f"{type(layer).__name__} has no {self._name} yet.") from None

    def __set__(self, layer: Any, value: float) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
            raise layer._refusal_(self._name, value, "a number from 0 to 1")
        vars(layer)[self._name] = value
        if value > 0 and "seed_generator" not in vars(layer):
            layer.seed_generator = SeedGenerator(layer.seed)
