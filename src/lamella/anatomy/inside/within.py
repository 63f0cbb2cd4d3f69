"""The calls inside of one model: which of them are meant, and how to read or change what passes there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from lamella.anatomy.address import Part, Selection
from lamella.errors import ArgumentError, GraphError, unknown
from lamella.graph import Observer, Operation, Site, Value, any_symbolic
from lamella.layers import InputLayer, Layer
from lamella.state import Variable, current

Change = Callable[[Any], Any]
SIDES = ("output", "input")


@dataclass(frozen=True)
class Place:
    """Where a value passes: what a call returns, or what it is given.

    call: (operation, number) for each call around it and itself, from inside the model.
    side: "output", "input", or the number of an input of the graph that the call runs.
    constants: arrays among the arguments that are always the same, so nothing passes there.
    """

    call: tuple[tuple[Operation | None, int], ...]
    side: str | int = "output"
    constants: tuple[Any, ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, site: Site, when: str = "output") -> Place:
        if isinstance(site.operation, InputLayer) and not site.inputs and site.parent is not None:
            return cls(site.parent.key[1:], _number_of_input(site))
        constants = [leaf for leaf in jax.tree.leaves((site.args, site.kwargs)) if _is_array(leaf)]
        return cls(site.key[1:], when, tuple(constants))

    def values(self, site: Site) -> list[Value]:
        """What passes here, in a trace of the model."""
        for step in self.call:
            site = next(one for one in site.inner if (one.operation, one.number) == step)
        if isinstance(self.side, int):
            graph = _graph_of(site)
            start = graph.inputs[self.side]._keras_history.operation
            return next(one.outputs for one in site.inner if one.operation is start)
        return site.outputs if self.side == "output" else site.inputs

    def given(self, operation: Operation, args: Any, kwargs: Any, change: Change) -> tuple[Any, Any]:
        """The arguments of the call, with what passes here changed."""
        if isinstance(self.side, int):
            values = list(operation.recorded(args, kwargs)[1])  # type: ignore[index]
            values[self.side] = change(values[self.side])
            return (values, *args[1:]), {key: value for key, value in kwargs.items() if key != "inputs"}
        leaves, treedef = jax.tree.flatten((args, kwargs))
        same = set(map(id, self.constants))
        tensors = [index for index, leaf in enumerate(leaves) if _is_array(leaf) and id(leaf) not in same]
        one = len(tensors) == 1
        changed = change(leaves[tensors[0]] if one else [leaves[index] for index in tensors])
        for index, value in zip(tensors, [changed] if one else changed, strict=True):
            leaves[index] = value
        return jax.tree.unflatten(treedef, leaves)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (jax.Array, np.ndarray))


def _number_of_input(site: Site) -> int:
    makers = [tensor._keras_history.operation for tensor in _graph_of(site.parent).inputs]
    return makers.index(site.operation)


def _graph_of(site: Any) -> Any:
    """The graph that a call runs."""
    return site.operation.recorded(site.args, site.kwargs)[0]


class Within(Observer):
    """Changes what passes at some places inside of a model, wherever the model is called.

    One that was there before goes on seeing the same calls.

    Args: changes: (place, function of the value) each.
    """

    def __init__(self, model: Layer, changes: Iterable[tuple[Place, Change]]):
        super().__init__()
        self._model = model
        self._changes: dict[Any, list[tuple[Place, Change]]] = {}
        for place, change in changes:
            self._changes.setdefault((place.call, place.side == "output"), []).append((place, change))
        self._outer = current().observer if isinstance(current().observer, Within) else None

    def around(self, operation: Operation, run: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if any_symbolic(args) or any_symbolic(kwargs.values()):
            return run(*args, **kwargs)  # nothing is computed
        return super().around(operation, run, args, kwargs)

    def entered(self, key: Any, args: Any, kwargs: Any) -> Any:
        for place, change in self._at(key, False):
            args, kwargs = place.given(key[-1][0], args, kwargs, change)
        return args, kwargs

    def ran(self, key: Any, run: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        return run(*args, **kwargs) if self._outer is None else self._outer.around(key[-1][0], run, args, kwargs)

    def left(self, key: Any, outputs: Any) -> Any:
        for _, change in self._at(key, True):
            outputs = change(outputs)
        return outputs

    def _at(self, key: Any, output: bool) -> list[tuple[Place, Change]]:
        for index, (operation, _) in enumerate(key):
            if operation is self._model:
                return self._changes.get((key[index + 1 :], output), [])
        return []


# Which calls are meant


def calls_at(anatomy: Any, where: Any) -> dict[Any, Part]:
    """{key or address: part}, one call each, for addresses, patterns, selections, and lists or dicts of them.

    Raises: UnknownNameError: an address stands for nothing.
            GraphError: it stands for several calls, or for none that can be seen.
    """
    if isinstance(where, (dict, list, tuple)) and not where:
        raise ArgumentError("There is no address.", received=repr(where), fix='name one: A.tap("base/conv1")')
    if isinstance(where, dict):
        return {key: _only(key, one, _called(anatomy, one)) for key, one in where.items()}
    if isinstance(where, (list, tuple)):
        return {address: part for one in where for address, part in calls_at(anatomy, one).items()}
    return {part.address: part for part in _called(anatomy, where)}


def site_of(part: Part) -> Site:
    """The call of a part that `calls_at` found."""
    assert part.site is not None
    return part.site


def check_side(when: Any) -> None:
    if when not in SIDES:
        raise unknown("`when`", when, SIDES)


def _only(key: Any, where: Any, parts: list[Part]) -> Part:
    if len(parts) > 1:
        raise ArgumentError(
            f"The key {key!r} stands for one value, and {_text(where)} means {len(parts)}.",
            received=_listed(parts),
            fix="give each of them a key, or leave the keys out",
        )
    return parts[0]


def _called(anatomy: Any, where: Any) -> list[Part]:
    found = anatomy[where].parts
    parts = [part for part in found if part.site is not None]
    if not parts:
        raise _not_called(anatomy, found[0])
    if not isinstance(where, Selection) and ("*" not in str(where) or any(part.place == where for part in parts)):
        _refuse_several(parts)
    return parts


def _refuse_several(parts: list[Part]) -> None:
    for part in parts:
        same = [other for other in parts if other.place == part.place]
        if len(same) > 1:
            raise GraphError(
                f"{part.place!r} is called {len(same)} times: which of these calls is meant?",
                received=_listed(same),
                fix=f"write {same[0].address!r} for the first, or {{'first': {same[0].address!r}, …}} for several",
            )


def _not_called(anatomy: Any, part: Part) -> Exception:
    if isinstance(part.thing, Variable):
        return ArgumentError(
            f"{part.place!r} is a weight, not a call.", fix=f"A[{part.place!r}].weights[0] has its value"
        )
    _ = anatomy.trace  # says so if it was not called at all
    for above in anatomy.parts:
        if above.site is not None and above.site.note and part.place.startswith(f"{above.place}/"):
            return GraphError(
                f"{part.place!r} is inside of {above.address!r}, which cannot be looked into: {above.site.note}.",
                fix=f"take {above.address!r} as a whole",
            )
    return GraphError(f"{part.place!r} is never called, so no value passes there.")


def _listed(parts: list[Part]) -> str:
    shown = [f"{part.address} {_shapes(part.site)}" for part in parts[:8]]
    return ", ".join(shown) + (" …" if len(parts) > 8 else "")


def _shapes(site: Any) -> str:
    return " → ".join(", ".join(str(value.shape) for value in values) for values in (site.inputs, site.outputs))


def _text(where: Any) -> str:
    return repr(where) if isinstance(where, str) else "the selection"
