"""What a model that has a graph can do: run it, list it, describe it.

`Functional`, `Sequential` and subclasses made with `super().__init__(inputs, outputs)`
all keep one `Graph`; a subclassed model without one keeps None.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax

from lamella.errors import ArgumentError, GraphError, StateError, unknown
from lamella.graph import Graph, KerasTensor, Operation, addresses, node_of
from lamella.layers import InputLayer, InputSpec, Layer
from lamella.models.inputs import Staged, cut_at, standardized, supported
from lamella.state import Owner, Variable, aliases


@aliases(
    _operations="operations",
    _inputs="inputs",
    _outputs="outputs",
    _inputs_struct="input",
    _outputs_struct="output",
    _nodes=lambda model: model._known_graph_("nodes").node_set(),
    _nodes_by_depth=lambda model: model._known_graph_("nodes").nodes_by_depth(),
    _is_graph_network=lambda model: model._graph_ is not None,
)
class GraphModel(Layer):
    """The part of Model that reads and runs its graph."""

    _graph_: Graph | None = None
    _manual_input_spec: Any = None
    calls_itself_first = True  # Keras's files count a Functional's calls from 1

    def _set_graph_(self, inputs: Any, outputs: Any) -> None:
        graph = Graph(*cut_at(inputs, outputs))
        _check_names(graph.operations)
        self._graph_ = graph
        self.output_names = [operation.name for operation in map(_maker, graph.outputs)]
        self._convert_input_args = False  # done here, to the dtype of each input
        self._allow_non_tensor_positional_args = True
        self.supports_masking = True
        self.built = True

    def _known_graph_(self, what: str) -> Graph:
        if self._graph_ is None:
            raise AttributeError(f"{type(self).__name__} {self.name!r} has no defined {what}: it has no graph (yet).")
        return self._graph_

    # What is inside

    def children(self) -> Iterator[tuple[str, Variable | Owner]]:
        seen: set[int] = set()
        named = zip(addresses(self._graph_layers_()), self._graph_layers_(), strict=True)
        for segment, child in (*named, *super().children()):
            if id(child) not in seen:
                seen.add(id(child))
                yield segment, child

    def _graph_layers_(self) -> list[Layer]:
        operations = self._graph_.operations if self._graph_ is not None else ()
        return [operation for operation in operations if isinstance(operation, Layer)]

    @property
    def operations(self) -> list[Operation]:
        """All layers and ops in the graph, from inputs to outputs."""
        return list(self._known_graph_("operations").operations)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs, flat."""
        return list(self._known_graph_("inputs").inputs)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs, flat."""
        return list(self._known_graph_("outputs").outputs)

    @property
    def input(self) -> Any:
        """The symbolic inputs, as they were given."""
        return self._graph_.inputs_structure if self._graph_ is not None else super().input

    @property
    def output(self) -> Any:
        """The symbolic outputs, as they were given."""
        return self._graph_.outputs_structure if self._graph_ is not None else super().output

    @property
    def input_shape(self) -> Any:
        return _one_or_all([tensor.shape for tensor in self._known_graph_("input shape").inputs])

    @property
    def output_shape(self) -> Any:
        return _one_or_all([tensor.shape for tensor in self._known_graph_("output shape").outputs])

    @property
    def input_names(self) -> list[str]:
        return [operation.name for operation in map(_maker, self._known_graph_("inputs").inputs)]

    @property
    def input_spec(self) -> Any:
        """What the inputs must look like, batch size aside."""
        if self._manual_input_spec is not None or self._graph_ is None:
            return self._manual_input_spec
        structure = self._graph_.inputs_structure
        if isinstance(structure, dict):
            if not all(isinstance(tensor, KerasTensor) for tensor in structure.values()):
                return None
            return [_spec(structure[name], name) for name in sorted(structure)]
        return [_spec(tensor, _maker(tensor).name) for tensor in self._graph_.inputs]

    @input_spec.setter
    def input_spec(self, value: Any) -> None:  # type: ignore[override]
        self._manual_input_spec = value

    # Running

    def _check_(self, inputs: Any) -> None:
        if not isinstance(inputs, Staged):
            super()._check_(inputs)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Runs the graph.  A subclass without one defines its own `call`."""
        graph = self._graph_for_(inputs)
        if graph is None:
            return self._call_without_graph_(inputs, mask)
        if isinstance(inputs, Staged):
            return _unpacked(self._run_staged_(graph, inputs))
        values = standardized(graph, inputs, self._where_())
        supported(values, mask)
        return _unpacked(graph.run(values))

    def _graph_for_(self, inputs: Any) -> Graph | None:
        """The graph that a call on these inputs runs."""
        return self._graph_

    def _call_without_graph_(self, inputs: Any, mask: Any = None) -> Any:
        raise StateError(
            f"{type(self).__name__} {self.name!r} has neither a graph nor a call().",
            fix="define call(self, inputs), or pass inputs= and outputs= to super().__init__()",
        )

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        inputs = args[0] if args else kwargs.get("inputs")
        graph = self._graph_for_(inputs)
        if graph is None or type(self).call is not GraphModel.call or isinstance(inputs, Staged):
            return super().compute_output_spec(*args, **kwargs)
        self._check_(inputs)
        values = standardized(graph, inputs, self._where_())
        if all(value is not None and value.shape == tensor.shape for value, tensor in zip(values, graph.inputs)):  # noqa: B905
            return jax.tree.map(lambda tensor: KerasTensor(tensor.shape, tensor.dtype), graph.outputs_structure)
        return graph.run(values, _checked_spec)

    def recorded(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Graph, list[Any]] | None:
        inputs = args[0] if args else kwargs.get("inputs")
        graph = self._graph_for_(inputs)
        if graph is None or type(self).call is not GraphModel.call:
            return None
        return graph, standardized(graph, inputs, self._where_())

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return None  # the layers inside have given the outputs their masks

    # The part on the host

    @property
    def runs_on_host(self) -> bool:  # type: ignore[override]
        """Whether everything in the model works on strings, outside of compiled code."""
        computing = [layer for layer in self._graph_layers_() if not isinstance(layer, InputLayer)]
        return bool(computing) and all(layer.runs_on_host for layer in computing)

    def stage(self, inputs: Any) -> Any:
        """Runs the layers that work on the host and keeps what the rest needs.

        Returns: `inputs` themselves where no layer does; else `Staged` values, which
                 the model takes in their place, also inside of compiled code.
        """
        graph = self._graph_
        if graph is None or isinstance(inputs, Staged) or not _has_host_part(self):
            return inputs
        known: dict[KerasTensor, Any] = dict(
            zip(graph.inputs, standardized(graph, inputs, self._where_()), strict=True)
        )
        staged: dict[KerasTensor, Any] = {}
        for node in graph.nodes:
            if node.is_input or not all(tensor in known for tensor in node.inputs):
                continue
            operation = node.operation
            args, kwargs = node.arguments(known)
            if getattr(operation, "runs_on_host", False):
                known.update(zip(node.outputs, jax.tree.leaves(operation(*args, **kwargs)), strict=True))
            elif isinstance(operation, GraphModel) and _has_host_part(operation):
                staged[node.outputs[0]] = operation.stage(args[0])
        tensors = [tensor for node in graph.nodes for tensor in node.outputs]
        numbers = {tensor: index for index, tensor in enumerate(tensors)}
        kept = {numbers[t]: v for t, v in known.items() if t.dtype != "string" and t in numbers}
        return Staged(kept, {numbers[t]: v for t, v in staged.items()})

    def _run_staged_(self, graph: Graph, staged: Staged) -> Any:
        tensors = [tensor for node in graph.nodes for tensor in node.outputs]
        known = {tensors[index]: value for index, value in staged.values.items()}
        for index, inner in staged.inner.items():
            operation = _maker(tensors[index])
            node = node_of(tensors[index])
            outputs = jax.tree.leaves(operation(inner))
            known.update(zip(node.outputs if node else (), outputs, strict=True))
        for node in graph.nodes:
            if all(tensor.dtype == "string" for tensor in node.outputs):
                known.update((tensor, None) for tensor in node.outputs)
        graph.fill(known)
        return jax.tree.map(lambda tensor: known[tensor], graph.outputs_structure)


def find_layer(model: Any, name: str | None, index: int | None) -> Layer:
    """`get_layer`: by index, by name, or by address (`base/block_1`)."""
    layers = model.layers
    if (name is None) == (index is None):
        raise ArgumentError("get_layer() takes a name or an index.", received=f"name={name!r}, index={index!r}")
    if index is not None:
        if not -len(layers) <= index < len(layers):
            raise ArgumentError(f"There is no layer at index {index}.", expected=f"0 to {len(layers) - 1}")
        return layers[index]
    for layer in layers:
        if layer.name == name:
            return layer
    places = list(dict.fromkeys(part.place for part in model.anatomy.parts))
    if isinstance(name, str) and (name in places or any(mark in name for mark in "/[@")):
        found = model.anatomy[name].layers
        if found:
            return found[0]
    deeper = [place for place in places if "/" in place]
    raise unknown(f"layer in model {model.name!r}", name, [*(layer.name for layer in layers), *deeper])


def _maker(tensor: KerasTensor) -> Any:
    return tensor._keras_history.operation


def _unpacked(outputs: Any) -> Any:
    """The one value of a list or tuple of one, as Keras returns it; anything else as it is."""
    return outputs[0] if isinstance(outputs, (list, tuple)) and len(outputs) == 1 else outputs


def _one_or_all(shapes: list[Any]) -> Any:
    return shapes[0] if len(shapes) == 1 else shapes


def _spec(tensor: KerasTensor, name: str) -> InputSpec:
    shape = (None, *tensor.shape[1:]) if tensor.shape else ()
    optional = getattr(_maker(tensor), "optional", False)
    return InputSpec(shape=shape, allow_last_axis_squeeze=True, name=name, optional=optional)


def _has_host_part(model: GraphModel) -> bool:
    return any(
        layer.runs_on_host or (isinstance(layer, GraphModel) and _has_host_part(layer))
        for layer in model._graph_layers_()
    )


def _checked_spec(operation: Operation, args: Any, kwargs: Any) -> Any:
    """What an operation returns for inputs of another shape than it was recorded with, if it takes them."""
    operation._check_(args[0] if args else None)
    return operation.compute_output_spec(*args, **kwargs)


def _check_names(operations: list[Operation]) -> None:
    seen: dict[str, Operation] = {}
    for operation in operations:
        other = seen.setdefault(operation.name, operation)
        if other is not operation:
            raise GraphError(
                f"The name {operation.name!r} is used {sum(o.name == operation.name for o in operations)} times in the "
                "model. All operation names should be unique.",
                received=f"a {type(other).__name__} and a {type(operation).__name__}",
                fix="give one of them another name=",
            )
