"""Modules that older Keras had, and Keras 3 has not: their names are those of the public modules of today."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from lamella.as_keras import old_names
from lamella.as_keras.namespace import refusal


class OldModule(ModuleType):
    """`keras.layers.core`, `keras.utils.np_utils` …: looks its names up where they are today."""

    def __init__(self, name: str):
        super().__init__(name, "A module of older Keras; its names are where Keras 3 has them.")
        self.namespace = name.partition(".")[2]
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if f"{self.namespace}.{name}" in old_names.MODULES:
            return importlib.import_module(f"{self.__name__}.{name}")
        value = old_names.find(self.namespace, name)
        if value is None:
            value = self._today(name)
        setattr(self, name, value)
        return value

    def _today(self, name: str) -> Any:
        places = [f"keras.{place}".rstrip(".") for place in old_names.MODULES[self.namespace]]
        for place in places:
            value = getattr(importlib.import_module(place), name, None)
            if value is not None:
                return value
        advice = old_names.advice(self.namespace, name)
        raise refusal(self.__name__, name, advice or f"look in {' and '.join(places)}, which serve what was here")
