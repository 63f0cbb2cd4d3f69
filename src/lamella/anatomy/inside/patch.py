"""Interventions: other values at some places of a model, for the length of a `with` block."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lamella.anatomy.inside.within import Change, Place, Within, calls_at, check_side, site_of
from lamella.errors import ArgumentError, ShapeError
from lamella.state import frame, get_mask, set_mask


class Patch:
    """Changes values inside of a model while its `with` block runs; eagerly, compiled, and in training.

    applied: {address: how often the change was made}; in compiled code it is made once for all batches.
    """

    def __init__(self, anatomy: Any, changes: Any, when: str = "output"):
        check_side(when)
        if not isinstance(changes, dict) or not changes:
            raise ArgumentError(
                "patch() takes a dict: {address: function of the value, or the value itself}.", received=repr(changes)
            )
        self._model = anatomy.subject
        found = [(part, change) for where, change in changes.items() for part in calls_at(anatomy, where).values()]
        self.applied = {part.address: 0 for part, _ in found}
        self._changes = [(Place.of(site_of(part), when), self._change(part.address, change)) for part, change in found]

    def _change(self, address: str, change: Any) -> Change:
        def changed(value: Any) -> Any:
            self.applied[address] += 1
            new = change(value) if callable(change) else change
            if not callable(change) and len(jax.tree.leaves(value)) == 1:
                return jax.tree.map(lambda old: _like(old, new, address), value)
            return jax.tree.map(lambda old, other: _like(old, other, address, exact=callable(change)), value, new)

        return changed

    def __enter__(self) -> Patch:
        self._frame = frame(observer=Within(self._model, self._changes))
        self._frame.__enter__()
        return self

    def __exit__(self, kind: Any, *rest: Any) -> None:
        self._frame.__exit__(kind, *rest)
        unused = [address for address, times in self.applied.items() if times == 0]
        if unused and kind is None:
            warnings.warn(f"The patch at {', '.join(unused)} changed nothing: no such call was made.", stacklevel=2)


def _like(old: Any, new: Any, address: str, exact: bool = False) -> Any:
    """The new value, of the shape and dtype of the old one, and with its mask."""
    numpy = np if isinstance(old, np.ndarray) else jnp  # what runs on the host takes NumPy arrays, also of strings
    new = getattr(new, "value", new)
    try:
        new = numpy.asarray(new, None if old.dtype.kind in "UO" else old.dtype)
    except (TypeError, ValueError):
        raise ArgumentError(f"The patch at {address!r} gives no array.", received=repr(new)) from None
    fits = new.shape in ((), old.shape) or (not exact and _stretches(new.shape, old.shape))
    if not fits:
        raise ShapeError(f"The patch at {address!r} gives another shape.", expected=old.shape, received=new.shape)
    new = numpy.broadcast_to(new, old.shape)
    set_mask(new, get_mask(old))
    return new


def _stretches(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Whether numpy broadcasts an array of one shape to another."""
    return len(shape) <= len(to) and all(a in (1, b) for a, b in zip(shape[::-1], to[::-1], strict=False))
