"""`model.anatomy`: one accessor to everything that a model is made of."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax

from lamella.anatomy.parts import Part, parts_of
from lamella.anatomy.pattern import matching
from lamella.anatomy.selection import Selection
from lamella.errors import ArgumentError, StateError, unknown
from lamella.graph import KerasTensor, Site, trace
from lamella.layers import Layer
from lamella.state import Owner, Variable


class Anatomy:
    """What a model or a layer is made of, by address.

    `A["base/conv1"]`, `A["base/block_6_*"]`, `A["enc@1/d1"]`, `A["layers[4]"]`
    pick parts; see `lamella.anatomy.pattern` for the grammar.

    Example: >>> A = Sequential([Input((4,)), Dense(8, name="a"), Dense(2, name="b")]).anatomy
             >>> A["a"].layers[0].units, A["a/kernel"].weights[0].shape
             (8, (4, 8))
    """

    def __init__(self, subject: Layer, inputs: Any = None):
        self.subject = subject
        self._inputs = inputs
        self._seen: tuple[Any, Site] | None = None
        self._parts: list[Part] | None = None

    def on(self, *inputs: Any) -> Anatomy:
        """The anatomy for given inputs: arrays, symbolic tensors or shapes."""
        return Anatomy(self.subject, tuple(jax.tree.map(_symbolic, one, is_leaf=_is_shape) for one in inputs))

    @property
    def trace(self) -> Site:
        """The call of the whole, with every call inside.

        Raises: StateError: what it is called on is not known yet.
        """
        key = self._key()
        if self._seen is None or self._seen[0] != key:
            args, kwargs = _inputs_of(self.subject) if self._inputs is None else (self._inputs, {})
            self._seen, self._parts = (key, trace(self.subject, *args, **kwargs)), None
        return self._seen[1]

    def _key(self) -> Any:
        """What the trace depends on: the graph, and which layers there are."""
        return id(getattr(self.subject, "_graph", None)), tuple(map(id, self.subject._flatten_layers()))

    @property
    def parts(self) -> list[Part]:
        """Every layer, op and weight at every place, in order; without calls if it was never called."""
        try:
            root = self.trace
        except StateError:
            return parts_of(Site(self.subject, None))
        if self._parts is None:
            self._parts = parts_of(root)
        return self._parts

    @property
    def notes(self) -> list[str]:
        """Where one cannot see inside, and why."""
        found = [(self.subject.name, self.trace), *((part.address, part.site) for part in self.parts)]
        return [f"{address}: {site.note}" for address, site in found if site is not None and site.note]

    # Picking

    def __getitem__(self, pattern: Any) -> Selection:
        """The parts that an address or pattern means.

        Raises: UnknownNameError: there is none; the nearest addresses are named.
        """
        if isinstance(pattern, Selection):
            return pattern
        if isinstance(pattern, (list, tuple)) and pattern:
            return _union([self[one] for one in pattern])
        if isinstance(pattern, (Layer, Variable)):
            found = [part for part in self.parts if part.thing is pattern]
        elif isinstance(pattern, str):
            found = matching(pattern, self.parts)
        else:
            raise ArgumentError("An address is a string.", received=repr(pattern), fix='write A["base/conv1"]')
        if not found:
            places = list(dict.fromkeys(part.place for part in self.parts))
            raise unknown(f"part of {self.subject.name!r}", getattr(pattern, "name", pattern), places)
        return Selection(found, self.parts, repr(pattern) if isinstance(pattern, str) else f"{pattern.name!r}")

    def select(self, pattern: Any = "**", type: Any = None) -> Selection:
        """Like `A[pattern]`, of one type; may be empty.

        Args: type: a class, or a tuple of classes; `Variable` for weights.
        """
        wants_weights = isinstance(type, builtin_type) and issubclass(type, Variable)
        parts = self.parts if wants_weights and pattern == "**" else self._matching(pattern)
        chosen = parts if type is None else [part for part in parts if isinstance(part.thing, type)]
        return Selection(chosen, self.parts, repr(pattern))

    def _matching(self, pattern: Any) -> list[Part]:
        return matching(pattern, self.parts) if isinstance(pattern, str) else self[pattern].parts

    def address(self, thing: Owner | Variable | Site) -> str:
        """The address of a layer, weight or call.

        Raises: UnknownNameError: it is no part of the model.
        """
        for part in self.parts:
            if part.thing is thing:
                return part.place
            if part.site is thing:
                return part.address
        raise unknown(f"part of {self.subject.name!r}", getattr(thing, "name", repr(thing)), ())

    def __repr__(self) -> str:
        return f"<Anatomy of {type(self.subject).__name__} {self.subject.name!r}>"


builtin_type = type


def _union(selections: list[Selection]) -> Selection:
    result = selections[0]
    for one in selections[1:]:
        result = result | one
    return result


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(d is None or isinstance(d, int) for d in value)


def _symbolic(value: Any) -> KerasTensor:
    if isinstance(value, KerasTensor):
        return value
    if _is_shape(value):
        return KerasTensor(value)
    return KerasTensor((None, *value.shape[1:]), str(value.dtype)) if hasattr(value, "shape") else value


def _inputs_of(subject: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the subject is called on: its graph's inputs, a recorded call's, or those it was built on."""
    if getattr(subject, "_graph", None) is not None:
        return (subject.input,), {}
    if subject.inbound_nodes:
        node = subject.inbound_nodes[0]
        return node.args, node.kwargs
    if subject.called_on is not None:
        return subject.called_on
    shapes = subject._build_shapes or {}
    if shapes and all(shape is not None for shape in shapes.values()):
        dtype = subject.input_dtype
        make = partial(jax.tree.map, lambda shape: KerasTensor(shape, dtype), is_leaf=_is_shape)
        return tuple(map(make, shapes.values())), {}
    raise StateError(
        f"{type(subject).__name__} {subject.name!r} has not been called yet, so what is inside cannot be traced.",
        fix="call it on data once, or say what it is called on: model.anatomy.on((None, 224, 224, 3))",
    )
