"""The modules that `import keras` gives: views of Lamella's public names, at Keras's places."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from types import ModuleType
from typing import Any

import lamella
from lamella.as_keras import old_names
from lamella.errors import MissingAttributeError, nearest
from lamella.missing_names import MISSING, missing_name

KERAS_VERSION = "3.15.1"  # libraries choose their code by it

_PUBLIC = """
    activations applications applications.convnext applications.densenet applications.efficientnet
    applications.efficientnet_v2 applications.imagenet_utils applications.inception_resnet_v2 applications.inception_v3
    applications.mobilenet applications.mobilenet_v2 applications.mobilenet_v3 applications.nasnet applications.resnet
    applications.resnet50 applications.resnet_v2 applications.vgg16 applications.vgg19 applications.xception backend
    callbacks config constraints datasets datasets.boston_housing datasets.california_housing datasets.cifar10
    datasets.cifar100 datasets.fashion_mnist datasets.imdb datasets.mnist datasets.reuters distillation distribution
    dtype_policies export initializers layers legacy legacy.saving losses metrics mixed_precision models ops ops.image
    ops.linalg ops.nn ops.numpy optimizers optimizers.legacy optimizers.schedules preprocessing preprocessing.image
    preprocessing.sequence quantizers random regularizers saving tree utils utils.bounding_boxes utils.legacy
    visualization wrappers
"""
NAMESPACES = frozenset(_PUBLIC.split())
"""Keras's public modules."""


def room(namespace: str) -> ModuleType | None:
    """Lamella's module behind a public one of Keras ("" for `keras` itself); None where Lamella has none."""
    if not namespace:
        return lamella
    if namespace not in NAMESPACES:
        return None
    try:
        return importlib.import_module(f"lamella.{namespace}")
    except ModuleNotFoundError as error:
        if error.name and f"lamella.{namespace}.".startswith(f"{error.name}."):
            return None
        raise


def public_names(module: ModuleType) -> list[str]:
    """What a module of Lamella offers: its `__all__`."""
    return [name for name in getattr(module, "__all__", ()) if not name.startswith("_")]


def refusal(module: str, name: str, fix: str | None, options: Iterable[str] = ()) -> MissingAttributeError:
    """The error for a name that a module of Keras does not have here."""
    return MissingAttributeError(f"module {module!r} has no attribute {name!r}.", fix=fix or nearest(name, options))


class Namespace(ModuleType):
    """A public module of Keras: its names are those of the room of Lamella behind it, fetched when asked for.

    A module object of its own, not Lamella's under a second name: it has Keras's version, shows none of Lamella's
    private files, and finds what only `tf.keras` and older Keras had (`old_names`).
    """

    def __init__(self, name: str):
        self.namespace = name.partition(".")[2]
        behind = room(self.namespace)
        assert behind is not None
        super().__init__(name, behind.__doc__)
        self.room: ModuleType = behind
        self.__path__: list[str] = []
        self.__file__ = behind.__file__
        if not self.namespace:
            self.__version__, self.version = KERAS_VERSION, keras_version

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return self.names()
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if self._child(name) in NAMESPACES:
            return importlib.import_module(f"{self.__name__}.{name}")
        if name in MISSING.get(self.room.__name__, ()):
            raise missing_name(self.room.__name__, name)
        value = self._find(name)
        setattr(self, name, value)
        return value

    def _child(self, name: str) -> str:
        return f"{self.namespace}.{name}".lstrip(".")

    def _find(self, name: str) -> Any:
        old = old_names.find(self.namespace, name)
        if old is not None:
            return old
        if name in public_names(self.room):
            return getattr(self.room, name)
        raise refusal(self.__name__, name, old_names.advice(self.namespace, name), self.names())

    def names(self) -> list[str]:
        """The public names, and the namespaces inside."""
        depth = self.namespace.count(".") + 1 if self.namespace else 0
        inside = [one for one in NAMESPACES if one.count(".") == depth and one.startswith(self._child(""))]
        return sorted({*public_names(self.room), *(one.rpartition(".")[2] for one in inside if room(one))})

    def __dir__(self) -> list[str]:
        return self.names()

    def __repr__(self) -> str:
        return f"<module {self.__name__!r}, served by Lamella {lamella.__version__}>"


def keras_version() -> str:
    """The version of Keras whose interface this is."""
    return KERAS_VERSION
