"""Objects from configs.  Nothing is imported or run because a config says so."""

from __future__ import annotations

import base64
import marshal
import types
from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from lamella.errors import ConfigError
from lamella.graph import OPS, KerasTensor
from lamella.registry.find import found_by, names_function, told_where
from lamella.registry.names import CustomObjectScope, all_custom_objects
from lamella.registry.sharing import SafeModeScope, already_read, in_safe_mode, note_read, sharing
from lamella.registry.slots import ANY, check, check_arguments
from lamella.registry.write import PLAIN

MAX_CHARACTERS = 1 << 23  # of an array of texts

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
    if "module_objects" in kwargs:
        ambient, objects = in_safe_mode(), all_custom_objects(custom_objects)
        return _from_module(config, kwargs["module_objects"], objects, safe_mode if ambient is None else ambient)
    safe_mode = check_config(config, custom_objects, safe_mode)
    with sharing():
        return _read(config, all_custom_objects(custom_objects), safe_mode)


def check_config(config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True) -> bool:
    """Looks at all of the outermost config, before anything is made of it.

    Returns: whether safe mode holds: told by a scope, else by the argument.
    Raises:  ConfigError: an object does not belong where it is.
    """
    ambient = in_safe_mode()
    if safe_mode and ambient is None:
        check(config, ANY, "config", all_custom_objects(custom_objects), deep=True)
    return safe_mode if ambient is None else ambient


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
    if isinstance(name, str) and name in _SPECIAL:
        return _SPECIAL[name]({key: _read(value, objects, safe) for key, value in inner.items()})
    if name == "__lambda__":
        return _lambda(inner["value"], safe)
    if names_function(config):
        return found_by(config, objects)
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


def _array(config: dict[str, Any]) -> np.ndarray:
    dtype = _numeric(config["dtype"])
    if dtype is None:
        texts = np.array(config["value"], dtype=object).reshape(-1).tolist()
        widest = max((len(text) for text in texts if isinstance(text, str)), default=0)
        if len(texts) * widest > MAX_CHARACTERS:  # NumPy gives every text as many bytes as the longest takes
            raise ConfigError("A config holds an array of overlong texts.", received=f"{len(texts)} × {widest}")
    return np.array(config["value"], dtype)


_SPECIAL: dict[str, Callable[[dict[str, Any]], Any]] = {
    "__bytes__": lambda config: config["value"].encode("utf-8"),
    "__ellipsis__": lambda config: Ellipsis,
    "__keras_tensor__": _keras_tensor,
    "__numpy__": _array,
    "__slice__": lambda config: slice(config["start"], config["stop"], config["step"]),
    "__tensor__": lambda config: jnp.asarray(_array(config)),
}


def _lambda(value: Any, safe: bool) -> Any:
    if safe:
        raise ConfigError("The config holds a Python lambda. A lambda is code, and code is not run.", fix=_LAMBDA_FIX)
    code, defaults, closure = value
    cells = tuple(types.CellType(content) for content in closure or ())
    function = marshal.loads(base64.b64decode(code))
    return types.FunctionType(function, {**vars(np), "__builtins__": __builtins__}, None, tuple(defaults or ()), cells)


# Objects


def _shared(config: dict[str, Any], objects: Mapping[str, Any], safe: bool) -> Any:
    """An object, made once for all configs that share it."""
    cls, found = found_by(config, objects), already_read(config)
    if not isinstance(cls, type):
        return cls
    if found is None:
        with told_where(config):
            found = make(cls, config, objects, safe)
        note_read(config, found)
    elif type(found) is not cls:
        raise ConfigError(f"A config shares an object that is no {cls.__name__}.", received=repr(found)[:200])
    return found


def make(cls: type, config: dict[str, Any], objects: Mapping[str, Any] | None = None, safe: bool = True) -> Any:
    """An object of a class, from the whole config of it: made, built and compiled as the config says."""
    if not hasattr(cls, "from_config"):
        raise ConfigError(f"{cls.__name__} has no from_config(), so its config cannot be read.")
    inner = config.get("config") or {}
    if not isinstance(inner, dict):
        raise ConfigError(f"The config of {cls.__name__} must be a dict.", received=repr(inner)[:200])
    if safe:
        check_arguments(cls, inner, objects or {})
    with CustomObjectScope(objects), SafeModeScope(safe):
        try:
            found = cls.from_config(
                _with_functions(inner, objects or {}, safe) if OPS.get(cls.__name__) is cls else inner
            )
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


def _with_functions(config: dict[str, Any], objects: Mapping[str, Any], safe: bool) -> dict[str, Any]:
    """The config of an op with the functions that it maps or repeats, in place of their configs."""
    return {key: _read(value, objects, safe) if isinstance(value, dict) else value for key, value in config.items()}


def _made_by_default(cls: Any) -> Any:
    try:
        return cls.from_config({})
    except TypeError as error:
        raise _not_made(cls, {}, error) from error


def _not_made(cls: type, inner: dict[str, Any], error: TypeError) -> TypeError:
    if isinstance(error, ConfigError):
        return error
    return ConfigError(
        f"{cls.__name__} cannot be made from its config: {error}",
        received=sorted(inner),
        fix=f"let {cls.__name__}.from_config() turn the configs of inner objects into objects",
    )


# A room's own names


def _from_module(config: Any, names: Mapping[str, Any], objects: Mapping[str, Any], safe: bool) -> Any:
    """Like `_read`, where a bare name or a class without a module is one of `names`."""
    if isinstance(config, str):
        if objects.get(config) is not None:
            return objects[config]
        found = names.get(config, config)
        if isinstance(found, type) and hasattr(found, "from_config"):  # an object made by default
            return _made_by_default(found)
        return found
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
