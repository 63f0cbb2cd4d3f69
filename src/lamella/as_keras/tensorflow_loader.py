"""How an installed TensorFlow is found and loaded: as without Lamella, and then set up for it."""

from __future__ import annotations

import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def spec_of_tensorflow(here: object) -> ModuleSpec | None:
    """How the other finders find TensorFlow, with a loader that sets it up for Lamella when it is loaded."""
    for finder in sys.meta_path:
        spec = None if finder is here else finder.find_spec("tensorflow", None)
        if spec is not None and spec.loader is not None:
            spec.loader = SetUpLoader(spec.loader)
            return spec
    return None


class SetUpLoader(Loader):
    """Loads TensorFlow as its own loader does, and sets it up."""

    def __init__(self, loader: Any):
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        from lamella.as_keras.tensorflow_present import set_up

        set_up(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)
