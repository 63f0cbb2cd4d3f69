"""Node: one call of one operation, and the tensors that went in and came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

import jax

from lamella.graph.tensor import KerasHistory, KerasTensor
from lamella.state import aliases

if TYPE_CHECKING:
    from lamella.graph.operation import Operation


@aliases(
    input_tensors="inputs",
    output_tensors="outputs",
    parent_nodes="parents",
    outbound_layer="operation",
    inbound_layers=lambda node: [parent.operation for parent in node.parents],
)
class Node:
    """One call, immutable once made.

    operation: what was called.
    args, kwargs: the arguments, with symbolic tensors where data will flow.
    outputs:   the symbolic tensors it returned, flat; `structure` has their shape.
    inputs:    the symbolic tensors among the arguments, in order.
    """

    __slots__ = (
        "__weakref__",
        "_leaves",
        "_treedef",
        "args",
        "index",
        "inputs",
        "kwargs",
        "operation",
        "outputs",
        "structure",
    )

    def __init__(self, operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any):
        self.operation, self.args, self.kwargs, self.structure = operation, args, kwargs, outputs
        self._leaves, self._treedef = jax.tree.flatten((args, kwargs))
        self.inputs: list[KerasTensor] = [leaf for leaf in self._leaves if isinstance(leaf, KerasTensor)]
        self.outputs: list[KerasTensor] = [leaf for leaf in jax.tree.leaves(outputs) if isinstance(leaf, KerasTensor)]
        self.index = len(operation.inbound_nodes)
        operation.inbound_nodes.append(self)
        for number, tensor in enumerate(self.outputs):
            tensor._keras_history = KerasHistory(operation, self.index, number)
        for tensor in self.inputs:
            if tensor._keras_history.operation is not None:
                _consumers.setdefault(tensor._keras_history.operation, []).append(ref(self))

    @property
    def is_input(self) -> bool:
        return not self.inputs

    @property
    def parents(self) -> list[Node]:
        """The calls that made the inputs, each once, in order."""
        return list(dict.fromkeys(node for node in map(node_of, self.inputs) if node is not None))

    def arguments(self, values: Mapping[KerasTensor, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with every symbolic tensor replaced by its value."""
        leaves = [values[leaf] if isinstance(leaf, KerasTensor) else leaf for leaf in self._leaves]
        return jax.tree.unflatten(self._treedef, leaves)

    def __repr__(self) -> str:
        return f"<Node {self.index} of {self.operation.name}: {self.inputs} -> {self.outputs}>"


_consumers: WeakKeyDictionary[Operation, list[ref[Node]]] = WeakKeyDictionary()


def consumers(operation: Operation) -> list[Node]:
    """The calls that take what an operation returned, as long as something else holds on to them."""
    nodes = (held() for held in _consumers.get(operation, ()))
    return list(dict.fromkeys(node for node in nodes if node is not None))


def node_of(tensor: KerasTensor) -> Node | None:
    """The call that made a symbolic tensor, or None."""
    operation, index, _ = tensor._keras_history
    return None if operation is None or index is None else operation.inbound_nodes[index]


def record(operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> Any:
    """Writes a call into the graph and returns its outputs.

    An output that is one of the inputs (or an output of another call) gets a
    tensor of its own, so that every call stands in the graph.
    """

    def own(leaf: Any) -> Any:
        if isinstance(leaf, KerasTensor) and leaf._keras_history.operation is not None:
            return KerasTensor(leaf.shape, leaf.dtype)
        return leaf

    outputs = jax.tree.map(own, outputs)
    Node(operation, args, kwargs, outputs)
    return outputs
