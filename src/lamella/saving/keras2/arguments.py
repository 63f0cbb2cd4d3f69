"""Arguments of layers that changed between Keras 2 and 3, as tables."""

from __future__ import annotations

import re
from typing import Any

from lamella.saving.keras2.graph import plain

_ANY = object()
_ABSENT = object()
_GONE: tuple[tuple[str, dict[str, Any]], ...] = (  # {argument: the one value that means what Keras 3 does}
    (r"\w*RNN|LSTM|GRU|ConvLSTM\dD", {"time_major": False, "num_constants": 0}),
    (r"LSTM|GRU|SimpleRNN|ConvLSTM\dD", {"implementation": _ANY}),
    (r"(Depthwise|Separable)Conv\dD|Conv\dDTranspose", {"groups": 1}),
    (r"SeparableConv\dD", {"kernel_initializer": _ANY, "kernel_regularizer": None, "kernel_constraint": None}),
    (r"SpatialDropout\dD", {"noise_shape": None, "trainable": _ANY}),
    (r"Discretization", {"trainable": _ANY}),
    (r"Random\w+", {"rng_type": _ANY}),
    (r"MultiHeadAttention", dict.fromkeys(("query_shape", "key_shape", "value_shape", "softmax_robust_masking"), _ANY)),
    (r"Lambda", dict.fromkeys(("module", "function_type", "output_shape_type", "output_shape_module"), _ANY)),
)
_DEFAULTS = {"GRU": {"reset_after": False}, "GRUCell": {"reset_after": False}}  # of what the oldest configs leave out
_GATES = {"activation": "tanh", "recurrent_activation": "sigmoid"}
_SAME: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "CuDNNLSTM": ("LSTM", _GATES, {}),
    "CuDNNGRU": ("GRU", {**_GATES, "reset_after": True}, {}),
    "ThresholdedReLU": ("ReLU", {}, {"theta": "threshold"}),
}
"""Layers that Keras 3 has not, and what says the same: the class, arguments, and other names of arguments."""


def layer_arguments(name: str, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The class and the arguments of a layer (or of another object) in Keras 3.

    Example: >>> from lamella.saving.keras2.arguments import layer_arguments
             >>> layer_arguments("CuDNNGRU", {"units": 2})[1]
             {'reset_after': True, 'units': 2, 'activation': 'tanh', 'recurrent_activation': 'sigmoid'}
    """
    name, said, renamed = _SAME.get(name, (name, {}, {}))
    config = {renamed.get(key, key): value for key, value in config.items()}
    gone = {key: value for pattern, keys in _GONE if re.fullmatch(pattern, name) for key, value in keys.items()}
    kept = {key: value for key, value in config.items() if gone.get(key, _ABSENT) not in (_ANY, value)}
    config = {**_DEFAULTS.get(name, {}), **kept, **said}
    config.update({key: _initializer(value) for key, value in config.items() if key.endswith("_initializer")})
    if isinstance(config.get("dtype"), dict) and isinstance(config["dtype"].get("config"), dict):
        config["dtype"] = config["dtype"]["config"].get("name")
    for key in ("activation", "recurrent_activation"):
        if _is_hard_sigmoid(config.get(key)):
            config[key] = _hard_sigmoid(config.get("dtype"))
    shape, axis = config.pop("batch_input_shape", None), config.get("axis")
    if shape is not None and name == "InputLayer":
        config["batch_shape"] = shape
    if isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    if isinstance(config.get("name"), str):
        config["name"] = plain(config["name"])
    if name == "Lambda" and isinstance(config.get("function"), list):
        code = dict(zip(("code", "defaults", "closure"), config["function"], strict=False))
        config["function"] = {"class_name": "__lambda__", "config": code}
    return name, config


def _initializer(described: Any) -> Any:
    """Without the dtype, which is that of the weight."""
    config = described.get("config") if isinstance(described, dict) else None
    if not isinstance(config, dict):
        return described
    return {**described, "config": {key: value for key, value in config.items() if key != "dtype"}}


def _is_hard_sigmoid(activation: Any) -> bool:
    if isinstance(activation, dict) and activation.get("class_name") == "function":
        activation = activation.get("config")
    return activation == "hard_sigmoid"


def _hard_sigmoid(dtype: Any) -> dict[str, Any]:
    """clip(0.2 x + 0.5, 0, 1), as `hard_sigmoid` was before Keras 3, of layers that Keras 3 has too."""
    about = {"dtype": dtype} if isinstance(dtype, str) else {}
    line = {"name": "line", "scale": 0.2, "offset": 0.5, **about}
    steps = [_layer("Rescaling", line), _layer("ReLU", {"name": "clip", "max_value": 1.0, **about})]
    return _layer("Pipeline", {"name": "hard_sigmoid_of_keras_2", "layers": steps})


def _layer(name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": name, "config": config, "registered_name": None}
