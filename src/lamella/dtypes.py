"""Names of dtypes, and what kind each one is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from lamella.errors import DtypeError

FLOATS = ("bfloat16", "float16", "float32", "float64", "float8_e4m3fn", "float8_e5m2")
INTS = ("uint8", "uint16", "uint32", "uint64", "int4", "int8", "int16", "int32", "int64")
NAMES = frozenset((*FLOATS, *INTS, "bool", "complex64", "complex128", "string"))
_default = {"float": "float32"}  # what `config.set_floatx` changes
_PYTHON = {bool: "bool", int: "int32", str: "string"}


@lru_cache(maxsize=256)
def _named(dtype: Any) -> str:
    if dtype in _PYTHON:
        return _PYTHON[dtype]
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype)
    name = name.removeprefix("torch.")
    if name.startswith(("str", "bytes")) or name == "object":
        return "string"
    return name


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype given as name, type, NumPy or JAX dtype; floatx for None.

    Raises:  DtypeError: no such dtype.
    Example: >>> standardize_dtype(int), standardize_dtype(None)
             ('int32', 'float32')
    """
    if dtype is None or dtype is float:
        return _default["float"]
    name = dtype if type(dtype) is str else _named(dtype)
    name = {"float": _default["float"], "int": "int32"}.get(name, name)
    if name not in NAMES:
        raise DtypeError(f"There is no dtype {dtype!r}.", expected=f"one of {', '.join(sorted(NAMES))}")
    return name


def default_float(new: str | None = None) -> str:
    """The default float dtype; `new`, when given, replaces it."""
    if new is not None:
        _default["float"] = new
    return _default["float"]


def is_float(dtype: Any) -> bool:
    """Whether a dtype is a floating-point one.

    Example: >>> is_float("bfloat16"), is_float("int8")
             (True, False)
    """
    return standardize_dtype(dtype) in FLOATS


def is_int(dtype: Any) -> bool:
    """Whether a dtype is an integer one, signed or not (bool is not)."""
    return standardize_dtype(dtype) in INTS
