"""Configs of Keras 1, in Keras 2's form: what layers and their arguments were called, and what merged them.

Source: https://github.com/keras-team/keras/wiki/Keras-2.0-release-notes
"""

from __future__ import annotations

import re
from typing import Any

from lamella.errors import ConfigError

_CLASSES = {
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "TimeDistributedDense": "Dense",
}
_WEIGHTS = {
    "init": "kernel_initializer",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
    "output_dim": "units",
}
_WINDOWS = {
    "atrous_rate": "dilation_rate",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "filter_length": "kernel_size",
    "length": "size",
    "nb_filter": "filters",
    "pool_length": "pool_size",
    "stride": "strides",
    "subsample": "strides",
    "subsample_length": "strides",
}
_GATES = {
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "forget_bias_init": "unit_forget_bias",
    "U_regularizer": "recurrent_regularizer",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
}
_EMBEDDINGS = {
    "init": "embeddings_initializer",
    "W_regularizer": "embeddings_regularizer",
    "W_constraint": "embeddings_constraint",
}
_ARGUMENTS: tuple[tuple[str, dict[str, str]], ...] = (  # the first that fits
    (r"Dense|LocallyConnected\dD", {**_WEIGHTS, **_WINDOWS}),
    (r"(Separable|ConvLSTM)?Conv\w*\dD\w*", {**_WEIGHTS, **_WINDOWS, **_GATES}),
    (r"\w*Pooling\dD|UpSampling\dD|ZeroPadding\dD|Cropping\dD", _WINDOWS),
    (r"LSTM|GRU|SimpleRNN", {**_WEIGHTS, **_GATES}),
    (r"Embedding", _EMBEDDINGS),
    (r"BatchNormalization", {"gamma_init": "gamma_initializer", "beta_init": "beta_initializer"}),
    (r"PReLU", {"init": "alpha_initializer"}),
    (r"(Spatial|Gaussian)?Dropout(\dD)?", {"p": "rate", "dim_ordering": "data_format"}),
    (r"GaussianNoise", {"sigma": "stddev"}),
    (r"Flatten|Permute|Reshape|Activation", {}),
)
_ANY, _ABSENT = object(), object()
_GONE = {"input_dim": _ANY, "input_length": _ANY, "consume_less": _ANY, "output_shape": _ANY}
_GONE_OF: dict[str, dict[str, Any]] = {
    "BatchNormalization": {"mode": 0},
    "Embedding": {"dropout": (0, 0.0, None)},
}
_KERNELS = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))
_VALUES = {  # {argument: {value: what it is called in Keras 2}}
    "data_format": {"th": "channels_first", "tf": "channels_last", "default": None},
    "unit_forget_bias": {"one": True, "zero": False},
}
_INITIALIZERS = {"normal": "random_normal", "one": "ones", "uniform": "random_uniform", "zero": "zeros"}
_MERGES = {
    "ave": "Average",
    "concat": "Concatenate",
    "cos": "Dot",
    "dot": "Dot",
    "max": "Maximum",
    "mul": "Multiply",
    "sum": "Add",
}


def layer_of_keras2(name: str, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The class and arguments of a layer of Keras 1 in Keras 2; those of Keras 2 are returned as they are.

    Example: >>> from lamella.saving.keras2.keras1 import layer_of_keras2
             >>> layer_of_keras2("Convolution2D", {"nb_filter": 8, "nb_row": 3, "nb_col": 2, "border_mode": "same"})
             ('Conv2D', {'filters': 8, 'padding': 'same', 'kernel_size': [3, 2]})
    """
    if name == "Merge":
        return _merge(config)
    name = _CLASSES.get(name, name)
    if "batch_input_shape" in config:  # of the first layer, and with it the dtype of the first input
        config = {key: value for key, value in config.items() if key != "input_dtype"}
    names = next((names for pattern, names in _ARGUMENTS if re.fullmatch(pattern, name)), None)
    if names is None:
        return name, config
    gone = _GONE_OF.get(name, _GONE)
    kernel = [[config[key] for key in keys] for keys in _KERNELS if all(key in config for key in keys)]
    parts = [key for keys in _KERNELS for key in keys] if kernel else []
    kept = {key: value for key, value in config.items() if key not in parts and not _is_gone(gone, key, value)}
    found = {names.get(key, key): value for key, value in kept.items()}
    found |= {"kernel_size": kernel[0]} if kernel else {}
    return name, {key: _value(key, value) for key, value in found.items()}


def _is_gone(gone: dict[str, Any], key: str, value: Any) -> bool:
    only = gone.get(key, _ABSENT)
    return only is _ANY or only == value or (isinstance(only, tuple) and value in only)


def _value(key: str, value: Any) -> Any:
    """An argument, where Keras 1 wrote another one for it."""
    kind = key.rpartition("_")[2]
    if key in _VALUES and isinstance(value, str):
        return _VALUES[key].get(value, value)
    if kind == "initializer" and isinstance(value, str):
        return _INITIALIZERS.get(value, value)
    if kind == "regularizer" and isinstance(value, dict) and "class_name" not in value:
        return {"class_name": "L1L2", "config": {name: value.get(name, 0.0) for name in ("l1", "l2")}}
    if kind == "constraint" and isinstance(value, dict) and "name" in value and "class_name" not in value:
        own = {{"m": "max_value"}.get(name, name): one for name, one in value.items() if name != "name"}
        return {"class_name": value["name"], "config": own}
    return value


# Layers that merged others


def _merge(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    mode = config.get("mode", "sum")
    if config.get("mode_type", "raw") != "raw" or mode not in _MERGES:
        raise ConfigError(
            f"Merge {config.get('name')!r} merges by code, which is not run.",
            received=f"mode {str(mode)[:60]!r}",
            fix="build the model anew, with a layer of your own in its place, and pass this file to load_weights()",
        )
    own = {"concat": {"axis": config.get("concat_axis", -1)}, "dot": {"axes": _axes(config)}}
    own["cos"] = {**own["dot"], "normalize": True}
    return _MERGES[mode], {"name": config.get("name"), **own.get(mode, {})}


def _axes(config: dict[str, Any]) -> Any:
    """Axes of a dot product: one for each side, which stood in lists."""
    axes = config.get("dot_axes", -1)
    return (
        [one[0] if isinstance(one, list) and len(one) == 1 else one for one in axes] if isinstance(axes, list) else axes
    )


def joins_branches(layers: list[Any]) -> bool:
    """Whether a Sequential of Keras 1 begins with models that are merged."""
    first = layers[0] if layers and isinstance(layers[0], dict) else {}
    return first.get("class_name") == "Merge" and bool(first.get("config", {}).get("layers"))


def graph_of_branches(name: str, layers: list[Any]) -> dict[str, Any]:
    """The graph of a Sequential that begins with models that are merged, as Keras 2 would have written it."""
    graph: dict[str, Any] = {"name": name, "layers": [], "input_layers": [], "output_layers": []}
    graph["output_layers"] = [_end(_chained(graph, layers))]
    return graph


def _chained(graph: dict[str, Any], layers: list[Any]) -> dict[str, Any]:
    """Puts layers one behind the other into a graph; the last of them."""
    first, *rest = layers
    inner = first["config"]
    if first["class_name"] == "Merge":
        ends = [_end(_chained(graph, _layers_of(branch))) for branch in inner["layers"]]
        last = _put(graph, {**first, "config": {**inner, "layers": []}}, ends)
    elif first["class_name"] == "Sequential":
        last = _chained(graph, _layers_of(first))
    else:
        last = _begun(graph, first)
    for layer in rest:
        last = _put(graph, layer, [_end(last)])
    return last


def _begun(graph: dict[str, Any], first: dict[str, Any]) -> dict[str, Any]:
    """The first layer of a branch, behind the Input that Keras kept with it."""
    config = first["config"]
    if first["class_name"] == "InputLayer" or "batch_input_shape" not in config:
        last = _put(graph, first, None)
        graph["input_layers"].append(_end(last))
        return last
    about = {"name": f"{config['name']}_input", "batch_input_shape": config["batch_input_shape"]}
    start = _put(graph, {"class_name": "InputLayer", "config": about}, None)
    graph["input_layers"].append(_end(start))
    return _put(graph, first, [_end(start)])


def _layers_of(model: dict[str, Any]) -> list[Any]:
    return model["config"] if isinstance(model["config"], list) else model["config"]["layers"]


def _put(graph: dict[str, Any], layer: dict[str, Any], inputs: list[Any] | None) -> dict[str, Any]:
    config = layer["config"]
    name = (
        config["name"]
        if isinstance(config, dict)
        else layer.get("name", f"{layer['class_name']}_{len(graph['layers'])}")
    )
    placed = {**layer, "name": name, "inbound_nodes": [] if inputs is None else [[[*one, {}] for one in inputs]]}
    graph["layers"].append(placed)
    return placed


def _end(layer: dict[str, Any]) -> list[Any]:
    """A reference to what a layer returns: a model was called on its own inputs before."""
    config = layer["config"]
    return [layer["name"], int(isinstance(config, list) or ("layers" in config and layer["class_name"] != "Merge")), 0]
