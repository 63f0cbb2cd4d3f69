"""Operations of TensorFlow in the graphs of Keras 2, as the ops of Keras 3: a table of those that people call.

    TFOpLambda, SlicingOpLambda   since 2.4: y = tf.nn.relu(x) * 2
    TensorFlowOpLayer             before: the node of TensorFlow's graph, and its constant inputs by position

What the table does not have stays as it is, and is refused with the way out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

KINDS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")
_BINARY = {
    "__operators__.add": "Add",
    "linalg.matmul": "Matmul",
    "math.add": "Add",
    "math.divide": "Divide",
    "math.equal": "Equal",
    "math.floordiv": "FloorDivide",
    "math.greater": "Greater",
    "math.greater_equal": "GreaterEqual",
    "math.less": "Less",
    "math.less_equal": "LessEqual",
    "math.maximum": "Maximum",
    "math.minimum": "Minimum",
    "math.multiply": "Multiply",
    "math.pow": "Power",
    "math.subtract": "Subtract",
    "math.truediv": "TrueDivide",
}
_UNARY = {
    "identity": "Identity",
    "math.abs": "Absolute",
    "math.cos": "Cos",
    "math.exp": "Exp",
    "math.floor": "Floor",
    "math.log": "Log",
    "math.log1p": "Log1p",
    "math.negative": "Negative",
    "math.rsqrt": "Rsqrt",
    "math.sigmoid": "Sigmoid",
    "math.sign": "Sign",
    "math.sin": "Sin",
    "math.softplus": "Softplus",
    "math.sqrt": "Sqrt",
    "math.square": "Square",
    "math.tanh": "Tanh",
    "nn.elu": "Elu",
    "nn.relu": "Relu",
    "nn.relu6": "Relu6",
    "nn.selu": "Selu",
    "nn.sigmoid": "Sigmoid",
    "nn.silu": "Silu",
    "nn.softplus": "Softplus",
    "nn.swish": "Silu",
    "nn.tanh": "Tanh",
}
_AXES = {"axis": "axis", "keepdims": "keepdims"}
_TRANSPOSE, _SQUEEZE = ("Transpose", {"perm": "axes"}), ("Squeeze", {"axis": "axis"})
_WITH_ARGUMENTS: dict[str, tuple[str, dict[str, str]]] = {  # {function: (op, {argument: its name in Keras 3})}
    "cast": ("Cast", {"dtype": "dtype"}),
    "clip_by_value": ("Clip", {"clip_value_min": "x_min", "clip_value_max": "x_max"}),
    "compat.v1.squeeze": _SQUEEZE,
    "compat.v1.transpose": _TRANSPOSE,
    "concat": ("Concatenate", {"axis": "axis"}),
    "expand_dims": ("ExpandDims", {"axis": "axis"}),
    "math.reduce_max": ("Max", _AXES),
    "math.reduce_mean": ("Mean", _AXES),
    "math.reduce_min": ("Min", _AXES),
    "math.reduce_prod": ("Prod", _AXES),
    "math.reduce_std": ("Std", _AXES),
    "math.reduce_sum": ("Sum", _AXES),
    "nn.leaky_relu": ("LeakyRelu", {"alpha": "negative_slope"}),
    "nn.log_softmax": ("LogSoftmax", {"axis": "axis"}),
    "nn.softmax": ("Softmax", {"axis": "axis"}),
    "reshape": ("Reshape", {"shape": "newshape"}),
    "squeeze": _SQUEEZE,
    "stack": ("Stack", {"axis": "axis"}),
    "tile": ("Tile", {"multiples": "repeats"}),
    "transpose": _TRANSPOSE,
}
_NODES = {  # {operation of a graph: function}
    "AddV2": "__operators__.add",
    "Add": "__operators__.add",
    "BatchMatMulV2": "linalg.matmul",
    "MatMul": "linalg.matmul",
    "Maximum": "math.maximum",
    "Minimum": "math.minimum",
    "Mul": "math.multiply",
    "Pow": "math.pow",
    "RealDiv": "math.truediv",
    "Sub": "math.subtract",
    "Neg": "math.negative",
    **{name.rpartition(".")[2].capitalize(): name for name in _UNARY if not name.startswith("nn.s")},
}
_UNIMPORTANT = ("name", "conjugate")
_DEFAULTS = {"LeakyRelu": {"negative_slope": 0.2}, "Concatenate": {"axis": 0}}  # that are others in TensorFlow


def as_op(layer: dict[str, Any], calls: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The config of an op that computes what a layer of Keras 2 did; None if none is known."""
    config = layer["config"]
    function = _function(layer["class_name"], config)
    found = [one for call in calls if (one := _call(function, call, config)) is not None]
    if not found or len(found) < len(calls) or any(one[:2] != found[0][:2] for one in found):
        return None
    name, arguments, _ = found[0]
    nodes = [{"args": one[2], "kwargs": {}} for one in found]
    about = {"module": "keras.ops.numpy", "class_name": name, "config": {"name": layer["name"], **arguments}}
    return {**about, "registered_name": name, "name": layer["name"], "inbound_nodes": nodes}


def _function(kind: str, config: Mapping[str, Any]) -> str:
    if kind != "TensorFlowOpLayer":
        return str(config.get("function"))
    try:
        node = json.loads(config["node_def"])
        return _NODES.get(node["op"], "") if not any(_is_set(node, key) for key in ("transposeA", "adjX")) else ""
    except (KeyError, TypeError, ValueError):
        return ""


def _is_set(node: Mapping[str, Any], key: str) -> bool:
    return bool(node.get("attr", {}).get(key, {}).get("b"))


def _call(function: str, call: dict[str, Any], config: Mapping[str, Any]) -> tuple[str, Any, list[Any]] | None:
    """(op, its arguments, what it is called on)"""
    inputs = _plain(call["args"][0])
    said = {key: value for key, value in call["kwargs"].items() if key not in _UNIMPORTANT and value is not None}
    if "constants" in config:
        inputs = list(_merged(inputs if isinstance(inputs, list) else [inputs], config["constants"] or {}))
    elif function in _BINARY:
        inputs = [inputs, said.pop("y", said.pop("b", None))]
    if function == "__operators__.getitem":
        return ("GetItem", {}, [inputs, list(_keys(said["slice_spec"]))]) if set(said) == {"slice_spec"} else None
    if function in _BINARY:
        return (_BINARY[function], {}, [_plain(one) for one in inputs]) if not said and len(inputs) == 2 else None
    if function in _UNARY:
        return (_UNARY[function], {}, inputs if isinstance(inputs, list) else [inputs]) if not said else None
    name, arguments = _WITH_ARGUMENTS.get(function, ("", {}))
    if not name or not said.keys() <= arguments.keys():
        return None
    return name, {**_DEFAULTS.get(name, {}), **{arguments[key]: value for key, value in said.items()}}, [inputs]


def _merged(inputs: list[Any], constants: Mapping[str, Any]) -> Iterator[Any]:
    """Yields the inputs of a node in order, with its constants at their positions."""
    rest = list(inputs)
    for position in range(len(inputs) + len(constants)):
        yield constants[str(position)] if str(position) in constants else rest.pop(0)


def _plain(value: Any) -> Any:
    """A constant as a number again, whose dtype is that of the other operand."""
    if (
        isinstance(value, dict)
        and value.get("class_name") == "__numpy__"
        and not isinstance(value["config"]["value"], list)
    ):
        return value["config"]["value"]
    return value


def _keys(spec: Any) -> Iterator[Any]:
    for key in spec if isinstance(spec, list) else [spec]:
        if isinstance(key, dict) and "start" in key:
            yield {"class_name": "__slice__", "config": {name: key.get(name) for name in ("start", "stop", "step")}}
        elif isinstance(key, dict) and key.get("class_name") == "__ellipsis__":
            yield {"class_name": "__ellipsis__", "config": {}}
        else:
            yield key
