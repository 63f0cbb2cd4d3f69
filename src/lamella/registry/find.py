"""Which class or function a config names: one of the user's own, or a built-in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lamella.errors import ConfigError, LamellaError, nearest
from lamella.registry.doors import public_names, resolve, resolve_anywhere
from lamella.registry.names import get_registered_object


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
    found = users_own(config, objects) or builtin(config)
    if found is None:
        raise _not_found(config, objects)
    return found


def users_own(config: Mapping[str, Any], objects: Mapping[str, Any]) -> Any:
    """The class or function of the user's own that a config names, or None."""
    name = _name(config)
    if names_function(config):
        return get_registered_object(name, objects) or _ending(name, objects)
    return get_registered_object(config.get("registered_name", name), objects)


def _ending(name: str, objects: Mapping[str, Any]) -> Any:
    """A function registered as `package>name`, asked for by its bare name."""
    return next((found for full, found in objects.items() if full.endswith(f">{name}")), None)


def builtin(config: Mapping[str, Any], rooms: Iterable[str] = ()) -> Any:
    """The built-in class or function that a config names, or None.

    Args: rooms: where a name without a module is looked for first.
    """
    name, module = _name(config), config.get("module")
    if module is None and "module" in config:
        return None  # a class of somebody's script
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
