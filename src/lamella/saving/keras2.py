"""Configs that Keras 2 wrote, in Keras 3's form.

What it changed: arguments that went or have another name, the first input of a Sequential, dtype policies,
and above all the calls in a graph.  What is not listed here stands in a config as Keras 3 has it.
"""

from __future__ import annotations

import re
from typing import Any

from lamella.errors import ConfigError
from lamella.saving.keras2_graph import graph, plain, sequential

_ANY = object()
_GONE: tuple[tuple[str, dict[str, Any]], ...] = (  # {argument: the one value that means what Keras 3 does}
    (r"\w*RNN|LSTM|GRU|ConvLSTM\dD", {"time_major": False}),
    (r"(Depthwise|Separable)Conv\dD|Conv\dDTranspose", {"groups": 1}),
    (r"SeparableConv\dD", {"kernel_initializer": _ANY, "kernel_regularizer": None, "kernel_constraint": None}),
    (r"SpatialDropout\dD", {"noise_shape": None, "trainable": _ANY}),
    (r"Discretization", {"trainable": _ANY}),
    (r"Random\w+", {"rng_type": _ANY}),
    (r"MultiHeadAttention", dict.fromkeys(("query_shape", "key_shape", "value_shape", "softmax_robust_masking"), _ANY)),
    (r"Lambda", dict.fromkeys(("module", "function_type", "output_shape_type", "output_shape_module"), _ANY)),
)
_DEFAULTS = {"GRU": {"reset_after": False}, "GRUCell": {"reset_after": False}}  # of what the oldest configs leave out
_TENSORFLOW = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")
_OPTIMIZERS = (
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax"),
    *("Ftrl", "Lion", "Nadam", "RMSprop", "SGD"),
)


def is_keras2(version: Any) -> bool:
    """Whether a file is of Keras 1 or 2, by the version it names; the oldest name none."""
    return version is None or str(version).startswith(("0.", "1.", "2."))


def modernized(config: Any) -> Any:
    """A config of Keras 2, or a part of one, in Keras 3's form.

    Example: >>> from lamella.saving.keras2 import modernized
             >>> modernized({"class_name": "InputLayer", "config": {"batch_input_shape": [None, 3], "name": "in"}})
             {'class_name': 'InputLayer', 'config': {'name': 'in', 'batch_shape': [None, 3]}}
    """
    if isinstance(config, list):
        return [modernized(item) for item in config]
    if not isinstance(config, dict):
        return config
    if "class_name" in config and "items" in config:  # a tuple, or the shape of a tensor
        return modernized(config["items"])
    if isinstance(config.get("class_name"), str) and isinstance(config.get("config"), (dict, list)):
        config = _object(config)
    return {key: modernized(value) for key, value in config.items()}


def _object(described: dict[str, Any]) -> dict[str, Any]:
    name, config = described["class_name"], described["config"]
    config = {"layers": config} if isinstance(config, list) else dict(config)
    if isinstance(described.get("module"), str):
        described = {**described, "module": described["module"].replace("tf_keras.", "keras.", 1)}
    if name in _TENSORFLOW:
        raise ConfigError(
            f"{config.get('name')!r} in the model is an operation of TensorFlow, which nothing here can run.",
            fix="build the model anew, with keras.ops in its place, and pass this file to its load_weights()",
        )
    if name.removeprefix("Custom>") in _OPTIMIZERS:
        name = name.removeprefix("Custom>")
        config = _optimizer(name, config)
    elif "reduction" in config or "fn" in config:
        config = _measure(name, config)
    elif name in ("Sequential", "Functional", "Model") and "layers" in config:
        config = graph(config) if "input_layers" in config else sequential(config)
    if isinstance(described.get("compile_config"), dict):
        described = {**described, "compile_config": modernized_training(described["compile_config"])}
    if name == "MultiHeadAttention":  # what it was built with is another thing in Keras 3
        described = {key: value for key, value in described.items() if key != "build_config"}
    return {**described, "class_name": name, "config": _arguments(name, config)}


# Arguments


def _arguments(name: str, config: dict[str, Any]) -> dict[str, Any]:
    gone = {key: value for pattern, keys in _GONE if re.fullmatch(pattern, name) for key, value in keys.items()}
    kept = {key: value for key, value in config.items() if gone.get(key, _ABSENT) not in (_ANY, value)}
    config = {**_DEFAULTS.get(name, {}), **kept}
    config.update({key: _initializer(value) for key, value in config.items() if key.endswith("_initializer")})
    shape, axis, dtype = config.pop("batch_input_shape", None), config.get("axis"), config.get("dtype")
    if shape is not None and name == "InputLayer":
        config["batch_shape"] = shape
    if isinstance(axis, list) and len(axis) == 1:
        config["axis"] = axis[0]
    if isinstance(dtype, dict) and isinstance(dtype.get("config"), dict):
        config["dtype"] = dtype["config"].get("name")
    if isinstance(config.get("name"), str):
        config["name"] = plain(config["name"])
    if name == "Lambda" and isinstance(config.get("function"), list):
        code = dict(zip(("code", "defaults", "closure"), config["function"], strict=False))
        config["function"] = {"class_name": "__lambda__", "config": code}
    return config


_ABSENT = object()


def _initializer(described: Any) -> Any:
    """Without the dtype, which is that of the weight."""
    config = described.get("config") if isinstance(described, dict) else None
    if not isinstance(config, dict):
        return described
    return {**described, "config": {key: value for key, value in config.items() if key != "dtype"}}


def modernized_training(config: dict[str, Any]) -> dict[str, Any]:
    """How a model was compiled, in Keras 3's form."""
    lists = {key: config[key] for key in ("metrics", "weighted_metrics") if isinstance(config.get(key), list)}
    full = {key: [_without_none(each) for each in value] for key, value in lists.items()}
    return modernized({key: value for key, value in {**config, **full}.items() if value is not None})


def _without_none(metrics: Any) -> Any:
    return [one for one in metrics if one is not None] if isinstance(metrics, list) else metrics


def _optimizer(name: str, config: dict[str, Any]) -> dict[str, Any]:
    config = {key: value for key, value in config.items() if key not in ("jit_compile", "is_legacy_optimizer")}
    rate = config.pop("lr", config.get("learning_rate"))
    decay = config.pop("decay", 0.0)
    if decay and name != "Nadam":  # whose decay was that of a momentum
        rate = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay}
        rate = {"class_name": "InverseTimeDecay", "config": rate}
    return {**config, "learning_rate": rate}


def _measure(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a loss or metric, which wraps a function where its name says so."""
    function = config.get("fn")
    config = {key: value for key, value in config.items() if key != "fn" or name.endswith("Wrapper")}
    if "fn" in config and isinstance(function, str):
        config["fn"] = {"class_name": "function", "config": function, "registered_name": function}
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    return config
