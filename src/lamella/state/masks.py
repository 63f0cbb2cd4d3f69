"""Masks: which steps of a sequence count, carried beside the tensor they belong to.

Arrays under a JAX transformation take no attributes, so the mask of a tensor is
kept here by identity for as long as the tensor lives.
"""

from __future__ import annotations

import weakref
from typing import Any

_masks: dict[int, tuple[weakref.ref[Any], Any]] = {}


def get_mask(tensor: Any) -> Any:
    """The mask that goes with a tensor, or None."""
    held = _masks.get(id(tensor)) if _masks else None
    return held[1] if held is not None and held[0]() is tensor else None


def set_mask(tensor: Any, mask: Any) -> None:
    """Gives a tensor a mask (None takes it away)."""
    key = id(tensor)
    if mask is None:
        _masks.pop(key, None)
    else:
        _masks[key] = (weakref.ref(tensor, lambda _: _masks.pop(key, None)), mask)
