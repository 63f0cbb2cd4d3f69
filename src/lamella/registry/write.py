"""Objects as configs, in Keras's form.

{"module": "keras.layers", "class_name": "Dense", "config": {...}, "registered_name": None}
"""

from __future__ import annotations

import base64
import marshal
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import jax
import numpy as np

from lamella.dtypes import standardize_dtype
from lamella.errors import ConfigError
from lamella.graph import KerasTensor
from lamella.registry.doors import public_name
from lamella.registry.names import get_registered_name
from lamella.registry.sharing import marking, note_written

PLAIN = (str, int, float, bool)
_comparing = ContextVar("lamella_comparing", default=False)
_BUILT_AND_COMPILED = (("get_build_config", "build_config"), ("get_compile_config", "compile_config"))


@contextmanager
def comparing() -> Iterator[None]:
    """Within it configs are made to be compared, not kept: of a lambda they have what tells it from others."""
    token = _comparing.set(True)
    try:
        yield
    finally:
        _comparing.reset(token)


def serialize_keras_object(obj: Any) -> Any:
    """An object as plain values that JSON can hold.

    Raises:  ConfigError: it has no get_config() and is no value, array or function.
    Example: >>> serialize_keras_object(np.array([1, 2]))
             {'class_name': '__numpy__', 'config': {'value': [1, 2], 'dtype': 'int64'}}
    """
    if obj is None or type(obj) in PLAIN:
        return obj
    if isinstance(obj, (list, tuple)):
        items = [serialize_keras_object(item) for item in obj]
        return tuple(items) if isinstance(obj, tuple) else items
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, np.generic):  # before the plain types: a np.float64 is a float
        return obj.item()
    return obj if isinstance(obj, PLAIN) else _value(obj)


def _value(obj: Any) -> Any:
    """The config of an array or another special value, else of an object."""
    if isinstance(obj, jax.Array):
        return _special("tensor", value=np.asarray(obj).tolist(), dtype=standardize_dtype(obj.dtype))
    if isinstance(obj, np.ndarray):
        return _special("numpy", value=obj.tolist(), dtype=standardize_dtype(obj.dtype)) if obj.ndim else obj.item()
    if isinstance(obj, np.dtype):
        return standardize_dtype(obj)
    if isinstance(obj, bytes):
        return _special("bytes", value=obj.decode("utf-8"))
    if isinstance(obj, slice):
        return _special("slice", start=obj.start, stop=obj.stop, step=obj.step)
    if obj is Ellipsis:
        return _special("ellipsis")
    if isinstance(obj, KerasTensor):
        operation, *place = obj._keras_history
        history = None if operation is None else [operation.name, *place]
        return _special("keras_tensor", shape=obj.shape, dtype=obj.dtype, keras_history=history)
    return _object(obj)


def _special(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": f"__{kind}__", "config": {key: serialize_keras_object(v) for key, v in config.items()}}


def _object(obj: Any) -> dict[str, Any]:
    if isinstance(obj, types.FunctionType):
        return _lambda(obj) if obj.__name__ == "<lambda>" else _function(get_registered_name(obj))
    if isinstance(obj, types.BuiltinFunctionType) or (not hasattr(obj, "get_config") and hasattr(obj, "__name__")):
        return _function(obj.__name__)
    with marking(obj):
        config = _described(type(obj), _config_of(obj))
    for method, key in _BUILT_AND_COMPILED:
        extra = getattr(obj, method)() if hasattr(obj, method) else None
        if extra is not None:
            config[key] = serialize_keras_object(extra)
    if getattr(obj, "auto_named", False):
        config["auto_named"] = True
    note_written(obj, config)
    return config


def _function(name: str) -> dict[str, Any]:
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def _described(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    public = public_name(cls)
    if public is None:
        module = None if cls.__module__ == "__main__" else cls.__module__
        return {
            "module": module,
            "class_name": cls.__name__,
            "config": config,
            "registered_name": get_registered_name(cls),
        }
    module, name = public
    private = module.startswith("keras.src.")
    return {"module": module, "class_name": name, "config": config, "registered_name": name if private else None}


def _config_of(obj: Any) -> dict[str, Any]:
    if not hasattr(obj, "get_config") or isinstance(obj, type):
        received = f"{obj.__name__} (a class, not an object)" if isinstance(obj, type) else type(obj).__name__
        raise ConfigError(
            "An object in a config cannot be written down.",
            expected="plain values, arrays, functions, or objects with get_config()",
            received=received,
            fix="define get_config(), which returns the constructor's arguments as a dict",
        )
    config = obj.get_config()
    if not isinstance(config, dict):
        raise ConfigError(f"{type(obj).__name__}.get_config() must return a dict.", received=repr(config))
    return serialize_keras_object(config)


def _lambda(function: types.FunctionType) -> dict[str, Any]:
    closure = tuple(cell.cell_contents for cell in function.__closure__ or ()) or None
    if _comparing.get():
        value = (hash(function.__code__), function.__defaults__, closure)
        return {"class_name": "__lambda__", "config": {"value": value}}
    warnings.warn(
        "A lambda is written into a config. Reading it back runs code, so it needs safe_mode=False. "
        "Better: name the function and register it with keras.saving.register_keras_serializable().",
        stacklevel=4,
    )
    code = base64.encodebytes(marshal.dumps(function.__code__)).decode("ascii")
    return {"class_name": "__lambda__", "config": {"value": (code, function.__defaults__, closure)}}
