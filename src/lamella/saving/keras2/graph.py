"""Models of layers as Keras 2 described them, in Keras 3's form.

A call in a graph was a nested list of what the layer is called on, and with which further arguments:

    [["x", 0, 0, {"mask": …}], ["y", 1, 0, {}]]     the first call of "x" and the second of "y", output 0 of each
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from lamella.errors import ConfigError
from lamella.saving.keras2.tensorflow_ops import KINDS, as_op

RECURRENT = re.compile(r"(CuDNN|Conv)?(LSTM|GRU)(\dD)?|\w*RNN|Bidirectional")
_CONSTANT = "_CONSTANT_VALUE"


def plain(name: str) -> str:
    """A name as Keras 3 allows it, which renamed its own `conv1/bn` to `conv1_bn`."""
    return name.replace("/", "_")


def sequential(config: dict[str, Any]) -> dict[str, Any]:
    """With an Input, which Keras 2 kept with the first layer."""
    first = config["layers"][0] if config["layers"] else {}
    inner = first.get("config")
    if not isinstance(inner, dict) or "batch_input_shape" not in inner or first.get("class_name") == "InputLayer":
        return config
    about = {"batch_input_shape": inner["batch_input_shape"], "name": f"{inner.get('name', 'first')}_input"}
    dtype = {"dtype": inner["dtype"]} if isinstance(inner.get("dtype"), str) else {}
    return {**config, "layers": [{"class_name": "InputLayer", "config": {**about, **dtype}}, *config["layers"]]}


def graph(config: dict[str, Any]) -> dict[str, Any]:
    """With calls as Keras 3 writes them; as it is if they are so already."""
    layers = config["layers"]
    if not any(isinstance(call, list) for layer in layers for call in layer.get("inbound_nodes") or ()):
        return config
    first = {layer["name"]: _first_call(layer) for layer in layers}
    functional = {layer["name"] for layer in layers if "input_layers" in layer["config"]}

    def end(reference: list[Any]) -> list[Any]:  # there Keras 3 counts as Keras 2, for graphs
        name, number, index = reference[:3]
        return [plain(name), number - (0 if name in functional else first[name]), index]

    ends = {key: _replaced(config[key], first, end) for key in ("input_layers", "output_layers")}
    return {**config, **ends, "layers": [_with_calls(layer, first) for layer in layers]}


def _first_call(layer: dict[str, Any]) -> int:
    """The number of a layer's first call: 1 for a model that Keras 2 had called on its own inputs before."""
    config = layer["config"]
    if isinstance(config, dict) and "input_layers" in config:
        return 1
    inner = config if isinstance(config, list) else config.get("layers")
    begins = inner[0] if inner and layer["class_name"] == "Sequential" else {}
    return int(begins.get("class_name") == "InputLayer" or "batch_input_shape" in begins.get("config", ()))


def _with_calls(layer: dict[str, Any], first: dict[str, int]) -> dict[str, Any]:
    calls = [_call(call, first) for call in layer.get("inbound_nodes") or ()]
    if RECURRENT.fullmatch(layer["class_name"]):
        calls = [_with_states(call, layer) for call in calls]
    layer = {**layer, "name": plain(layer["name"])}
    return (as_op(layer, calls) if layer["class_name"] in KINDS else None) or {**layer, "inbound_nodes": calls}


def _call(call: Any, first: dict[str, int]) -> dict[str, Any]:
    """One call, with what the caller said beside the inputs."""
    said: dict[str, Any] = {}

    def tensor(reference: list[Any]) -> Any:
        said.update(reference[3] if len(reference) == 4 else {})
        name, number, index = reference[:3]
        if name == _CONSTANT:
            return _constant(index)
        history = [plain(name), number - first[name], index]
        return {"class_name": "__keras_tensor__", "config": {"keras_history": history}}

    inputs = _replaced(call, first, tensor)
    if isinstance(inputs, list) and len(inputs) == 1:
        inputs = inputs[0]
    kwargs = {key: _replaced(value, first, tensor) for key, value in dict(said).items()}
    return {"args": [inputs], "kwargs": kwargs, "training_is_explicit": True}


def _constant(value: Any) -> Any:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        return value
    dtype = {"f": "float32", "b": "bool"}.get(array.dtype.kind, "int32")
    return {"class_name": "__numpy__", "config": {"value": array.tolist(), "dtype": dtype}}


def _with_states(call: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """The call of a recurrent layer, whose initial states stood behind the sequence."""
    inputs, said = call["args"][0], dict(call["kwargs"])
    if said.get("constants", 0) is None:
        del said["constants"]
    if not isinstance(inputs, list):
        return {**call, "kwargs": said}
    if layer["config"].get("num_constants"):
        raise ConfigError(
            f"{layer['class_name']} {layer['name']!r} takes constants beside the sequence, which Keras 3 has not.",
            fix="build the model anew, with the constants in the sequence, and pass this file to its load_weights()",
        )
    return {**call, "args": inputs[:1], "kwargs": {**said, "initial_state": inputs[1:]}}


def _replaced(value: Any, names: dict[str, int], replace: Callable[[list[Any]], Any]) -> Any:
    """A structure with every reference [name, call, output] in it replaced."""
    if isinstance(value, list):
        known = len(value) in (3, 4) and isinstance(value[0], str) and value[0] in (*names, _CONSTANT)
        return replace(value) if known else [_replaced(item, names, replace) for item in value]
    if isinstance(value, dict):
        return {key: _replaced(item, names, replace) for key, item in value.items()}
    return value
