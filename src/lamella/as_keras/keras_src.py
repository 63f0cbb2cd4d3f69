"""`keras.src`: the private modules of Keras that libraries import from, served from public names."""

from __future__ import annotations

import importlib
import json
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from lamella.as_keras.keras_src_names import ELSEWHERE, PLACES
from lamella.as_keras.namespace import KERAS_VERSION, NAMESPACES, public_names, room
from lamella.errors import MissingAttributeError

_ROOT = "keras.src"


@cache
def _modules() -> frozenset[str]:
    """The dotted paths of the modules of Keras 3.15.1 below `keras.src`, without other backends than JAX."""
    tree = json.loads(Path(__file__).with_name("keras_src_modules.json").read_text())

    def paths(branch: dict[str, Any], prefix: str) -> list[str]:
        return [path for name, inner in branch.items() for path in [prefix + name, *paths(inner, f"{prefix}{name}.")]]

    return frozenset(paths(tree, ""))


def is_source_module(inside: str) -> bool:
    """Whether Keras has a module of this path ("src.layers.layer")."""
    return inside == "src" or inside.removeprefix("src.") in _modules()


class SourceModule(ModuleType):
    """A module below `keras.src`: each name is looked up where Keras shows it to the public, then in a table."""

    def __init__(self, name: str):
        super().__init__(name, "A private module of Keras: the names that libraries import from it.")
        self.path = name.removeprefix(_ROOT).lstrip(".")
        self.__path__: list[str] = []
        if self.path in ("", "version"):
            self.__version__ = KERAS_VERSION

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return public_names_for(self.path)
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if f"{self.path}.{name}".lstrip(".") in _modules():
            return importlib.import_module(f"{self.__name__}.{name}")
        value = find(self.path, name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *public_names_for(self.path)})


def find(path: str, name: str) -> Any:
    """What a name in a private module of Keras stands for.

    Example: >>> find("layers.core.dense", "Dense").__name__
             'Dense'
    """
    target = ELSEWHERE.get(path.partition(".")[0], {}).get(name)
    if target is not None:
        return _at(target)
    for place in places(path):
        behind = room(place)
        if behind is not None and name in public_names(behind):
            value = getattr(behind, name)
            if not isinstance(value, ModuleType):
                return value
    module = f"{_ROOT}.{path}".rstrip(".")
    raise MissingAttributeError(f"module {module!r} has no attribute {name!r} here.", fix=_advice(name))


def places(path: str) -> list[str]:
    """The public namespaces that hold what a private module defines, the likeliest first."""
    parts = path.split(".") if path else []
    for depth in range(len(parts), 0, -1):
        prefix = ".".join(parts[:depth])
        if prefix in PLACES:
            return [place.strip(".") for place in PLACES[prefix].split()]
        if prefix in NAMESPACES:
            return [prefix, parts[0]]
    return [""]


def public_names_for(path: str) -> list[str]:
    """The names for `from keras.src.… import *`: no modules."""
    rooms = [behind for place in places(path) if (behind := room(place))]
    names = {name for behind in rooms for name in public_names(behind)}
    modules = {
        name for behind in rooms for name in public_names(behind) if isinstance(getattr(behind, name), ModuleType)
    }
    return sorted(names - modules)


def _at(target: str) -> Any:
    module, _, name = target.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found


def missing_source(inside: str) -> str:
    """The way, for an import from `keras.src` that finds nothing."""
    return _advice(inside.rpartition(".")[2])


def _advice(name: str) -> str:
    """Which public name serves in place of a private one."""
    alike = name.replace("_", "").lower()
    for place in ["", "layers", "ops", "utils", "saving", *sorted(NAMESPACES)]:
        behind = room(place)
        for public in public_names(behind) if behind else ():
            if public.replace("_", "").lower() == alike:
                return f"{'.'.join(filter(None, ['keras', place, public]))} is public and serves"
    return "keras.src is private to Keras; Lamella serves the names that libraries were seen to use. Use a public name"
