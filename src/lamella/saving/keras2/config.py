"""Configs that Keras 2 wrote, in Keras 3's form.

What it changed: arguments that went or have another name, the first input of a Sequential, dtype policies,
and above all the calls in a graph.  What is not listed here stands in a config as Keras 3 has it.
"""

from __future__ import annotations

from typing import Any

from lamella.errors import ConfigError
from lamella.saving.keras2.arguments import layer_arguments
from lamella.saving.keras2.graph import RECURRENT, graph, sequential
from lamella.saving.keras2.keras1 import graph_of_branches, joins_branches, layer_of_keras2
from lamella.saving.keras2.tensorflow_ops import KINDS

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
    config: dict[str, Any] = {"layers": config} if isinstance(config, list) else dict(config)
    if name in ("Sequential", "Model", "Functional") and joins_branches(config.get("layers", ())):
        name, config = "Functional", graph_of_branches(config.get("name", "sequential"), config["layers"])
    name, config = layer_of_keras2(name, config)
    if isinstance(described.get("module"), str):
        described = {**described, "module": described["module"].replace("tf_keras.", "keras.", 1)}
    if name in KINDS:
        raise ConfigError(
            f"{config.get('name')!r} in the model is an operation of TensorFlow that no op here is known to be.",
            fix="build the model anew, with keras.ops in its place, and pass this file to its load_weights()",
        )
    if name == "TFOptimizer":
        raise ConfigError(
            "The model was trained by an optimizer of TensorFlow 1, of which the file says nothing.",
            fix="pass compile=False, and compile the model anew",
        )
    if name.startswith("LossScaleOptimizer"):
        name, config = "LossScaleOptimizer", _scaled_optimizer(config)
    elif name.removeprefix("Custom>") in _OPTIMIZERS:
        name = name.removeprefix("Custom>")
        config = _optimizer(name, config)
    elif "reduction" in config or "fn" in config:
        config = _measure(name, config)
    elif name in ("Sequential", "Functional", "Model") and "layers" in config:
        config = graph(config) if "input_layers" in config else sequential(config)
    if isinstance(described.get("compile_config"), dict):
        described = {**described, "compile_config": modernized_training(described["compile_config"])}
    if name == "MultiHeadAttention" or RECURRENT.fullmatch(name):  # what it was built with is another thing in Keras 3
        described = {key: value for key, value in described.items() if key != "build_config"}
    name, config = layer_arguments(name, config)
    return {**described, "class_name": name, "config": config}


# Training


def modernized_training(config: dict[str, Any]) -> dict[str, Any]:
    """How a model was compiled, in Keras 3's form."""
    lists = {key: config[key] for key in ("metrics", "weighted_metrics") if isinstance(config.get(key), list)}
    full = {key: [_without_none(each) for each in value] for key, value in lists.items()}
    config = {key: value for key, value in {**config, **full}.items() if value is not None}
    return modernized({key: _renamed(value, _NAMES.get(key, {})) for key, value in config.items()})


_ALIKE = {"cosine_proximity": "cosine_similarity", "kullback_leibler_divergence": "kl_divergence"}
_LOSSES = {**_ALIKE, "huber_loss": "huber", "logcosh": "log_cosh"}
_METRICS = {**_ALIKE, "logcosh": "log_cosh_error"}
_NAMES = {"loss": _LOSSES, "metrics": _METRICS, "weighted_metrics": _METRICS}


def _renamed(measure: Any, names: dict[str, str]) -> Any:
    """Losses or metrics by the names of Keras 3."""
    if isinstance(measure, list):
        return [_renamed(one, names) for one in measure]
    if isinstance(measure, dict) and "class_name" not in measure:
        return {key: _renamed(one, names) for key, one in measure.items()}
    return names.get(measure, measure) if isinstance(measure, str) else measure


def _without_none(metrics: Any) -> Any:
    return [one for one in metrics if one is not None] if isinstance(metrics, list) else metrics


_GONE = ("jit_compile", "is_legacy_optimizer", "schedule_decay")


def _optimizer(name: str, config: dict[str, Any]) -> dict[str, Any]:
    config = {key: value for key, value in config.items() if key not in _GONE}
    rate = config.pop("lr", config.pop("learning_rate", None))
    decay = config.pop("decay", 0.0)
    if decay and name != "Nadam":  # whose decay was that of a momentum
        rate = {"initial_learning_rate": rate, "decay_steps": 1, "decay_rate": decay}
        rate = {"class_name": "InverseTimeDecay", "config": rate}
    said = {"learning_rate": rate, "epsilon": config.pop("epsilon", None)}
    return {**config, **{key: value for key, value in said.items() if value is not None}}


def _scaled_optimizer(config: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the optimizer around another one, which was `optimizer` with a `loss_scale` before 2.4."""
    scale = config.get("loss_scale")
    scale = scale.get("config", {}) if isinstance(scale, dict) else {}
    steps = config.get("dynamic_growth_steps", scale.get("increment_period"))
    said = {
        "inner_optimizer": config.get("inner_optimizer", config.get("optimizer")),
        "initial_scale": config.get("initial_scale", scale.get("initial_loss_scale")),
        "dynamic_growth_steps": steps,
    }
    return {key: value for key, value in said.items() if value is not None}


def _measure(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a loss or metric, which wraps a function where its name says so."""
    function = config.get("fn")
    config = {key: value for key, value in config.items() if key != "fn" or name.endswith("Wrapper")}
    if "fn" in config and isinstance(function, str):
        function = _renamed(function, _LOSSES)
        config["fn"] = {"class_name": "function", "config": function, "registered_name": function}
    if config.get("reduction") == "auto":
        config["reduction"] = "sum_over_batch_size"
    return config
