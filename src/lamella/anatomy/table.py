"""The summary of a model as data: rows and totals, before anything is printed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from lamella.errors import ArgumentError, unknown
from lamella.graph import KerasTensor, Node, Operation
from lamella.layers import Layer
from lamella.state import Variable


@dataclass(frozen=True)
class Row:
    """One layer or op of a summary.

    connected: "layer[call][output]" for each tensor that goes in.
    trainable: None where there is nothing to train.
    level:     how deep in models inside of models.
    """

    name: str
    kind: str
    shape: str
    params: int
    built: bool
    connected: tuple[str, ...]
    trainable: bool | None
    level: int = 0


@dataclass(frozen=True)
class Count:
    """A number of parameters and the bytes they take."""

    params: int
    bytes: int


@dataclass(frozen=True)
class Table:
    """What `summary()` shows of a model."""

    model: str
    rows: tuple[Row, ...]
    branches: bool
    trainable: Count
    frozen: Count
    optimizer: Count | None
    notes: tuple[str, ...] = field(default=())

    @property
    def total(self) -> Count:
        """Parameters of the model; what the optimizer keeps is not the model's."""
        return Count(self.trainable.params + self.frozen.params, self.trainable.bytes + self.frozen.bytes)


def table(model: Any, expand_nested: bool = False, layer_range: Any = None) -> Table:
    """Reads the table off a model.

    Raises: ArgumentError: `layer_range` is not two names.
            UnknownNameError: a name in it matches no layer.
    """
    graph = getattr(model, "_graph", None)
    stacked = not getattr(model, "calls_itself_first", True)
    branches = graph is not None and not stacked and _branches(graph.nodes)
    operations = model.layers if graph is None or stacked else graph.operations
    first, last = _bounds(operations, layer_range)
    inside = graph.node_set() if graph is not None else None
    rows = [row for one in operations[first:last] for row in _rows(one, inside, expand_nested)]
    optimizer = model.optimizer
    slots = None if optimizer is None or not getattr(optimizer, "built", False) else list(optimizer.variables)
    return Table(
        model=model.name,
        rows=tuple(rows),
        branches=branches,
        trainable=_count(model.trainable_weights),
        frozen=_count(model.non_trainable_weights),
        optimizer=None if slots is None else _count(slots),
    )


def _rows(operation: Operation, inside: set[Node] | None, expand: bool, level: int = 0) -> list[Row]:
    weights = list(operation.weights) if isinstance(operation, Layer) else []
    nodes = [node for node in operation.inbound_nodes if inside is None or node in inside]
    row = Row(
        name=operation.name,
        kind=type(operation).__name__,
        shape=_output(operation, nodes),
        params=sum(math.prod(weight.shape) for weight in weights),
        built=not isinstance(operation, Layer) or operation.built,
        connected=tuple(_place(tensor) for node in nodes for tensor in node.inputs),
        trainable=operation.trainable if isinstance(operation, Layer) and weights else None,
        level=level,
    )
    parts = getattr(operation, "layers", None) if expand else None
    graph = getattr(operation, "_graph", None)
    within = None if graph is None else graph.node_set()
    return [row, *(r for part in parts or () for r in _rows(part, within, expand, level + 1))]


def _output(operation: Operation, nodes: list[Node]) -> str:
    """The shapes that a layer returns: of its calls in this graph, else of how it was built."""
    if nodes:
        shapes = dict.fromkeys(_shown(node.structure) for node in nodes)
        return ", ".join(shapes)
    graph = getattr(operation, "_graph", None)
    if graph is not None:
        return _shown(graph.outputs_structure)
    shapes = getattr(operation, "_build_shapes", None)
    if isinstance(operation, Layer) and shapes:
        try:
            return _shown(
                jax.tree.map(KerasTensor, operation.compute_output_shape(*shapes.values()), is_leaf=_is_shape)
            )
        except Exception:
            return "?"  # it needs more than shapes to be called
    return "?"


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(d is None or isinstance(d, int) for d in value)


def _shown(structure: Any) -> str:
    leaves = jax.tree.leaves(structure)
    if len(leaves) == 1:
        return str(leaves[0].shape)
    if isinstance(structure, dict):
        return "{" + ", ".join(f"{key}: {_shown(value)}" for key, value in structure.items()) + "}"
    return "[" + ", ".join(str(leaf.shape) for leaf in leaves) + "]"


def _place(tensor: KerasTensor) -> str:
    operation, call, output = tensor._keras_history
    return f"{operation.name if operation else tensor.name}[{call}][{output}]"


def _branches(nodes: list[Node]) -> bool:
    """Whether the graph is more than one chain of layers, each called once."""
    consumers: dict[KerasTensor, int] = {}
    for node in nodes:
        for tensor in node.inputs:
            consumers[tensor] = consumers.get(tensor, 0) + 1
    called = [node.operation for node in nodes]
    starts = sum(node.is_input for node in nodes)
    return (
        starts > 1
        or any(len(node.inputs) > 1 for node in nodes)
        or any(count > 1 for count in consumers.values())
        or len(set(called)) < len(called)
    )


def _count(variables: Iterable[Variable]) -> Count:
    unique = {id(v): v for v in variables}.values()
    numbers = [(math.prod(v.shape), np.dtype(v.raw.dtype).itemsize) for v in unique]
    return Count(sum(n for n, _ in numbers), sum(n * size for n, size in numbers))


def _bounds(operations: list[Any], layer_range: Any) -> tuple[int, int]:
    if layer_range is None:
        return 0, len(operations)
    if (
        not isinstance(layer_range, (list, tuple))
        or len(layer_range) != 2
        or not all(isinstance(n, str) for n in layer_range)
    ):
        raise ArgumentError("`layer_range` is two layer names, the first and the last.", received=repr(layer_range))
    found = [[i for i, one in enumerate(operations) if re.match(pattern, one.name)] for pattern in layer_range]
    for pattern, indices in zip(layer_range, found, strict=True):
        if not indices:
            raise unknown("layer", pattern, [one.name for one in operations])
    (first, last) = (found[0], found[1]) if min(found[0]) <= max(found[1]) else (found[1], found[0])
    return min(first), max(last) + 1
