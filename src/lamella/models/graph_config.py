"""A graph as a config, in Keras's form, and back.

{"layers": [{"class_name": …, "config": …, "name": …, "inbound_nodes": [{"args": …, "kwargs": …}]}],
 "input_layers": [name, call, output], "output_layers": …}
"""

from __future__ import annotations

import inspect
from collections import deque
from contextlib import nullcontext
from typing import Any

import jax

from lamella.errors import ConfigError
from lamella.graph import FunctionOp, Graph, KerasTensor, Node, Operation, node_of
from lamella.registry import bounded, deserialize_keras_object, marking, serialize_keras_object, sharing


def graph_config(model: Any) -> dict[str, Any]:
    """The config of a model that has a graph."""
    graph: Graph = model._graph_
    numbers = _call_numbers(graph)
    layers = []
    with marking(model):
        for operation in graph.operations:
            nodes = [node for node in operation.inbound_nodes if node in numbers]
            described = serialize_keras_object(operation)
            described["name"] = operation.name
            described["inbound_nodes"] = [_node_config(node, numbers) for node in nodes if not node.is_input]
            layers.append(described)
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": layers,
        "input_layers": jax.tree.map(lambda t: _end(t, numbers), graph.inputs_structure),
        "output_layers": jax.tree.map(lambda t: _end(t, numbers), graph.outputs_structure),
    }


def _call_numbers(graph: Graph) -> dict[Node, int]:
    """The number of each call among those of its operation that are in the graph."""
    inside, numbers = graph.node_set(), {}
    for operation in graph.operations:
        nodes = [node for node in operation.inbound_nodes if node in inside]
        numbers.update((node, index) for index, node in enumerate(nodes))
    return numbers


def _own_call(operation: Operation | None) -> int:
    """1 for an operation that Keras gives a first call of its own (a Functional model)."""
    return int(getattr(operation, "calls_itself_first", False) and getattr(operation, "_graph_", None) is not None)


def _reference(tensor: KerasTensor, numbers: dict[Node, int]) -> list[Any]:
    node = node_of(tensor)
    if node is None or node not in numbers:
        raise ConfigError(f"{tensor!r} is not made inside of the model.")
    return [node.operation.name, numbers[node], tensor._keras_history.tensor_index]


def _end(tensor: KerasTensor, numbers: dict[Node, int]) -> list[Any]:
    """A reference to an input or output; there, and only there, Keras counts a model's calls from 1."""
    name, number, index = _reference(tensor, numbers)
    return [name, number + _own_call(tensor._keras_history.operation), index]


# Keras writes a layer's default for `training` as if the caller had said it.  Here what the
# caller says holds in `fit` too, so our files mark it, and an unmarked default is dropped.
_EXPLICIT = "training_is_explicit"


def _node_config(node: Node, numbers: dict[Node, int]) -> dict[str, Any]:
    def described(value: Any) -> Any:
        if isinstance(value, KerasTensor):
            config = {"shape": list(value.shape), "dtype": value.dtype, "keras_history": _reference(value, numbers)}
            return {"class_name": "__keras_tensor__", "config": config}
        if isinstance(value, tuple) and not any(isinstance(leaf, KerasTensor) for leaf in jax.tree.leaves(value)):
            return serialize_keras_object(value)
        if isinstance(value, (list, tuple)):
            return [described(item) for item in value]
        if isinstance(value, dict):
            return {key: described(item) for key, item in value.items()}
        return serialize_keras_object(value)

    config = {
        "args": [described(arg) for arg in node.args],
        "kwargs": {k: described(v) for k, v in node.kwargs.items()},
    }
    return {**config, _EXPLICIT: True} if node.kwargs.get("training") is not None else config


def model_from_graph_config(cls: type, config: dict[str, Any], custom_objects: dict[str, Any] | None) -> Any:
    """Makes a model from the config of a graph: its operations first, then their calls.

    Raises: ConfigError: calls refer to tensors that nothing makes.
    """
    config = dict(config)
    described = config.pop("layers")
    inputs, outputs = config.pop("input_layers"), config.pop("output_layers")
    with sharing():
        operations = _Operations({layer["name"]: _operation(layer, custom_objects) for layer in described})
    _make_calls(described, operations, custom_objects)

    def tensors(reference: Any) -> Any:
        if _is_reference(reference):
            name, number, index = reference
            return _tensor((name, number - _own_call(operations.get(name)), index), operations)
        if isinstance(reference, dict):
            return {key: tensors(item) for key, item in reference.items()}
        found = [tensors(item) for item in reference]
        return tuple(found) if isinstance(reference, tuple) else found

    trainable = config.pop("trainable", True)
    model = cls(inputs=tensors(inputs), outputs=tensors(outputs), **config)
    model._trainable = trainable is not False  # its own flag; each layer's is in the layer's config
    return model


class _Operations(dict[str, Operation]):
    """The operations of a graph by name, and the calls that are made in it: there may be others in other graphs."""

    def __init__(self, operations: dict[str, Operation]):
        super().__init__(operations)
        self._before = {
            name: sum(not node.is_input for node in operation.inbound_nodes) for name, operation in operations.items()
        }

    def count(self, name: str) -> int:
        return len(self[name].inbound_nodes) - self._before[name]

    def call(self, name: str, number: int) -> Node | None:
        """A call by its number among those in the graph, or None."""
        return self[name].inbound_nodes[self._before[name] + number] if 0 <= number < self.count(name) else None


def _operation(layer: dict[str, Any], custom_objects: Any) -> Operation:
    found = deserialize_keras_object(_without_calls(layer), custom_objects=custom_objects)
    if not isinstance(found, Operation):
        raise ConfigError(f"{layer['name']!r} in the config is neither a layer nor an op.", received=repr(found)[:100])
    return found


def _make_calls(described: list[Any], operations: _Operations, custom_objects: Any) -> None:
    """Calls every operation on its recorded arguments, in whichever order these exist."""
    pending: dict[str, deque[Any]] = {layer["name"]: deque() for layer in described}
    for layer in described:
        pending[layer["name"]].extend(layer["inbound_nodes"])
    if stray := next((name for name, calls in pending.items() if not all(map(_references, calls))), None):
        raise ConfigError(f"The graph in the config calls {stray!r} on no tensor of the graph.")
    waiting: dict[tuple[str, int], list[str]] = {}  # {call that is not made yet: operations that need it}
    ready = list(reversed(pending))
    while ready:
        name = ready.pop()
        while (calls := pending[name]) and (missing := _missing(calls[0], operations)) is None:
            number = operations.count(name)
            _make_call(operations[name], calls.popleft(), operations, custom_objects)
            ready += reversed(waiting.pop((name, number), []))
        if calls:
            waiting.setdefault(missing, []).append(name)
    if stuck := sorted(name for name, calls in pending.items() if calls):
        raise ConfigError(
            "The graph in the config has loops, or calls on tensors that nothing makes.",
            received=f"no way to make the calls of {stuck[:20]}",
        )


def _make_call(operation: Operation, call: dict[str, Any], operations: _Operations, custom_objects: Any) -> None:
    args, kwargs = _arguments(call, operations, custom_objects)
    if not call.get(_EXPLICIT) and kwargs.get("training") is _default_training(operation):
        kwargs.pop("training", None)
    with bounded(f"{operation.name!r}") if isinstance(operation, FunctionOp) else nullcontext():
        operation(*args, **kwargs)


def _missing(call: Any, operations: _Operations) -> Any:
    """The name and number of a call that has to be made before this one, or None."""
    missing = next((one for one in _references(call) if _node(one, operations) is None), None)
    return None if missing is None else (missing[0], missing[1])


def _default_training(operation: Operation) -> Any:
    parameter = inspect.signature(operation.call).parameters.get("training")
    return None if parameter is None else parameter.default


def _without_calls(layer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in layer.items() if key not in ("inbound_nodes", "name")}


def _is_reference(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 3 and isinstance(value[0], str)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _references(call: Any) -> list[Any]:
    leaves = jax.tree.leaves(call, is_leaf=_is_tensor)
    return [leaf["config"]["keras_history"] for leaf in leaves if _is_tensor(leaf)]


def _node(reference: Any, operations: _Operations) -> Node | None:
    name, number, _ = reference
    if name not in operations:
        raise ConfigError(f"The graph in the config names an operation {name!r} that it does not hold.")
    return operations.call(name, number)


def _tensor(reference: Any, operations: _Operations) -> KerasTensor:
    node = _node(reference, operations)
    if node is None or reference[2] >= len(node.outputs):
        raise ConfigError(
            f"The graph in the config refers to call {reference[1]} of {reference[0]!r}, which is not there."
        )
    return node.outputs[reference[2]]


def _arguments(call: dict[str, Any], operations: _Operations, custom_objects: Any) -> Any:
    def value(described: Any) -> Any:
        if _is_tensor(described):
            return _tensor(described["config"]["keras_history"], operations)
        if isinstance(described, list):
            return [value(item) for item in described]
        if isinstance(described, dict) and "class_name" not in described:
            return {key: value(item) for key, item in described.items()}
        return deserialize_keras_object(described, custom_objects=custom_objects)

    return tuple(value(arg) for arg in call["args"]), {key: value(v) for key, v in call["kwargs"].items()}
