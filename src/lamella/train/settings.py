"""The settings that a compiled step was made with: plain attributes that `call` and its kin may read.

A program holds the values that Python attributes had when it was traced.  `Settings` sees whether any of them is
another one now, without a hook on assignment: it keeps what the attributes held, and compares by identity.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Collection, Iterator
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from lamella.state import Owner, Variable

Flat = dict[tuple[str, ...], Any]
"""{names of the attributes on the way: value}, of all plain values below some objects."""

Watched = tuple[Collection[Any], tuple[Any, ...]]
"""A collection of values as it is at any time, and what was in it."""

_MANY_ITEMS, _MANY_OBJECTS = 256, 20_000  # of a collection that is looked into; of all that are
_SMALL = 8192  # bytes of an array that may be changed in place
_REMEMBERED, _OFTEN = 16, 4
_COLLECTIONS = (list, tuple, dict, set)
_RESULTS = frozenset(
    {
        "_losses",
        "_build_shapes_",
        "_lossy",
        "called_on",
        "history",
        "stop_training",
        "stop_evaluating",
        "stop_predicting",
        "_initial_epoch",
        "inbound_nodes",
    }
)
_OTHERS = frozenset({*sys.stdlib_module_names, "jax", "jaxlib", "numpy", "tensorflow", "torch", "keras", "flax"})
_OURS_WITHOUT_SETTINGS = tuple(
    f"lamella.{room}"
    for room in ("graph", "state", "initializers", "dtype_policies", "layers.input_spec", "callbacks", "train.")
)


class Settings:
    """Sees whether settings have changed since a step was compiled, and numbers what they were.

    What a call itself writes while it is traced (`self.last_scores = scores`) is a result and no setting.

    Args: roots: {name: object} of what the steps are made of.
    """

    def __init__(self, roots: Callable[[], dict[str, Any]]):
        self._roots = roots
        self._watched: list[Watched] = []
        self._arrays: list[tuple[np.ndarray, np.ndarray]] = []  # small ones, which may be changed in place
        self._seen: dict[int, Flat] = {}
        self._results: set[tuple[str, ...]] = set()
        self._changes: dict[tuple[str, ...], int] = {}
        self.number = 0
        """Of the settings as they are now: that of the earlier ones if they are as they were before."""

    def look(self) -> None:
        """Follows changes since the last look."""
        if self._watched and self._as_they_were():
            return
        flat = self._flattened()
        before = self._seen.get(self.number)
        if self._number(flat) and before is not None:
            self._count(before, flat)

    def look_after_tracing(self) -> None:
        """Takes what the traced code wrote for its results."""
        flat, before = self._flattened(), self._seen.get(self.number, {})
        self._results.update(self._changed(before, flat))
        self._seen[self.number] = flat

    def _as_they_were(self) -> bool:
        try:  # comparing tuples asks `is` first, which is all there is to ask in the steady loop
            kept = all(tuple(now) == then for now, then in self._watched)
        except Exception:  # such as the truth of an array
            return False
        return kept and all(np.array_equal(now, then) for now, then in self._arrays)

    def _flattened(self) -> Flat:
        flat: Flat = {}
        self._watched = list(_watch(self._roots(), flat))
        small = [(path, value) for path, value in flat.items() if _is_small_array(value)]
        flat.update((path, value.copy()) for path, value in small)
        self._arrays = [(value, flat[path]) for path, value in small]
        return flat

    def _changed(self, before: Flat, flat: Flat) -> list[tuple[str, ...]]:
        missing = object()
        both = {**before, **flat}
        changed = (path for path in both if not _same(before.get(path, missing), flat.get(path, missing)))
        return [path for path in changed if path not in self._results]

    def _number(self, flat: Flat) -> bool:
        """Finds or gives the settings their number; returns whether they are new."""
        for number, seen in self._seen.items():
            if not self._changed(seen, flat):
                self.number = number
                return False
        self.number = max(self._seen, default=0) + 1
        self._seen[self.number] = flat
        if len(self._seen) > _REMEMBERED:
            del self._seen[min(self._seen)]
        return True

    def _count(self, before: Flat, flat: Flat) -> None:
        for path in self._changed(before, flat):
            self._changes[path] = count = self._changes.get(path, 0) + 1
            if count == _OFTEN:
                warnings.warn(
                    f"The setting {'.'.join(path)} has changed {count} times, and each new value compiles the steps "
                    "anew. Make what changes often a variable: keras.Variable(…, trainable=False), with assign().",
                    stacklevel=5,
                )


def _watch(roots: dict[str, Any], flat: Flat) -> Iterator[Watched]:
    """Yields the collections that hold settings, with what is in each; their plain values go into `flat`."""
    seen: set[int] = set()
    stack: list[tuple[tuple[str, ...], Any]] = [((name,), value) for name, value in reversed(roots.items())]
    while stack:
        path, value = stack.pop()
        items = _items_of(value)
        if items is None:
            flat[path] = value
        elif id(value) not in seen and len(seen) < _MANY_OBJECTS:
            seen.add(id(value))
            collection, pairs = items
            if not isinstance(collection, tuple):
                yield collection, tuple(collection)
            stack.extend(((*path, str(name)), inner) for name, inner in pairs if not isinstance(inner, Variable))
            if not isinstance(value, _COLLECTIONS):
                yield from _watch_class(type(value), path, flat, seen)


def _items_of(value: Any) -> tuple[Collection[Any], list[tuple[Any, Any]]] | None:
    """A collection that a change would be seen in, and its named items; None for a plain value."""
    if isinstance(value, _COLLECTIONS):
        if len(value) > _MANY_ITEMS or any(isinstance(item, Variable) for item in value):
            return None
        return (value.values(), list(value.items())) if isinstance(value, dict) else (value, list(enumerate(value)))
    if not _has_settings(value):
        return None
    attributes, left_out = vars(value), _RESULTS | getattr(type(value), "not_parts", frozenset())
    pairs = [(name, inner) for name, inner in attributes.items() if name not in left_out]
    if isinstance(value, Owner):  # a model's layers, under better names than its attributes'
        pairs.extend(value.children())
    return attributes.values(), pairs


def _has_settings(value: Any) -> bool:
    """Whether a value is an object of the user's, or one of ours, whose attributes code may read."""
    if not hasattr(value, "__dict__") or isinstance(value, (type, Variable, np.ndarray, jax.Array)):
        return False
    if callable(value) and hasattr(value, "__name__"):  # a function stands for itself
        return False
    module = type(value).__module__
    if type(value).__name__ in ("SimpleNamespace", "Namespace") or isinstance(value, Owner):
        return True
    return module.partition(".")[0] not in _OTHERS and not module.startswith(_OURS_WITHOUT_SETTINGS)


def _watch_class(cls: type, path: tuple[str, ...], flat: Flat, seen: set[int]) -> Iterator[Watched]:
    """The same for the attributes of a user's classes, which stand for those that an object does not have."""
    for one in cls.__mro__:
        module = one.__module__
        if id(one) in seen or module.startswith("lamella.") or module.partition(".")[0] in _OTHERS - {"__main__"}:
            continue
        seen.add(id(one))
        flat.update({(*path, name): value for name, value in vars(one).items() if not name.startswith("__")})
        yield vars(one).values(), tuple(vars(one).values())


def _is_small_array(value: Any) -> bool:
    return type(value) is np.ndarray and value.nbytes <= _SMALL


def _same(before: Any, now: Any) -> bool:
    """Whether two plain values are equal for a program that was traced with one of them."""
    if before is now:
        return True
    if type(before) is not type(now) or isinstance(before, Tracer):
        return False
    if isinstance(before, (np.ndarray, jax.Array)):
        return before.shape == now.shape and before.dtype == now.dtype and bool(np.array_equal(before, now))
    try:
        return bool(before == now)
    except Exception:
        return False
