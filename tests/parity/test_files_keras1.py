"""Whole models of Keras 1: classes and arguments of the time, and what merged layers and models."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

import lamella
from lamella.errors import FileError

RANDOM = np.random.default_rng(7)
CLOSE = {"rtol": 1e-5, "atol": 1e-6}
DENSE = {
    "output_dim": 2,
    "init": "uniform",
    "activation": "linear",
    "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.5},
    "b_regularizer": None,
    "activity_regularizer": None,
    "W_constraint": {"name": "MaxNorm", "m": 2, "axis": 0},
    "b_constraint": None,
    "bias": True,
    "input_dim": 3,
    "trainable": True,
}
CONV = {
    **{key: value for key, value in DENSE.items() if key not in ("output_dim", "input_dim", "W_constraint")},
    "W_constraint": None,
    "nb_filter": 4,
    "nb_row": 3,
    "nb_col": 2,
    "border_mode": "same",
    "subsample": [2, 1],
    "dim_ordering": "tf",
}


def normal(*shape):
    return RANDOM.normal(size=shape).astype("float32")


def write(path, config, layers, kind="Sequential", **about):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": kind, "config": config}).encode()
        file.attrs.update(about)
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [name.encode() for name in layers]
        for name, arrays in layers.items():
            group = weights.create_group(name)
            names = [f"{name}_{letter}".encode() for letter in "Wbcdefghijklmn"[: len(arrays)]]
            group.attrs["weight_names"] = names
            for one, array in zip(names, arrays, strict=True):
                group[one] = array
    return path


def one(kind, name, **config):
    return {"class_name": kind, "config": {"name": name, **config}}


def first(shape):
    return {"batch_input_shape": [None, *shape], "input_dtype": "float32"}


def dense(name, **config):
    return one("Dense", name, **{**DENSE, **config})


@pytest.mark.parametrize("about", [{}, {"keras_version": b"1.2.2"}])
def test_a_stack(tmp_path, about):
    pool = {"strides": [2, 2], "pool_size": [2, 2], "border_mode": "valid", "dim_ordering": "tf"}
    norm = {"epsilon": 1e-3, "mode": 0, "axis": -1, "gamma_regularizer": None, "momentum": 0.99}
    layers = [
        one("Convolution2D", "c", **CONV, **first((8, 6, 1))),
        one("BatchNormalization", "n", **norm, beta_regularizer=None),
        one("Activation", "a", activation="relu"),
        one("ZeroPadding2D", "z", padding=[1, 1], dim_ordering="tf"),
        one("MaxPooling2D", "p", **pool),
        one("Dropout", "x", p=0.5),
        one("Flatten", "f"),
        dense("d", input_dim=None),
    ]
    kernel, bias, norms = normal(3, 2, 1, 4), normal(4), [np.abs(normal(4)) for _ in range(4)]
    weights = {"c": [kernel, bias], "n": norms, "d": [normal(48, 2), normal(2)]}
    model = lamella.saving.load_model(write(tmp_path / "m.h5", layers, weights, **about))
    today = lamella.Sequential(
        [
            lamella.Input((8, 6, 1)),
            lamella.layers.Conv2D(4, (3, 2), strides=(2, 1), padding="same"),
            lamella.layers.BatchNormalization(),
            lamella.layers.ReLU(),
            lamella.layers.ZeroPadding2D(1),
            lamella.layers.MaxPooling2D(2),
            lamella.layers.Flatten(),
            lamella.layers.Dense(2),
        ]
    )
    gamma, beta, mean, variance = norms
    today.set_weights([kernel, bias, gamma, beta, mean, variance, *weights["d"]])
    x = normal(2, 8, 6, 1)
    np.testing.assert_allclose(model(x), today(x), **CLOSE)
    assert model.get_layer("x").rate == 0.5
    assert float(model.get_layer("d").kernel_regularizer.l2) == 0.5


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_recurrent_layers(tmp_path, kind):
    order = {"LSTM": "icfo", "GRU": "zrh", "SimpleRNN": "h"}[kind]
    said = {
        **{key: value for key, value in DENSE.items() if key not in ("bias", "activity_regularizer", "W_constraint")},
        "output_dim": 4,
        "inner_init": "orthogonal",
        "activation": "tanh",
        "U_regularizer": None,
        "dropout_W": 0.0,
        "dropout_U": 0.0,
        "input_length": None,
        "return_sequences": False,
        "go_backwards": False,
        "stateful": False,
        "unroll": False,
        "consume_less": "cpu",
        **({} if kind == "SimpleRNN" else {"inner_activation": "hard_sigmoid"}),
        **({"forget_bias_init": "one"} if kind == "LSTM" else {}),
    }
    del said["b_constraint"]
    gates = {gate: (normal(5, 4), normal(4, 4), normal(4)) for gate in order}
    words = {"output_dim": 5, "input_dim": 9, "input_length": 6, "init": "uniform", "mask_zero": True, "dropout": 0.0}
    regular = {"W_regularizer": None, "activity_regularizer": None, "W_constraint": None}
    layers = [one("Embedding", "e", **words, **regular, batch_input_shape=[None, 6]), one(kind, "r", **said)]
    weights = {"e": [normal(9, 5)], "r": [array for gate in gates.values() for array in gate]}
    model = lamella.saving.load_model(write(tmp_path / "m.h5", layers, weights))
    x = np.array([[1, 2, 3, 4, 5, 6], [7, 8, 1, 2, 3, 4]])
    h = c = np.zeros((2, 4))

    def hard(a):
        return np.clip(0.2 * a + 0.5, 0, 1)

    for step in range(6):
        now = weights["e"][0][x[:, step]]
        sums = {gate: now @ w + h @ u + b for gate, (w, u, b) in gates.items()}
        if kind == "LSTM":
            c = hard(sums["f"]) * c + hard(sums["i"]) * np.tanh(sums["c"])
            h = hard(sums["o"]) * np.tanh(c)
        elif kind == "GRU":
            z, r = hard(sums["z"]), hard(sums["r"])
            w, u, b = gates["h"]
            h = z * h + (1 - z) * np.tanh(now @ w + (r * h) @ u + b)
        else:
            h = np.tanh(sums["h"])
    np.testing.assert_allclose(model(x), h, **CLOSE)


MERGED = {
    "sum": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "ave": lambda a, b: (a + b) / 2,
    "max": np.maximum,
    "concat": lambda a, b: np.concatenate([a, b], -1),
    "dot": lambda a, b: (a * b).sum(-1, keepdims=True),
    "cos": lambda a, b: (
        (a * b).sum(-1, keepdims=True)
        / np.linalg.norm(a, axis=-1, keepdims=True)
        / np.linalg.norm(b, axis=-1, keepdims=True)
    ),
}


def merge(mode, layers=()):
    about = {"mode_type": "raw", "concat_axis": -1, "dot_axes": [1, 1] if mode in ("dot", "cos") else -1}
    empty = {"output_shape": None, "output_shape_type": "raw", "output_mask": None, "output_mask_type": "raw"}
    return one("Merge", "merged", mode=mode, layers=list(layers), arguments={}, **about, **empty)


@pytest.mark.parametrize("mode", MERGED)
def test_models_that_are_merged(tmp_path, mode):
    branches = [
        {"class_name": "Sequential", "config": [dense("a", **first((3,))), one("Activation", "t", activation="tanh")]},
        {"class_name": "Sequential", "config": [dense("b", **first((3,)))]},
    ]
    layers = [merge(mode, branches), dense("d", output_dim=1, input_dim=None)]
    x, y = normal(4, 3), normal(4, 3)
    weights = {"a": [normal(3, 2), normal(2)], "t": [], "b": [normal(3, 2), normal(2)]}
    inner = MERGED[mode](np.tanh(x @ weights["a"][0] + weights["a"][1]), y @ weights["b"][0] + weights["b"][1])
    weights["d"] = [normal(inner.shape[-1], 1), normal(1)]
    model = lamella.saving.load_model(write(tmp_path / "m.h5", layers, weights))
    found = model.predict([x, y], verbose=0)
    np.testing.assert_allclose(np.reshape(found, (4, 1)), inner @ weights["d"][0] + weights["d"][1], **CLOSE)


def test_a_graph_with_a_merge(tmp_path):
    def placed(layer, *inputs):
        return {**layer, "name": layer["config"]["name"], "inbound_nodes": [[[name, 0, 0] for name in inputs]]}

    start = {"sparse": False, **first((3,))}
    layers = [
        {**placed(one("InputLayer", "x", **start)), "inbound_nodes": []},
        placed(dense("a"), "x"),
        placed(dense("b"), "x"),
        placed(merge("concat"), "a", "b"),
    ]
    weights = {"x": [], "a": [normal(3, 2), normal(2)], "b": [normal(3, 2), normal(2)], "merged": []}
    config = {"name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["merged", 0, 0]]}
    model = lamella.saving.load_model(write(tmp_path / "m.h5", config, weights, kind="Model"))
    x = normal(4, 3)
    expected = np.concatenate([x @ weights[name][0] + weights[name][1] for name in "ab"], -1)
    np.testing.assert_allclose(np.reshape(model.predict(x, verbose=0), expected.shape), expected, **CLOSE)


def test_what_merges_by_code_is_refused(tmp_path):
    branches = [{"class_name": "Sequential", "config": [dense(name, **first((3,)))]} for name in "ab"]
    layers = [{**merge("sum", branches)}]
    layers[0]["config"] |= {"mode": "gAN9cQA=", "mode_type": "lambda"}
    with pytest.raises(FileError, match=r"Merge 'merged' merges by code(.|\n)*load_weights"):
        lamella.saving.load_model(write(tmp_path / "m.h5", layers, {}))


@pytest.mark.parametrize("layer", [one("Highway", "h", init="uniform"), one("MaxoutDense", "h", output_dim=2)])
def test_layers_that_are_gone_are_asked_for(tmp_path, layer):
    layer["config"] |= first((3,))
    name = layer["class_name"]
    with pytest.raises(FileError, match=rf"custom_objects=\{{'{name}': {name}\}}"):
        lamella.saving.load_model(write(tmp_path / "m.h5", [layer], {}))
