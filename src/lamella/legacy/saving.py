"""Keras 2's form of configs: {"class_name": …, "config": …}, without modules."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from lamella.errors import ArgumentError, ConfigError, unknown
from lamella.registry import (
    CustomObjectScope,
    all_custom_objects,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
)

_INNER = "__passive_serialization__"  # Keras's mark of a config inside of a config


def serialize_keras_object(instance: Any) -> Any:
    """An object as Keras 2 writes it: a name for a function or class, else the class's name and the config.

    Raises: ConfigError: it has neither a name nor get_config().
    """
    instance = inspect.unwrap(instance) if callable(instance) else instance
    if instance is None:
        return None
    if hasattr(instance, "get_config") and not isinstance(instance, type):
        config = {key: _written(value) for key, value in instance.get_config().items()}
        return {"class_name": get_registered_name(type(instance)), "config": config}
    if hasattr(instance, "__name__"):
        return get_registered_name(instance)
    raise ConfigError("This cannot be written as a config: it has no get_config().", received=repr(instance))


def _written(value: Any) -> Any:
    if not hasattr(value, "get_config") and not hasattr(value, "__name__"):
        return value
    written = serialize_keras_object(value)
    return {**written, _INNER: True} if isinstance(written, dict) else written


def deserialize_keras_object(
    identifier: Any,
    module_objects: Mapping[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    printable_module_name: str = "object",
) -> Any:
    """The object that `serialize_keras_object` wrote.

    Args:    identifier: such a config, the name of a class or function, or a function, which is returned as it is.
             module_objects, custom_objects: classes and functions by name.
             printable_module_name: how errors call what is looked for.
    Raises:  UnknownNameError: nothing has that name.
             ArgumentError: no config, name or function.
    Example: >>> deserialize_keras_object("Dense", {"Dense": lambda: "made"})()
             'made'
    """
    objects = {**(module_objects or {}), **all_custom_objects(custom_objects)}
    if identifier is None or inspect.isfunction(identifier):
        return identifier
    if isinstance(identifier, str):
        if identifier not in objects:
            raise unknown(printable_module_name, identifier, objects)
        found = objects[identifier]
        return found() if inspect.isclass(found) else found
    if not isinstance(identifier, dict):
        raise ArgumentError(f"This describes no {printable_module_name}.", received=repr(identifier)[:200])
    return _from_config(identifier, module_objects or {}, custom_objects or {}, printable_module_name)


def _from_config(
    config: dict[str, Any], module_objects: Mapping[str, Any], custom_objects: Mapping[str, Any], kind: str
) -> Any:
    if "class_name" not in config or "config" not in config:
        raise ConfigError("A config has the keys 'class_name' and 'config'.", received=repr(config)[:200])
    name = config["class_name"]
    found = get_registered_object(name, custom_objects, module_objects)
    if found is None:
        raise unknown(kind, name, [*custom_objects, *module_objects])
    inner = config["config"]
    if isinstance(inner, dict):
        inner = {key: _read(key, value, module_objects, custom_objects) for key, value in inner.items()}
    make = getattr(found, "from_config", None)
    with CustomObjectScope(custom_objects):
        if make is None:
            return found(**inner)
        if "custom_objects" in inspect.signature(make).parameters:
            return make(inner, custom_objects={**get_custom_objects(), **custom_objects})
        return make(inner)


def _read(key: str, value: Any, module_objects: Mapping[str, Any], custom_objects: Mapping[str, Any]) -> Any:
    """A value of a config: an inner config is read, the name of a function finds it."""
    if isinstance(value, dict) and _INNER in value:
        return deserialize_keras_object(value, module_objects, custom_objects, "config_item")
    if isinstance(value, str) and key != "name":
        found = get_registered_object(value, custom_objects, module_objects)
        return found if inspect.isfunction(found) else value
    return value


__all__ = ["deserialize_keras_object", "serialize_keras_object"]
