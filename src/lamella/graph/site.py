"""Site: one call of an operation in a run of a model, and the values between calls.

A graph that was recorded and a run that was observed are read as the same thing:
a tree of sites.  A site with `inner` sites is a model or a layer made of layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import RLock
from typing import Any

import jax

from lamella.graph.operation import Operation
from lamella.graph.tensor import KerasTensor
from lamella.graph.unknown_sizes import STAND_INS

_looking = RLock()  # another thread waits for what is inside, and does not find it half read


class Value(KerasTensor):
    """What flows from a call to the next: a shape, a dtype, and who made it.

    site:   the call that made it; None for what comes from outside.
    index:  as which of its outputs.
    enters: (site, i) if it is input `i` of that site, seen from inside.
    """

    def __init__(self, shape: Any, dtype: Any, site: Site | None = None, index: int = 0):
        super().__init__(shape, dtype)
        self.site, self.index = site, index
        self.enters: tuple[Site, int] | None = None

    def sized(self, size: int = STAND_INS[0]) -> jax.ShapeDtypeStruct:
        """Its shape and dtype, with a number for each unknown size."""
        return jax.ShapeDtypeStruct(tuple(size if d is None else d for d in self.shape), self.dtype)

    __eq__ = object.__eq__  # unlike other symbolic tensors: nothing is recorded from these
    __hash__ = object.__hash__


class Site:
    """One call: what, where, on what, with what result.

    operation: the layer or op; None for plain code between the layers of a `call()`.
    parent:    the call that this one happens in; None for the outermost.
    number:    which of the operation's calls inside of `parent`, from 0; `times`: how many these are.
    args, kwargs: the arguments, with `Value`s where data flows.
    inputs, outputs: the `Value`s among the arguments, and those returned; flat.
    repeats:   how often a loop around it runs it; 1 outside of loops; None: it depends on data or an unknown size.
    steps:     for plain code, the primitives it consists of.
    note:      why one cannot see inside, if so.
    """

    def __init__(
        self,
        operation: Operation | None,
        parent: Site | None,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        look: Callable[[Site], None] | None = None,
    ):
        self.operation, self.parent = operation, parent
        self.args, self.kwargs = args, kwargs or {}
        self.inputs = [leaf for leaf in jax.tree.leaves((args, self.kwargs)) if isinstance(leaf, Value)]
        self.outputs: list[Value] = []
        self.structure: Any = None
        self.number, self.times = 0, 1
        self.repeats: int | None = 1
        self.steps: tuple[Any, ...] = ()
        self.note: str | None = None
        self.entries: list[Value] = []
        self._inner: list[Site] = []
        self._exits: list[Value] = []
        self._look = look

    def returns(self, structure: Any) -> None:
        """Takes what the call returned, as symbolic tensors in any structure."""

        def made(tensor: KerasTensor) -> Value:
            value = Value(tensor.shape, tensor.dtype, self, len(self.outputs))
            self.outputs.append(value)
            return value

        self.structure = jax.tree.map(made, structure)

    def holds(self, inner: list[Site], exits: list[Value]) -> None:
        """Takes what is inside: the calls in order, and the values that it returns."""
        self._inner, self._exits, self._look = inner, exits, None
        number(inner)

    @property
    def inner(self) -> list[Site]:
        """The calls inside, in the order they run; looked up when first asked for."""
        self._open()
        return self._inner

    @property
    def exits(self) -> list[Value]:
        """What inside of it becomes its outputs, one for each."""
        self._open()
        return self._exits

    def _open(self) -> None:
        with _looking:
            if self._look is not None:
                look, self._look = self._look, None
                look(self)

    def again(self, *inputs: Any) -> Any:
        """Makes the call with other inputs."""
        given = iter(inputs)
        arguments = (self.args, self.kwargs)
        args, kwargs = jax.tree.map(lambda leaf: next(given) if isinstance(leaf, Value) else leaf, arguments)
        return self.operation(*args, **kwargs)  # type: ignore[misc]

    @property
    def key(self) -> tuple[tuple[Any, int], ...]:
        """Which call it is, from the outermost in: (operation, number) for each."""
        above = self.parent.key if self.parent is not None else ()
        return (*above, (self.operation, self.number))

    @property
    def training(self) -> bool | None:
        """The `training=` that this call was given, or None."""
        return self.kwargs.get("training")

    def walk(self) -> Iterator[Site]:
        """This site and everything inside, depth first."""
        stack: list[Site] = [self]
        while stack:
            site = stack.pop()
            yield site
            stack.extend(reversed(site.inner))

    def __repr__(self) -> str:
        name = self.operation.name if self.operation is not None else "code"
        return f"<Site {name}@{self.number}: {[v.shape for v in self.inputs]} -> {[v.shape for v in self.outputs]}>"


def number(sites: list[Site]) -> None:
    """Counts, for each site, the calls of the same operation beside it."""
    calls: dict[int, list[Site]] = {}
    for site in sites:
        if site.operation is not None:
            calls.setdefault(id(site.operation), []).append(site)
    for same in calls.values():
        for index, site in enumerate(same):
            site.number, site.times = index, len(same)


def origin(value: Value) -> Value:
    """The value as the innermost call made it, seen through the borders of models.

    A value that came into a model is followed out of it, one that a model returned
    into it.  What remains has a site without inner sites, or comes from outside.
    """
    while True:
        if value.enters is not None and value.enters[0].inputs:
            site, index = value.enters
            if site.parent is None:
                return value
            value = site.inputs[index]
        elif value.site is not None and value.site.inner and value.site.exits:
            value = value.site.exits[value.index]
        else:
            return value
