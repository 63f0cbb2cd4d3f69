"""Masks: which steps of a sequence count, carried beside the tensor they belong to.

A mask is the attribute `_keras_mask` of its tensor, where public code for Keras
reads and writes it.  Arrays of NumPy's, and those under a JAX
transformation, take no attributes: the masks of these are kept here by identity, for as long as the tensor lives.
"""

from __future__ import annotations

import weakref
from typing import Any

import jax.core

_kept: dict[int, tuple[weakref.ref[Any], Any]] = {}


def get_mask(tensor: Any) -> Any:
    """The mask that goes with a tensor, or None."""
    if not isinstance(tensor, jax.core.Tracer):
        mask = getattr(tensor, "_keras_mask", None)
        if mask is not None:
            return mask
    held = _kept.get(id(tensor)) if _kept else None
    return held[1] if held is not None and held[0]() is tensor else None


def set_mask(tensor: Any, mask: Any) -> None:
    """Gives a tensor a mask (None takes it away)."""
    key = id(tensor)
    if not isinstance(tensor, jax.core.Tracer) and hasattr(tensor, "__dict__"):
        tensor._keras_mask = mask
    elif mask is None:
        _kept.pop(key, None)
    else:
        _kept[key] = (weakref.ref(tensor, lambda _: _kept.pop(key, None)), mask)
