"""What calls what, with which shapes."""

from lamella.graph.function import Function
from lamella.graph.function_op import OPS, FunctionOp, op
from lamella.graph.infer import output_spec
from lamella.graph.node import Node, node_of, record
from lamella.graph.operation import Operation
from lamella.graph.tensor import (
    NO_HISTORY,
    OPERATORS,
    KerasTensor,
    any_symbolic,
    is_keras_tensor,
    standardize_shape,
)
from lamella.graph.topology import Graph

__all__ = [
    "NO_HISTORY",
    "OPERATORS",
    "OPS",
    "Function",
    "FunctionOp",
    "Graph",
    "KerasTensor",
    "Node",
    "Operation",
    "any_symbolic",
    "is_keras_tensor",
    "node_of",
    "op",
    "output_spec",
    "record",
    "standardize_shape",
]
