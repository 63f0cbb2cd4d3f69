"""Graph: the calls between some input and some output tensors, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import jax

from lamella.errors import GraphError
from lamella.graph.node import Node, consumers, node_of
from lamella.graph.operation import Operation
from lamella.graph.tensor import KerasTensor


class Graph:
    """A DAG of calls.

    Args:   inputs, outputs: symbolic tensors, in any structure.
    Raises: GraphError: an output does not depend on the inputs alone, or the
            structure holds something else than symbolic tensors.
    """

    def __init__(self, inputs: Any, outputs: Any):
        self.inputs_structure, self.outputs_structure = inputs, outputs
        self.inputs: list[KerasTensor] = _tensors(inputs, "inputs")
        self.outputs: list[KerasTensor] = _tensors(outputs, "outputs")
        found, first_seen = _search(self.inputs, self.outputs)
        self._check_connected(found)
        self._inputs_last(found, first_seen)
        self.depths = _depths(found)
        self.operations = _operations(self.depths, first_seen)
        self.nodes = sorted(found, key=lambda node: (-self.depths[node], first_seen[node.operation], node.index))

    def run(self, values: Iterable[Any], call: Callable[..., Any] | None = None) -> Any:
        """Computes the outputs from a value for each input tensor, in order.

        Args: call: makes one call, given (operation, args, kwargs); the plain call if None.
        """
        known = dict(zip(self.inputs, values, strict=True))
        self.fill(known, call)
        return jax.tree.map(lambda tensor: known[tensor], self.outputs_structure)

    def fill(self, known: dict[KerasTensor, Any], call: Callable[..., Any] | None = None) -> None:
        """Computes every tensor that is not known yet, in place."""
        for node in self.nodes:
            if all(tensor in known for tensor in node.outputs):
                continue
            args, kwargs = node.arguments(known)
            operation = node.operation
            returned = operation(*args, **kwargs) if call is None else call(operation, args, kwargs)
            known.update(zip(node.outputs, _flat(returned, node), strict=True))

    def node_set(self) -> set[Node]:
        return set(self.nodes)

    def nodes_by_depth(self) -> dict[int, list[Node]]:
        """The calls by the number of steps to the furthest output, the deepest first."""
        found: dict[int, list[Node]] = {}
        for node in self.nodes:
            found.setdefault(self.depths[node], []).append(node)
        return found

    def _check_connected(self, found: list[Node]) -> None:
        known = set(self.inputs)
        for node in found:
            known.update(node.outputs)
        for node in found:
            if node.is_input and not set(node.outputs) & set(self.inputs):
                _check_output_of_inner_graph(self.inputs, self.outputs[0], node)
                raise GraphError(
                    f"The outputs also depend on {node.operation.name!r}, which is not among the inputs.",
                    expected=f"outputs that follow from {[t.name for t in self.inputs]}",
                    fix=f"add the output of {node.operation.name!r} to the inputs",
                )
        for tensor in self.outputs:
            if tensor not in known:
                raise GraphError(
                    f"The output {tensor!r} was not made by any layer or op.",
                    fix="start from lamella.Input() and use layers and lamella.ops",
                )

    def _inputs_last(self, found: list[Node], first_seen: dict[Operation, int]) -> None:
        """Inputs that no output uses belong to the graph all the same."""
        for tensor in self.inputs:
            node = node_of(tensor)
            if node is not None and node.is_input and node.operation not in first_seen:
                first_seen[node.operation] = -1
                found.append(node)


def _check_output_of_inner_graph(inputs: list[KerasTensor], output: KerasTensor, start: Node) -> None:
    """Raises GraphError where an output is of a model that the inputs lead to, but of its own graph."""
    path = _path_to_graph_of(start.outputs[0], [node for one in inputs for node in _calls_after(one)])
    if path is None:
        return
    model, address = path[-1].name, "/".join(one.name for one in path)
    operation: Any = output._keras_history.operation
    makers: list[Any] = [one._keras_history.operation for one in inputs]
    given = ", ".join(repr(maker.name if maker else "?") for maker in makers)
    raise GraphError(
        f"The output of {operation.name!r} belongs to the graph of {model!r}, the model that it is inside of: "
        f"it follows from the input {start.operation.name!r} of {model!r}, and not from {given}.",
        expected=f"an output that follows from {given}; calling {model!r} made new tensors, not those of its layers",
        fix=f"model.anatomy.tap({address + '/' + operation.name!r}) returns what {operation.name!r} gives in the whole "
        f"model; keras.Model(inner.input, inner.get_layer({operation.name!r}).output), with inner = "
        f"model.get_layer({address!r}), is that part of {model!r} alone",
    )


def _calls_after(tensor: KerasTensor) -> list[Node]:
    """The calls that follow from a tensor."""
    found: dict[Node, None] = {}
    maker = tensor._keras_history.operation
    open_ends = [node for node in consumers(maker) if tensor in node.inputs] if maker is not None else []
    while open_ends:
        node = open_ends.pop()
        if node not in found:
            found[node] = None
            open_ends += consumers(node.operation)
    return list(found)


def _path_to_graph_of(tensor: KerasTensor, calls: Iterable[Node]) -> list[Operation] | None:
    """The models, one inside of the other, to the one whose graph begins with a tensor; None if none does."""
    for operation in dict.fromkeys(node.operation for node in calls):
        graph = getattr(operation, "_graph_", None)
        if graph is None:
            continue
        inner = [] if tensor in graph.inputs else _path_to_graph_of(tensor, graph.nodes)
        if inner is not None:
            return [operation, *inner]
    return None


def _tensors(structure: Any, what: str) -> list[KerasTensor]:
    leaves = jax.tree.leaves(structure)
    for leaf in leaves:
        if not isinstance(leaf, KerasTensor):
            raise GraphError(
                f"A model's {what} must be symbolic tensors.",
                received=repr(leaf)[:200],
                fix="start from lamella.Input()",
            )
    if len(set(leaves)) < len(leaves) and what == "inputs":
        raise GraphError("A tensor stands twice among a model's inputs.", received=[t.name for t in leaves])
    if not leaves:
        raise GraphError(f"A model needs {what}.", received=repr(structure))
    return leaves


def _search(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> tuple[list[Node], dict[Operation, int]]:
    """All calls that the outputs need, each after the calls it needs itself.

    The search ends at the inputs: what computes an input that is no `Input()` is left out.
    Also the order in which operations are met on the way up from the outputs,
    which decides between operations of one depth.  Iterative: 10,000 layers do
    not meet Python's recursion limit.
    """
    stop = set(inputs)
    finished: dict[Node, None] = {}
    first_seen: dict[Operation, int] = {}
    for output in outputs:
        stack: list[tuple[Node, Iterator[KerasTensor]]] = []

        def enter(tensor: KerasTensor, stack: list[tuple[Node, Iterator[KerasTensor]]] = stack) -> None:
            node = node_of(tensor)
            if node is None or node in finished or (tensor in stop and not node.is_input):
                return
            first_seen.setdefault(node.operation, len(first_seen))
            stack.append((node, iter(node.inputs)))

        enter(output)
        while stack:
            node, pending = stack[-1]
            tensor = next(pending, None)
            if tensor is not None:
                enter(tensor)
            else:
                stack.pop()
                finished[node] = None
    return list(finished), first_seen


def _depths(found: list[Node]) -> dict[Node, int]:
    """Steps from each call to the furthest output; calls of one operation share the largest."""
    members = set(found)
    depths: dict[Node, int] = {}
    of_operation: dict[Operation, int] = {}
    for node in reversed(found):
        depth = max(depths.setdefault(node, 0), of_operation.get(node.operation, 0))
        of_operation[node.operation] = depths[node] = depth
        for parent in node.parents:
            if parent in members:
                depths[parent] = max(depth + 1, depths.get(parent, 0))
    return depths


def _operations(depths: Mapping[Node, int], first_seen: dict[Operation, int]) -> list[Operation]:
    deepest: dict[Operation, int] = {}
    for node, depth in depths.items():
        deepest[node.operation] = max(depth, deepest.get(node.operation, 0))
    return sorted(deepest, key=lambda operation: (-deepest[operation], first_seen[operation]))


def _flat(returned: Any, node: Node) -> list[Any]:
    leaves = jax.tree.leaves(returned)
    return leaves if len(leaves) == len(node.outputs) else jax.tree.leaves(returned, is_leaf=lambda v: v is None)
