"""Where the built-in classes and functions are: a closed table of doors.

A config names a Keras module and a class.  Only the modules listed here are
understood, and each stands for one room of Lamella, whose public names are
looked at.  All rooms are entered before the first name is looked up, so that
nothing is ever imported because a file names it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import import_module
from types import FunctionType
from typing import Any

from lamella.graph import OPS
from lamella.registry.op_modules import op_module

DOORS = {
    "keras.activations": "lamella.activations",
    "keras.applications.convnext": "lamella.applications.convnext",
    "keras.applications.inception_resnet_v2": "lamella.applications.inception_resnet_v2",
    "keras.constraints": "lamella.constraints",
    "keras.distillation": "lamella.distillation",
    "keras.dtype_policies": "lamella.dtype_policies",
    "keras.engine": "lamella.models",
    "keras.initializers": "lamella.initializers",
    "keras.layers": "lamella.layers",
    "keras.layers.preprocessing.feature_space": "lamella.utils.feature_space",
    "keras.losses": "lamella.losses",
    "keras.metrics": "lamella.metrics",
    "keras.models": "lamella.models",
    "keras.ops": "lamella.ops",
    "keras.optimizers": "lamella.optimizers",
    "keras.optimizers.schedules": "lamella.optimizers.schedules",
    "keras.random": "lamella.random",
    "keras.regularizers": "lamella.regularizers",
    "keras.utils": "lamella.utils",
    "lamella.anatomy": "lamella.anatomy",
}
"""Every Keras module that a config may name, and the room it stands for."""

_ROOT = {
    "DTypePolicy": "lamella.dtype_policies",
    "FloatDTypePolicy": "lamella.dtype_policies",
    "Initializer": "lamella.initializers",
    "InputSpec": "lamella.layers",
    "Layer": "lamella.layers",
    "Loss": "lamella.losses",
    "Metric": "lamella.metrics",
    "Model": "lamella.models",
    "Optimizer": "lamella.optimizers",
    "Regularizer": "lamella.regularizers",
    "Sequential": "lamella.models",
}
"""What Keras keeps in the module `keras` itself."""

_PRIVATE = {
    "Cross": "keras.src.layers.preprocessing.feature_space",
    "Feature": "keras.src.layers.preprocessing.feature_space",
    "FeatureSpace": "keras.utils",
    "CustomScaleLayer": "keras.src.applications.inception_resnet_v2",
    "Functional": "keras.src.models.functional",
    "LayerScale": "keras.src.applications.convnext",
    "LossFunctionWrapper": "keras.src.losses.losses",
    "SeedGenerator": "keras.random",
    "TFDIdentity": "keras.src.layers.preprocessing.feature_space",
}
"""Classes that Keras writes under a module that is not their room's."""

_RENAMED = {"GroupedQueryAttention": "GroupQueryAttention"}
"""Classes that Keras calls otherwise in .h5 files."""

_NOT_OBJECTS = frozenset({"get", "serialize", "deserialize"})
_ONLY = {
    "lamella.anatomy": ("Tap",),
    "lamella.applications.convnext": ("LayerScale",),
    "lamella.applications.inception_resnet_v2": ("CustomScaleLayer",),
    "lamella.utils": ("FeatureSpace",),
    "lamella.utils.feature_space": ("Cross", "Feature", "TFDIdentity"),
}  # of rooms that hold more than objects of configs
_ONLY_CLASSES = ("lamella.distillation", "lamella.dtype_policies", "lamella.layers", "lamella.models", "lamella.random")
_FUNCTION_ROOMS = ("activations", "constraints", "initializers", "losses", "metrics", "optimizers", "regularizers")
_APPLICATIONS = ("applications.convnext", "applications.inception_resnet_v2")
_CLASS_ROOMS = ("layers", "models", "optimizers.schedules", "dtype_policies", *_FUNCTION_ROOMS, *_APPLICATIONS)


def resolve(module: str, name: str) -> Any:
    """The built-in that a config names, or None.

    Example: >>> resolve("keras.layers", "Dense").__name__
             'Dense'
             >>> resolve("os", "system") is None
             True
    """
    module = module.replace("keras.src.", "keras.", 1)
    if module.startswith("keras.ops.") or _is_users_op(module, name):
        return OPS.get(name)
    if module == "keras":
        return _at(_ROOT[name], name) if name in _ROOT else None
    room = next((DOORS[prefix] for prefix in _prefixes(module) if prefix in DOORS), None)
    return _at(room, name) if room else None


def resolve_anywhere(name: str, functions: bool, first: Iterable[str] = ()) -> Any:
    """The built-in of a name whose module is not told, or None.

    Args: first: rooms that are looked into before the others.
    """
    known = _FUNCTION_ROOMS if functions else _CLASS_ROOMS
    for room in (*(room for room in first if room in known), *known):
        found = in_room(room, name)
        if found is not None and isinstance(found, type) is not functions:
            return found
    return None


def public_name(cls: type) -> tuple[str, str] | None:
    """The Keras module and name of a built-in class; None for a class of the user's.

    Example: >>> public_name(Dense)
             ('keras.layers', 'Dense')
    """
    if cls.__module__.partition(".")[0] != "lamella":
        return None
    name = cls.__name__
    if OPS.get(name) is cls:
        return op_module(name), name
    if name in _PRIVATE:
        return _PRIVATE[name], name
    for room in _prefixes(cls.__module__):
        public = _name_at(room, cls) if room in _KERAS else None
        if public is not None:
            return ("keras" if public in _ROOT else _KERAS[room]), public
    return None


def in_room(room: str, name: str) -> Any:
    """The class or function that a room of lamella has under a name, or None."""
    return _at(f"lamella.{room}", name)


_KERAS = {room: module for module, room in DOORS.items() if module != "keras.engine"}


def _at(room: str, name: str) -> Any:
    name = _RENAMED.get(name, name)
    if name not in _ONLY.get(room, (name,)):
        return None
    door = _doors().get(room)
    if door is None or name not in door.__all__ or name in _NOT_OBJECTS:
        return None
    found = getattr(door, name)
    fits = isinstance(found, type) or (room not in _ONLY_CLASSES and isinstance(found, FunctionType))
    return found if fits and (room != "lamella.ops" or hasattr(found, "operation")) else None


@cache
def _doors() -> Mapping[str, Any]:
    """All rooms, entered at once."""
    return {room: import_module(room) for room in sorted({*DOORS.values(), *_ROOT.values()})}


def _is_users_op(module: str, name: str) -> bool:
    """Whether a name is that of a function which the user made an op, in that module."""
    return name in OPS and OPS[name].__module__ == module


def _name_at(room: str, cls: type) -> str | None:
    door = sys.modules[room]
    if getattr(door, cls.__name__, None) is cls:
        return cls.__name__
    return next((name for name in door.__all__ if getattr(door, name) is cls), None)


def _prefixes(module: str) -> Iterator[str]:
    """a.b.c, a.b, a."""
    while module:
        yield module
        module = module.rpartition(".")[0]


def public_names(module: str | None) -> list[str]:
    """The names that a Keras module has here, for errors that list the nearest ones."""
    room = next((DOORS[prefix] for prefix in _prefixes(module or "") if prefix in DOORS), None)
    if room in _ONLY:
        return [*_ONLY[room]]
    return [name for name in _doors()[room].__all__ if name not in _NOT_OBJECTS] if room else []
