"""Function: a graph that can be called, without weights or training of its own."""

from __future__ import annotations

from typing import Any

import jax

from lamella.errors import ShapeError
from lamella.graph.operation import Operation
from lamella.graph.tensor import KerasTensor
from lamella.graph.topology import Graph


class Function(Operation):
    """What computes output tensors from input tensors.

    Raises:  ShapeError: it is called on another number of inputs.
    Example: >>> x = Input((2,))
             >>> Function(x, x * 2.0)(np.ones((1, 2))).tolist()
             [[2.0, 2.0]]
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None):
        super().__init__(name)
        self._graph_ = Graph(inputs, outputs)

    @property
    def inputs(self) -> list[KerasTensor]:
        return list(self._graph_.inputs)

    @property
    def outputs(self) -> list[KerasTensor]:
        return list(self._graph_.outputs)

    @property
    def operations(self) -> list[Operation]:
        return list(self._graph_.operations)

    def call(self, inputs: Any) -> Any:
        return self._graph_.run(self._values(inputs))

    def compute_output_spec(self, inputs: Any) -> Any:
        return self._graph_.run(self._values(inputs), lambda operation, a, k: operation.compute_output_spec(*a, **k))

    def compute_output_shape(self, input_shape: Any) -> Any:
        spec = self.compute_output_spec(KerasTensor(input_shape, self._graph_.inputs[0].dtype))
        return jax.tree.map(lambda tensor: tensor.shape, spec)

    def _values(self, inputs: Any) -> list[Any]:
        values = jax.tree.leaves(inputs)
        if len(values) != len(self._graph_.inputs):
            raise ShapeError(f"Function {self.name!r} takes {len(self._graph_.inputs)} inputs.", received=len(values))
        return values
