"""Names for the user's own classes and functions, so that configs can refer to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from types import MappingProxyType
from typing import Any, TypeVar

from lamella.errors import ConfigError

T = TypeVar("T")

_objects: dict[str, Any] = {}
_names: dict[Any, str] = {}
_scope: ContextVar[Mapping[str, Any]] = ContextVar("lamella_custom_objects", default=MappingProxyType({}))


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """Decorates a class or function of your own so that configs and files can hold it.

    Raises:  ConfigError: a class without get_config().
    Example: >>> @register_keras_serializable("shop")
             ... def price(x):
             ...     return 2 * x
             >>> get_registered_name(price)
             'shop>price'
    """

    def register(found: T) -> T:
        if isinstance(found, type) and not hasattr(found, "get_config"):
            raise ConfigError(
                f"The class {found.__name__} cannot be registered: it has no get_config().",
                fix="define get_config(), which returns the constructor's arguments as a dict",
            )
        full = f"{package}>{name or getattr(found, '__name__', type(found).__name__)}"
        _objects[full] = found
        _names[found] = full
        return found

    return register


def get_registered_name(obj: Any) -> str:
    """The name an object was registered under, or its own."""
    return _names.get(obj) or obj.__name__


def get_registered_object(name: Any, custom_objects: Any = None, module_objects: Any = None) -> Any:
    """What is registered under a name, in the scope, for all, or in the dicts given; None if nothing is."""
    for objects in (_scope.get(), _objects, custom_objects or {}, module_objects or {}):
        if name in objects:
            return objects[name]
    return None


def same_name(name: Any, objects: Mapping[str, Any]) -> Any:
    """The one object of a name, whatever package it is registered for; None if there is none, or several.

    Example: >>> same_name("shop>Price", {"Price": int}), same_name("Price", {"shop>Price": int})
             (<class 'int'>, <class 'int'>)
    """
    bare = _without_package(name) if isinstance(name, str) else None
    found = {id(one): one for key, one in objects.items() if one is not None and _without_package(key) == bare}
    return next(iter(found.values())) if len(found) == 1 else None


def _without_package(name: str) -> str:
    return name.rpartition(">")[2]


def get_custom_objects() -> dict[str, Any]:
    """The dict of everything registered; what is put in is registered too."""
    return _objects


def all_custom_objects(custom_objects: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Everything of the user's that a config may name here."""
    return {**(custom_objects or {}), **_scope.get(), **_objects}


class CustomObjectScope:
    """Gives names to objects for the length of a `with` block.

    Example: >>> with CustomObjectScope({"twice": lambda x: 2 * x}):
             ...     get_registered_object("twice")(3)
             6
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None):
        self.custom_objects = dict(custom_objects or {})
        self._tokens: list[Token[Mapping[str, Any]]] = []

    def __enter__(self) -> CustomObjectScope:
        self._tokens.append(_scope.set(self.custom_objects))
        return self

    def __exit__(self, *_: object) -> None:
        _scope.reset(self._tokens.pop())


custom_object_scope = CustomObjectScope
