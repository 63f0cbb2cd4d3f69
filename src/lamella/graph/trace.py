"""Tracing: any layer or model as a tree of sites, however it was written.

A model that has a graph is read from it: nothing runs.  A layer made of layers,
or a model with a `call()` of its own, is run once on shapes, under an observer;
what its plain jax code does between the layers is read from the jaxpr.
"""

from __future__ import annotations

from typing import Any

import jax

from lamella.errors import LamellaError
from lamella.graph.flows import Code, Flows, mark
from lamella.graph.observer import Key, Observer
from lamella.graph.operation import Operation
from lamella.graph.site import Site, Value
from lamella.graph.tensor import KerasTensor
from lamella.graph.topology import Graph
from lamella.graph.unknown_sizes import common_shape, run_on_shapes
from lamella.state import current, frame, get_mask, set_mask


def trace(operation: Operation, *args: Any, **kwargs: Any) -> Site:
    """One call of an operation on symbolic tensors, as a tree of sites.

    What is inside is looked up when first asked for; nothing is computed.

    Example: >>> model = Sequential([Input((3,)), Dense(2, name="d")])
             >>> [site.operation.name for site in trace(model, Input((3,))).inner][1:]
             ['d']
    """
    outside = {t: Value(t.shape, t.dtype) for t in jax.tree.leaves((args, kwargs)) if isinstance(t, KerasTensor)}
    args, kwargs = jax.tree.map(lambda leaf: outside[leaf] if isinstance(leaf, KerasTensor) else leaf, (args, kwargs))
    site = Site(operation, None, args, kwargs)
    if operation.recorded(args, kwargs) is None and operation.called_inside() is None:
        _observe(site)
    else:
        site.returns(operation.compute_output_spec(*args, **kwargs))
        site._look = _look
    return site


def _look(site: Site) -> None:
    """Looks inside of a call, if there is anything to see."""
    operation = site.operation
    recorded = operation.recorded(site.args, site.kwargs) if operation is not None else None
    if recorded is not None:
        _read(site, *recorded)
    elif operation is not None and operation.called_inside() is not None:
        _hand_on(site, operation)
    elif operation is not None and operation.composite:
        _observe(site)


# A call that hands its arguments on


def _hand_on(site: Site, operation: Operation) -> None:
    """One call is inside, of another operation on the same arguments."""
    site.entries = [Value(v.shape, v.dtype) for v in site.inputs]
    for number, entry in enumerate(site.entries):
        entry.enters = (site, number)
    given = dict(zip(site.inputs, site.entries, strict=True))
    kwargs = {key: value for key, value in site.kwargs.items() if key != "training"}
    known = jax.tree.map(lambda leaf: given[leaf] if isinstance(leaf, Value) else leaf, (site.args, kwargs))
    inner = Site(operation.called_inside(), site, *known, look=_look)
    inner.returns(operation.called_inside().compute_output_spec(*inner.args, **inner.kwargs))
    site.holds([inner], operation.returned(inner))


# A graph that was recorded


def _read(site: Site, graph: Graph, inputs: list[Any]) -> None:
    given = {id(value): index for index, value in enumerate(site.inputs)}
    known: dict[KerasTensor, Any] = {}
    site.entries = [Value(v.shape, v.dtype) for v in site.inputs]
    for place, (value, entry) in enumerate(zip(inputs, site.entries, strict=False)):
        entry.enters = (site, given.get(id(value), place))
    starts = dict(zip(graph.inputs, site.entries, strict=False))
    inner: list[Site] = []
    for node in graph.nodes:
        if all(tensor in known for tensor in node.outputs):
            continue
        args, kwargs = node.arguments(known) if not any(t in starts for t in node.outputs) else ((), {})
        call = Site(node.operation, site, args, kwargs, _look)
        if args or kwargs:
            call.returns(_spec_of(node, args, kwargs))
        else:
            call.returns([starts.get(tensor, tensor) for tensor in node.outputs])
            _enter(call, [starts.get(tensor) for tensor in node.outputs])
        known.update(zip(node.outputs, call.outputs, strict=True))
        inner.append(call)
    site.holds(inner, [known[tensor] for tensor in graph.outputs])


def _enter(call: Site, entries: list[Any]) -> None:
    """An `Input` in a graph gives on what came in from outside."""
    call._look = None
    for output, entry in zip(call.outputs, entries, strict=True):
        output.enters = entry.enters if entry is not None else None


def _spec_of(node: Any, args: Any, kwargs: Any) -> Any:
    """What a recorded call returns: as recorded, unless it is given other shapes now."""
    values = [leaf for leaf in jax.tree.leaves((args, kwargs)) if isinstance(leaf, KerasTensor)]
    if all(v.shape == t.shape for v, t in zip(values, node.inputs, strict=True)):
        return node.structure
    node.operation._check_(args[0] if args else None)
    return node.operation.compute_output_spec(*args, **kwargs)


# A call that is observed


class _Call:
    """What the observer saw of one call: shapes only, no values."""

    def __init__(self, operation: Operation, parent: int | None):
        self.operation, self.parent = operation, parent
        self.arguments: Any = None
        self.inputs: list[Any] = []
        self.structure: Any = None
        self.outputs: list[Any] = []


class _Recorder(Observer):
    """Notes every call, and marks what goes in and comes out."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[_Call] = []
        self._stack: list[int] = []

    def entered(self, key: Key, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = _Call(key[-1][0], self._stack[-1] if self._stack else None)
        self._stack.append(len(self.calls))
        self.calls.append(call)
        leaves, treedef = jax.tree.flatten((args, kwargs))
        call.arguments = (treedef, [None if _is_array(leaf) else leaf for leaf in leaves])
        marked = self._marked(leaves, "in", call.inputs)
        return jax.tree.unflatten(treedef, marked)

    def ran(self, key: Key, run: Any, args: Any, kwargs: Any) -> Any:
        if len(key) > 1 and key[-1][0].recorded(args, kwargs) is not None:
            with frame(observer=None):  # its graph says what is inside
                return run(*args, **kwargs)
        return run(*args, **kwargs)

    def left(self, key: Key, outputs: Any) -> Any:
        call = self.calls[self._stack[-1]]
        leaves, call.structure = jax.tree.flatten(outputs)
        marked = self._marked(leaves, "out", call.outputs)
        self._stack.pop()
        return jax.tree.unflatten(call.structure, marked)

    def _marked(self, leaves: list[Any], side: str, seen: list[Any]) -> list[Any]:
        marked = []
        for leaf in leaves:
            if _is_array(leaf):
                mask = get_mask(leaf)
                leaf_marked = mark(leaf, f"{self._stack[-1]}/{side}/{len(seen)}")
                set_mask(leaf_marked, mask)
                seen.append((leaf.shape, leaf.dtype))
                leaf = leaf_marked
            marked.append(leaf)
        return marked


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array)


def _observe(site: Site) -> None:
    """Runs a call on shapes and takes down what happens inside."""
    try:
        runs = run_on_shapes(lambda shapes: _run(site, shapes), [value.shape for value in site.inputs])
    except Exception as error:
        if site.parent is None and not isinstance(error, jax.errors.ConcretizationTypeError):
            raise
        site.note = _why(site, error)
        return
    _Assembly(site, runs).build()


def _run(site: Site, shapes: list[tuple[int, ...]]) -> tuple[_Recorder, Flows]:
    recorder = _Recorder()

    def run(*values: Any) -> Any:
        with frame(overlay=dict(current().overlay or {}), observer=recorder, losses=[], deferred=True):
            return [leaf for leaf in jax.tree.leaves(site.again(*values)) if _is_array(leaf)]

    typed = [jax.ShapeDtypeStruct(shape, value.dtype) for shape, value in zip(shapes, site.inputs, strict=True)]
    return recorder, Flows(jax.make_jaxpr(run)(*typed))


def _why(site: Site, error: Exception) -> str:
    if isinstance(error, jax.errors.ConcretizationTypeError):
        return "a Python branch in its call() depends on data, so which layers run is known only then"
    text = error.what if isinstance(error, LamellaError) else f"{type(error).__name__}: {str(error).splitlines()[0]}"
    return f"its call() does not run on shapes alone ({text})"


class _Assembly:
    """Makes the sites inside of an observed call from what runs of it saw."""

    def __init__(self, site: Site, runs: list[tuple[_Recorder, Flows]]):
        self.root, (self.recorder, self.flows) = site, runs[0]
        self.calls, self.others = self.recorder.calls, [recorder.calls for recorder, _ in runs[1:]]
        self.other_flows = [flows for _, flows in runs[1:]]
        self.sites: dict[int, Site] = {0: site}
        self.inner: dict[int, list[Site]] = {0: []}
        self.codes: dict[int, Value] = {}

    def build(self) -> None:
        if self.root.parent is None and not self.root.outputs:
            self.root.returns(self._outputs(0))
        self.root.entries = self._entries(0, self.root)
        for index, call in enumerate(self.calls[1:], start=1):
            if call.parent in self.sites and self._ran(index):
                self._add(index, call)
        for index, site in self.sites.items():
            if index == 0 or self.inner[index]:
                exits = [self._value(f"{index}/out/{n}", shape, index) for n, shape in enumerate(self._shapes(index))]
                site.holds(self.inner[index], exits)

    def _ran(self, index: int) -> bool:
        """Whether a call stands in the jaxpr: what jax traced twice stands there once."""
        return f"{index}/out/0" in self.flows.of

    def _add(self, index: int, call: _Call) -> None:
        parent: int = call.parent  # type: ignore[assignment]
        treedef, leaves = call.arguments
        values = iter([self._value(f"{index}/in/{n}", s, parent) for n, s in enumerate(self._shapes(index, "inputs"))])
        args, kwargs = jax.tree.unflatten(treedef, [next(values) if leaf is None else leaf for leaf in leaves])
        recorded = call.operation.recorded(args, kwargs) is not None or call.operation.called_inside() is not None
        site = Site(call.operation, self.sites[parent], args, kwargs, _look if recorded else None)
        site.returns(self._outputs(index))
        site.repeats = self._repeats(f"{index}/out/0")
        if not recorded:
            site.entries = self._entries(index, site)
        self.sites[index], self.inner[index] = site, []
        self.inner[parent].append(site)

    def _repeats(self, marked: str) -> int | None:
        """How often a loop runs a call; None where that is not the same in all runs."""
        counts = {flows.repeats.get(marked) for flows in (self.flows, *self.other_flows)}
        return counts.pop() if len(counts) == 1 else None

    def _entries(self, index: int, site: Site) -> list[Value]:
        entries = [Value(shape, dtype) for shape, dtype in self._shapes(index, "inputs")]
        for number, entry in enumerate(entries):
            entry.enters = (site, number)
        return entries

    def _outputs(self, index: int) -> Any:
        leaves = [KerasTensor(shape, _name(dtype)) for shape, dtype in self._shapes(index)]
        return jax.tree.unflatten(self.calls[index].structure, leaves)

    def _shapes(self, index: int, side: str = "outputs") -> list[tuple[Any, Any]]:
        """The shapes that all runs saw; where they differ, a size is unknown."""
        mine = getattr(self.calls[index], side)
        others = [getattr(calls[index], side) for calls in self.others if index < len(calls)]
        return [
            (_common([shape, *(o[n][0] for o in others if n < len(o))]), _name(dtype))
            for n, (shape, dtype) in enumerate(mine)
        ]

    def _value(self, marked: str, shape: tuple[Any, Any], within: int) -> Value:
        return self._from(self.flows.of.get(marked), shape, within)

    def _from(self, source: Any, shape: tuple[Any, Any], within: int) -> Value:
        if isinstance(source, Code):
            return self._code(source, shape, within)
        if isinstance(source, int):
            return self.root.entries[source]
        if source is None:
            return Value(*shape)  # a constant: it follows from no input
        index, side, number = source.split("/")
        site = self.sites.get(int(index))
        if site is None:
            return Value(*shape)
        return (site.outputs if side == "out" else site.entries)[int(number)]

    def _code(self, code: Code, shape: tuple[Any, Any], within: int) -> Value:
        """The site of plain code; made once, and shared by what follows from it."""
        if id(code) not in self.codes:
            inputs = tuple(self._from(source, shape, within) for source in code.sources)
            site = Site(None, self.sites[within], inputs)
            site.steps = tuple(code.equations)
            site.returns(KerasTensor(*shape))
            self.codes[id(code)] = site.outputs[0]
            self.inner[within].append(site)
        return self.codes[id(code)]


def _name(dtype: Any) -> str:
    return str(dtype)


def _common(shapes: list[tuple[int, ...]]) -> tuple[int | None, ...]:
    return common_shape([shape for shape in shapes if len(shape) == len(shapes[0])])
