"""What calls what, with which shapes."""

from lamella.graph.addresses import addresses
from lamella.graph.function import Function
from lamella.graph.function_op import OPS, FunctionOp, op
from lamella.graph.infer import output_spec
from lamella.graph.node import Node, node_of, record
from lamella.graph.observer import Key, Observer
from lamella.graph.op_errors import open_sizes
from lamella.graph.operation import Operation
from lamella.graph.site import Site, Value, origin
from lamella.graph.tensor import (
    NO_HISTORY,
    OPERATORS,
    KerasTensor,
    any_symbolic,
    is_keras_tensor,
    standardize_shape,
)
from lamella.graph.topology import Graph
from lamella.graph.trace import trace
from lamella.graph.unknown_sizes import common_shape, run_on_shapes

__all__ = [
    "NO_HISTORY",
    "OPERATORS",
    "OPS",
    "Function",
    "FunctionOp",
    "Graph",
    "KerasTensor",
    "Key",
    "Node",
    "Observer",
    "Operation",
    "Site",
    "Value",
    "addresses",
    "any_symbolic",
    "common_shape",
    "is_keras_tensor",
    "node_of",
    "op",
    "open_sizes",
    "origin",
    "output_spec",
    "record",
    "run_on_shapes",
    "standardize_shape",
    "trace",
]
