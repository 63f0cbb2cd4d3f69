"""Objects from configs.  Nothing is imported or run because a config says so."""

from __future__ import annotations

import base64
import marshal
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jax.numpy as jnp
import numpy as np

from lamella.errors import ConfigError, LamellaError, nearest
from lamella.graph import KerasTensor
from lamella.registry.doors import public_names, resolve, resolve_anywhere
from lamella.registry.names import CustomObjectScope, all_custom_objects, get_registered_object
from lamella.registry.sharing import SafeModeScope, already_read, in_safe_mode, note_read
from lamella.registry.write import PLAIN

_LAMBDA_FIX = (
    "write a named function and register it with keras.saving.register_keras_serializable(); or, if you trust "
    "whoever wrote this, pass safe_mode=False or call keras.config.enable_unsafe_deserialization()"
)


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """The object that `serialize_keras_object` wrote.

    Args:    custom_objects: classes and functions of your own, by name.
             safe_mode: refuse lambdas, which are code.
    Raises:  ConfigError: a class that nobody knows, a lambda, or a config that is none.
    Example: >>> deserialize_keras_object({"class_name": "__slice__", "config": {"start": 1, "stop": 3, "step": None}})
             slice(1, 3, None)
    """
    ambient = in_safe_mode()
    safe_mode = safe_mode if ambient is None else ambient
    objects = all_custom_objects(custom_objects)
    if "module_objects" in kwargs:
        return _from_module(config, kwargs["module_objects"], objects, safe_mode)
    return _read(config, objects, safe_mode)


def _read(config: Any, objects: Mapping[str, Any], safe: bool) -> Any:
    if isinstance(config, str) and objects.get(config) is not None:
        return objects[config]
    if config is None or isinstance(config, PLAIN):
        return config
    if isinstance(config, (list, tuple)):
        return [_read(item, objects, safe) for item in config]
    if not isinstance(config, dict):
        raise ConfigError("A config holds something that is no plain value.", received=repr(config)[:200])
    if "class_name" not in config or "config" not in config:
        return {key: _read(value, objects, safe) for key, value in config.items()}
    name, inner = config["class_name"], {} if config["config"] is None else config["config"]
    if name in _SPECIAL:
        return _SPECIAL[name]({key: _read(value, objects, safe) for key, value in inner.items()})
    if name == "__lambda__":
        return _lambda(inner["value"], safe)
    if name == "function":
        return _function(config, inner, objects)
    return _shared(config, objects, safe)


def _keras_tensor(config: dict[str, Any]) -> KerasTensor:
    tensor = KerasTensor(config["shape"], dtype=config["dtype"])
    tensor._pre_serialization_keras_history = config["keras_history"]  # type: ignore[attr-defined]
    return tensor


def _numeric(dtype: Any) -> Any:
    """A dtype of plain numbers; None, to be found out, for one of texts."""
    if not isinstance(dtype, str) or dtype.startswith(("str", "object")):
        return None
    if (kind := jnp.dtype(dtype)).itemsize > 16 or kind.hasobject:
        raise ConfigError("A config holds an array of another dtype than numbers.", received=repr(dtype)[:100])
    return kind


_SPECIAL: dict[str, Callable[[dict[str, Any]], Any]] = {
    "__bytes__": lambda config: config["value"].encode("utf-8"),
    "__ellipsis__": lambda config: Ellipsis,
    "__keras_tensor__": _keras_tensor,
    "__numpy__": lambda config: np.array(config["value"], dtype=_numeric(config["dtype"])),
    "__slice__": lambda config: slice(config["start"], config["stop"], config["step"]),
    "__tensor__": lambda config: jnp.asarray(np.array(config["value"]), dtype=_numeric(config["dtype"])),
}


def _lambda(value: Any, safe: bool) -> Any:
    if safe:
        raise ConfigError("The config holds a Python lambda. A lambda is code, and code is not run.", fix=_LAMBDA_FIX)
    code, defaults, closure = value
    cells = tuple(types.CellType(content) for content in closure or ())
    function = marshal.loads(base64.b64decode(code))
    return types.FunctionType(function, {**vars(np), "__builtins__": __builtins__}, None, tuple(defaults or ()), cells)


# Functions and classes


def _function(config: dict[str, Any], name: Any, objects: Mapping[str, Any]) -> Any:
    if not isinstance(name, str):
        raise ConfigError("The config of a function must be its name.", received=repr(name))
    found = get_registered_object(name, objects) or _ending(name, objects)
    found = found or _builtin(config, name, functions=True)
    if found is None:
        raise _not_found("function", name, config, objects)
    return found


def _ending(name: str, objects: Mapping[str, Any]) -> Any:
    """A function registered as `package>name`, asked for by its bare name."""
    return next((found for full, found in objects.items() if full.endswith(f">{name}")), None)


def _shared(config: dict[str, Any], objects: Mapping[str, Any], safe: bool) -> Any:
    """An object, made once for all configs that share it."""
    found = already_read(config)
    if found is None:
        cls = _class(config, objects)
        if not isinstance(cls, type):
            return cls
        with _inside(config):
            found = make(cls, config, objects, safe)
        note_read(config, found)
    return found


@contextmanager
def _inside(config: dict[str, Any]) -> Iterator[None]:
    """Errors say in which layer of the config they are."""
    try:
        yield
    except LamellaError as error:
        inner = config.get("config")
        name = inner.get("name") if isinstance(inner, dict) else None
        if isinstance(name, str):
            error.what = f"{config['class_name']} {name[:100]!r} › {error.what}"
        raise


def _class(config: dict[str, Any], objects: Mapping[str, Any]) -> Any:
    name = config["class_name"]
    registered = config.get("registered_name", name)
    found = get_registered_object(registered, objects) or _builtin(config, name, functions=False)
    if found is None:
        raise _not_found("class", name, config, objects)
    return found


def _builtin(config: dict[str, Any], name: str, functions: bool) -> Any:
    module = config.get("module")
    if module is None and "module" in config:
        return None  # a class of somebody's script
    if module is None or module == "builtins":
        return resolve_anywhere(name, functions)
    return resolve(module, name)


def make(cls: type, config: dict[str, Any], objects: Mapping[str, Any] | None = None, safe: bool = True) -> Any:
    """An object of a class, from the whole config of it: made, built and compiled as the config says."""
    if not hasattr(cls, "from_config"):
        raise ConfigError(f"{cls.__name__} has no from_config(), so its config cannot be read.")
    inner = config.get("config") or {}
    if not isinstance(inner, dict):
        raise ConfigError(f"The config of {cls.__name__} must be a dict.", received=repr(inner)[:200])
    with CustomObjectScope(objects), SafeModeScope(safe):
        try:
            found = cls.from_config(inner)
        except TypeError as error:
            raise _not_made(cls, inner, error) from error
        if config.get("build_config") and not found.built:
            found.build_from_config(config["build_config"])
            found.built = True
        if config.get("compile_config"):
            found.compile_from_config(config["compile_config"])
    if config.get("auto_named"):
        found.auto_named = True
    return found


def _not_made(cls: type, inner: dict[str, Any], error: TypeError) -> TypeError:
    if isinstance(error, ConfigError):
        return error
    return ConfigError(
        f"{cls.__name__} cannot be made from its config: {error}",
        received=sorted(inner),
        fix=f"let {cls.__name__}.from_config() turn the configs of inner objects into objects",
    )


def _not_found(kind: str, name: str, config: dict[str, Any], objects: Mapping[str, Any]) -> ConfigError:
    module = config.get("module")
    known = [*public_names(module), *objects]
    near = nearest(name, known) if known else ""
    return ConfigError(
        f"The config names a {kind} {name!r}{f' of {module!r}' if module else ''} that is not known here.",
        received=f"registered_name={config['registered_name']!r}" if config.get("registered_name") else None,
        fix=f"decorate it with @keras.saving.register_keras_serializable(), or pass custom_objects={{{name!r}: {name}}}"
        + (f"; {near}" if near.startswith("did") else ""),
    )


# A room's own names


def _from_module(config: Any, names: Mapping[str, Any], objects: Mapping[str, Any], safe: bool) -> Any:
    """Like `_read`, where a bare name or a class without a module is one of `names`."""
    if isinstance(config, str):
        return objects[config] if objects.get(config) is not None else names.get(config, config)
    if not isinstance(config, dict):
        return _read(config, objects, safe)
    if "class_name" not in config:
        raise ConfigError("A config needs a 'class_name'.", received=repr(config)[:200])
    name = config["class_name"]
    custom = {name, config.get("registered_name"), config.get("config") if name == "function" else None} & set(objects)
    known = names.get(config["config"] if name == "function" else name)
    if custom or known is None or config.get("module", "") is None:
        return _read(config, objects, safe)
    return make(known, config, objects, safe) if isinstance(known, type) and name != "function" else known
