"""What an op says where JAX cannot compute it: which op, with what."""

from __future__ import annotations

import inspect
import re
from typing import Any

import jax
import jax.core

from lamella.errors import LamellaError, OperationError
from lamella.graph.tensor import KerasTensor
from lamella.graph.unknown_sizes import STAND_INS

_TRIED = re.compile(r"\b({}|{})\b".format(*STAND_INS))
_LONGEST = 300
_OURS = {"jax", "numpy", "opt_einsum", "lamella"}  # whose errors are about what the op was given


def explained(error: Exception, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Exception:
    """An error of JAX's or NumPy's as one that names the op and its arguments; any other as it is."""
    if isinstance(error, (LamellaError, jax.errors.JAXTypeError, jax.errors.JAXIndexError)) or _is_users(error):
        return error
    said = str(error).strip().rstrip(".")
    said = "an axis is out of range" if said == "tuple index out of range" else said
    told = OperationError(f"{function.__name__}() cannot be computed: {said}.", received=_given(function, args, kwargs))
    if any(_is_tried(one) for one in jax.tree.leaves((args, kwargs))):
        told.what, told.received = open_sizes(told.what), open_sizes(str(told.received))
    return told


def open_sizes(text: str) -> str:
    """A text of JAX's, the sizes that were put in for unknown ones told as None."""
    return _TRIED.sub("None", text)


def _is_tried(value: Any) -> bool:
    return isinstance(value, KerasTensor) or (
        isinstance(value, jax.core.Tracer) and bool({*STAND_INS} & {*value.shape})
    )


def _is_users(error: Exception) -> bool:
    """Whether it comes from a function that was passed to the op, or says that arguments are missing."""
    trace, depth = error.__traceback__, 0
    while trace is not None and trace.tb_next is not None:
        trace, depth = trace.tb_next, depth + 1
    module = "" if trace is None else trace.tb_frame.f_globals.get("__name__", "")
    return depth == 0 or module.partition(".")[0] not in _OURS


def _given(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    try:
        given = inspect.signature(function).bind(*args, **kwargs).arguments
    except TypeError:
        return None
    text = ", ".join(f"{name} {_told(value)}" for name, value in given.items())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"


def _told(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{tuple(value.shape)} {value.dtype}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_told, value))}]"
    return repr(value)
