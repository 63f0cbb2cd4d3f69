"""Which class or function a config names: one of the user's own, or a built-in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lamella.errors import ConfigError, LamellaError, nearest
from lamella.registry.doors import public_names, resolve, resolve_anywhere
from lamella.registry.names import get_registered_object, same_name


def names_function(config: Mapping[str, Any]) -> bool:
    return config["class_name"] == "function"


@contextmanager
def told_where(config: dict[str, Any]) -> Iterator[None]:
    """Errors inside say in which layer of the config they are."""
    try:
        yield
    except LamellaError as error:
        inner = config.get("config")
        name = inner.get("name") if isinstance(inner, dict) else None
        if isinstance(name, str):
            error.what = f"{config['class_name']} {name[:100]!r} › {error.what}"
        raise


def found_by(config: Mapping[str, Any], objects: Mapping[str, Any]) -> Any:
    """The class or function that a config names.

    Raises: ConfigError: nobody knows it.
    """
    found, _ = lookup(config, objects)
    if found is None:
        raise _not_found(config, objects)
    return found


def lookup(config: Mapping[str, Any], objects: Mapping[str, Any], rooms: Iterable[str] = ()) -> tuple[Any, bool]:
    """What a config names, or None, and whether that is the user's own.

    First the name that it is registered under, then what is built in, then one of the user's of the same name
    that is registered for another package, or for none.

    Args:   rooms: where a built-in without a module is looked for first.
    Raises: ConfigError: a built-in with a registered name, which only the user's classes have.
    """
    name = _name(config)
    registered = name if names_function(config) else config.get("registered_name", name)
    own = get_registered_object(registered, objects)
    if own is not None:
        return own, True
    found = builtin(config, rooms)
    if found is None:
        own = same_name(name, objects)
        return (same_name(registered, objects) if own is None else own), True
    if config.get("registered_name") not in (None, "", name, config["class_name"]):
        raise ConfigError(
            f"The config names the built-in {name!r}, and yet has a registered name.",
            received=f"registered_name={config['registered_name']!r}",
            fix="take 'registered_name' out of the config; if the class is your own, pass it in custom_objects",
        )
    return found, False


def builtin(config: Mapping[str, Any], rooms: Iterable[str] = ()) -> Any:
    """The built-in class or function that a config names, or None.

    Args: rooms: where a name without a module is looked for first.
    """
    name, module = _name(config), config.get("module")
    if module is None and "module" in config:
        return None  # a class of somebody's script
    if module == "builtins" and not names_function(config):
        return None
    if module is None or module == "builtins":
        return resolve_anywhere(name, names_function(config), rooms)
    if not isinstance(module, str):
        raise ConfigError("The module in a config is a text.", received=repr(module)[:100])
    return resolve(module, name)


def _name(config: Mapping[str, Any]) -> str:
    name = config.get("config") if names_function(config) else config["class_name"]
    registered = config.get("registered_name")
    if not isinstance(name, str) or not isinstance(registered, (str, type(None))):
        raise ConfigError("A class or function is named by a text.", received=repr(name)[:100])
    return name


def _not_found(config: Mapping[str, Any], objects: Mapping[str, Any]) -> ConfigError:
    name, module = _name(config), config.get("module")
    kind = "function" if names_function(config) else "class"
    known = [*public_names(module), *objects]
    near = nearest(name, known) if known else ""
    return ConfigError(
        f"The config names a {kind} {name!r}{f' of {module!r}' if module else ''} that is not known here.",
        received=f"registered_name={config['registered_name']!r}" if config.get("registered_name") else None,
        fix=f"decorate it with @keras.saving.register_keras_serializable(), or pass custom_objects={{{name!r}: {name}}}"
        + (f"; {near}" if near.startswith("did") else ""),
    )
