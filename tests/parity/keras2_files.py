"""Files written with h5py as Keras 2 wrote them, and the configs of that time."""

from __future__ import annotations

import json

import h5py
import numpy as np

_LIMIT = 64512  # bytes of one attribute


def write(path, layers, config=None, training=None, optimizer=None, version="2.11.0", text=str.encode):
    """A weights file, or with a config a whole model.

    Args: layers: {layer: {name of a weight: array}}, in the order of the model.
          optimizer: {name of a slot: array}.
          text: `str` for the versions that wrote texts of varying length, `str.encode` for those that wrote bytes.
    """
    with h5py.File(path, "w") as file:
        about = {"keras_version": text(version), "backend": text("tensorflow")}
        group = file if config is None else file.create_group("model_weights")
        file.attrs.update(about)
        if config is not None:
            group.attrs.update(about)
            file.attrs["model_config"] = text(json.dumps(config))
        if training is not None:
            file.attrs["training_config"] = text(json.dumps(training))
        _names(group, "layer_names", layers, text)
        for name, weights in layers.items():
            _weights(group.create_group(name), weights, text)
        if version > "2.5":
            _weights(group.create_group("top_level_model_weights"), {}, text)
        if optimizer is not None:
            _weights(file.create_group("optimizer_weights"), optimizer, text)
    return path


def _weights(group, weights, text):
    _names(group, "weight_names", weights, text)
    for name, value in weights.items():
        group.create_dataset(name, data=value)


def _names(group, attribute, names, text):
    names = [text(name) for name in names]
    if text is str:
        group.attrs[attribute] = names
        return
    parts = 1
    while any(part.nbytes > _LIMIT for part in np.array_split(np.asarray(names), parts)):
        parts += 1
    for number, part in enumerate(np.array_split(np.asarray(names), parts)):
        group.attrs[attribute if parts == 1 else f"{attribute}{number}"] = part


def layer(kind, name, *calls, **config):
    """The config of a layer in a graph; a call is a list of references."""
    config = {"name": name, "trainable": True, "dtype": "float32", **config}
    return {"class_name": kind, "config": config, "name": name, "inbound_nodes": list(calls)}


def at(name, /, call=0, output=0, **said):
    """A reference to an output of a call, with what was said beside it."""
    return [name, call, output, said]


def start(name, *shape):
    return layer("InputLayer", name, batch_input_shape=[None, *shape], sparse=False, ragged=False)


def dense(name, units, *calls, **config):
    glorot = {"class_name": "GlorotUniform", "config": {"seed": None}}
    zeros = {"class_name": "Zeros", "config": {}}
    regularizers = dict.fromkeys(("kernel_regularizer", "bias_regularizer", "activity_regularizer"))
    constraints = dict.fromkeys(("kernel_constraint", "bias_constraint"))
    config = {"kernel_initializer": glorot, "bias_initializer": zeros, **config}
    written = {"units": units, "activation": "linear", "use_bias": True, **regularizers, **constraints}
    return layer("Dense", name, *calls, **{**written, **config})


def norm(name, *calls):
    about = {"axis": [1], "momentum": 0.9, "epsilon": 1e-3, "center": True, "scale": True}
    return layer("BatchNormalization", name, *calls, **about)


def functional(layers, inputs, outputs, name="model", kind="Functional"):
    config = {"name": name, "layers": layers, "input_layers": inputs, "output_layers": outputs}
    return {"class_name": kind, "config": config}


def sequential(layers, name="sequential"):
    plain = [{key: one[key] for key in ("class_name", "config")} for one in layers]
    return {"class_name": "Sequential", "config": {"name": name, "layers": plain}}


def called(model, *calls):
    """A model as a layer of a graph."""
    return {**model, "name": model["config"]["name"], "inbound_nodes": list(calls)}


def values(*shapes):
    random = np.random.default_rng(0)
    return [random.uniform(0.2, 0.8, shape).astype("float32") for shape in shapes]


def dense_weights(name, *shape, seed=0):
    random = np.random.default_rng([seed, *name.encode()])
    kernel, bias = random.normal(size=shape), random.normal(size=shape[-1])
    return {f"{name}/kernel:0": kernel.astype("float32"), f"{name}/bias:0": bias.astype("float32")}


def norm_weights(name, size):
    random = np.random.default_rng([*name.encode()])
    parts = ("gamma", "beta", "moving_mean", "moving_variance")
    return {f"{name}/{part}:0": random.uniform(0.5, 1.5, size).astype("float32") for part in parts}
